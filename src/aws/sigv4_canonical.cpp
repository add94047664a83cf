// SPDX-License-Identifier: Apache-2.0
#include "aws/sigv4_canonical.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <map>

#include "aws/json_write.hpp"
#include "base/check.hpp"

namespace aws::sigv4 {

namespace {
bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '~';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

base::Bytes hmac(base::ByteView key, std::string_view text) {
  base::Bytes out(SHA256_DIGEST_LENGTH);
  unsigned size = 0;
  const base::ByteView bytes = base::as_bytes(text);
  const auto* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes.data(), bytes.size(), out.data(), &size);
  CHECK(done != nullptr && size == out.size());
  return out;
}

// Splits at `separator` without copying.
template <class Visit>
void for_each_part(std::string_view text, char separator, Visit visit) {
  while (true) {
    const std::size_t at = text.find(separator);
    visit(text.substr(0, at));
    if (at == std::string_view::npos) return;
    text.remove_prefix(at + 1);
  }
}
}  // namespace

std::string CredentialScope::text() const {
  return date + '/' + region + '/' + service + '/' + std::string(kTerminator);
}

std::string CredentialScope::credential() const {
  return access_key_id + '/' + text();
}

std::string sha256_hex(base::ByteView bytes) {
  base::Bytes digest(SHA256_DIGEST_LENGTH);
  SHA256(bytes.data(), bytes.size(), digest.data());
  return base::to_hex(digest);
}

std::string uri_encode(std::string_view text, bool keep_slash) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string uri_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int high = text[at] == '%' && at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[at + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high << 4 | low);
      at += 2;
    } else {
      out += text[at];
    }
  }
  return out;
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

std::string_view query_of(std::string_view target) {
  const std::size_t at = target.find('?');
  return at == std::string_view::npos ? std::string_view() : target.substr(at + 1);
}

std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> segments;
  for_each_part(path, '/', [&](std::string_view segment) {
    if (segment.empty() || segment == ".") return;
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else {
      segments.push_back(segment);
    }
  });
  std::string out;
  for (const std::string_view segment : segments) out += '/' + uri_encode(segment, false);
  const bool ends_as_folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  if (out.empty() || ends_as_folder) out += '/';
  return out;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  for_each_part(query, '&', [&](std::string_view part) {
    if (part.empty()) return;
    const std::size_t at = part.find('=');
    std::string name = uri_encode(uri_decode(part.substr(0, at)), false);
    if (name == "X-Amz-Signature") return;
    const std::string_view value = at == std::string_view::npos ? std::string_view() : part.substr(at + 1);
    parameters.emplace_back(std::move(name), uri_encode(uri_decode(value), false));
  });
  std::ranges::sort(parameters);
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    out.append(name).append(1, '=').append(value);
  }
  return out;
}

std::string query_as_json(std::string_view query, std::string_view prefix) {
  std::map<std::string, std::string> arguments;
  for_each_part(query, '&', [&](std::string_view part) {
    const std::size_t at = part.find('=');
    const std::string name = uri_decode(part.substr(0, at));
    if (at == std::string_view::npos || !name.starts_with(prefix)) return;
    arguments[name.substr(prefix.size())] = uri_decode(part.substr(at + 1));
  });
  std::string out;
  write_value(out, arguments);
  return out;
}

std::string canonical_header_value(std::string_view value) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  std::string out;
  for (const char c : value) {
    if (!is_blank(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

std::optional<std::string> find_header(std::span<const Header> headers, std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::optional<std::string> out;
  for (const Header& header : headers) {
    if (!std::ranges::equal(header.name, name, {}, lower, lower)) continue;
    if (out) *out += ',';
    if (!out) out.emplace();
    *out += canonical_header_value(header.value);
  }
  return out;
}

std::string canonical_request(const CanonicalParts& parts) {
  std::string out(parts.method);
  const std::string_view path = path_of(parts.target);
  out += '\n' + (parts.path_as_sent ? std::string(path) : canonical_path(path)) + '\n' +
         canonical_query(query_of(parts.target)) + '\n';
  std::string names;
  for (const auto& [name, value] : parts.signed_headers) {
    out.append(name).append(1, ':').append(value).append(1, '\n');
    if (!names.empty()) names += ';';
    names += name;
  }
  return out + '\n' + names + '\n' + std::string(parts.payload_hash);
}

std::string string_to_sign(std::string_view timestamp, const CredentialScope& scope, std::string_view canonical) {
  return std::string(kAlgorithm) + '\n' + std::string(timestamp) + '\n' + scope.text() + '\n' +
         sha256_hex(base::as_bytes(canonical));
}

std::string signature(std::string_view secret, const CredentialScope& scope, std::string_view text_to_sign) {
  base::Bytes key = hmac(base::as_bytes("AWS4" + std::string(secret)), scope.date);
  key = hmac(key, scope.region);
  key = hmac(key, scope.service);
  key = hmac(key, kTerminator);
  return base::to_hex(hmac(key, text_to_sign));
}

}  // namespace aws::sigv4

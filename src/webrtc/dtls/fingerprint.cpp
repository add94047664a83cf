// SPDX-License-Identifier: Apache-2.0
#include "webrtc/dtls/fingerprint.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <utility>

namespace webrtc::dtls {
namespace {

const EVP_MD* find_hash(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, const EVP_MD* (*)()>, 5> kHashes = {{
      {"sha-1", EVP_sha1},
      {"sha-224", EVP_sha224},
      {"sha-256", EVP_sha256},
      {"sha-384", EVP_sha384},
      {"sha-512", EVP_sha512},
  }};
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const auto& [known, make] : kHashes) {
    if (lower == known) return make();
  }
  return nullptr;
}

}  // namespace

std::string write_fingerprint(base::ByteView digest) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  text.reserve(digest.size() * 3);
  for (const std::uint8_t byte : digest) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

std::optional<base::Bytes> parse_fingerprint(std::string_view text) {
  // The longest hash has 64 bytes.
  if (text.empty() || text.size() > 64 * 3 || text.size() % 3 != 2) return std::nullopt;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % 3 != 2) {
      digits += text[i];
    } else if (text[i] != ':') {
      return std::nullopt;
    }
  }
  return base::parse_hex(digits);
}

std::optional<base::Bytes> digest_certificate(const X509& certificate, std::string_view hash) {
  const EVP_MD* method = find_hash(hash);
  if (method == nullptr) return std::nullopt;
  base::Bytes digest(EVP_MAX_MD_SIZE);
  unsigned int size = 0;
  if (X509_digest(&certificate, method, digest.data(), &size) != 1) return std::nullopt;
  digest.resize(size);
  return digest;
}

bool matches_any(const X509& certificate, std::span<const Fingerprint> expected) {
  for (const Fingerprint& candidate : expected) {
    const auto theirs = parse_fingerprint(candidate.value);
    const auto ours = digest_certificate(certificate, candidate.hash);
    if (theirs && ours && base::equal_in_constant_time(*theirs, *ours)) return true;
  }
  return false;
}

}  // namespace webrtc::dtls

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "aws/sigv4_canonical.hpp"
#include "base/check.hpp"

namespace aws::sigv4 {

namespace {
std::string to_lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

CredentialScope make_scope(const Credentials& credentials, const Scope& scope, std::string_view timestamp) {
  return {credentials.access_key_id, std::string(timestamp.substr(0, 8)), scope.region, scope.service};
}
}  // namespace

std::vector<std::pair<std::string, std::string>> sign_headers(const Request& request, base::ByteView body,
                                                              const Credentials& credentials, const Scope& scope,
                                                              base::WallTime now) {
  const std::string timestamp = base::to_basic_iso8601(now);
  std::vector<std::pair<std::string, std::string>> added{{"x-amz-date", timestamp}};
  if (!credentials.session_token.empty()) added.emplace_back("x-amz-security-token", credentials.session_token);

  CanonicalParts parts{request.method, request.target, {}, {}, scope.service == kS3ServiceName};
  for (const Header& header : request.headers) {
    parts.signed_headers.emplace_back(to_lower(header.name), canonical_header_value(header.value));
  }
  parts.signed_headers.insert(parts.signed_headers.end(), added.begin(), added.end());
  std::ranges::sort(parts.signed_headers);
  const auto by_name = [](const auto& header) { return header.first; };
  CHECK(std::ranges::find(parts.signed_headers, "host", by_name) != parts.signed_headers.end());

  const std::string hash = sha256_hex(body);
  parts.payload_hash = hash;
  const CredentialScope full = make_scope(credentials, scope, timestamp);
  std::string names;
  for (const auto& [name, value] : parts.signed_headers) names += (names.empty() ? "" : ";") + name;
  const std::string text = string_to_sign(timestamp, full, canonical_request(parts));
  added.emplace_back("authorization", std::string(kAlgorithm) + " Credential=" + full.credential() +
                                          ", SignedHeaders=" + names +
                                          ", Signature=" + signature(credentials.secret_access_key, full, text));
  return added;
}

std::string presign_target(const PresignedGet& request, const Credentials& credentials, const Scope& scope,
                           base::WallTime now) {
  const std::string timestamp = base::to_basic_iso8601(now);
  const CredentialScope full = make_scope(credentials, scope, timestamp);
  std::string query(query_of(request.target));
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!query.empty()) query += '&';
    query += std::string(name) + '=' + uri_encode(value, false);
  };
  add("X-Amz-Algorithm", kAlgorithm);
  add("X-Amz-Credential", full.credential());
  add("X-Amz-Date", timestamp);
  add("X-Amz-Expires", std::to_string(request.expires.count()));
  if (!credentials.session_token.empty()) add("X-Amz-Security-Token", credentials.session_token);
  add("X-Amz-SignedHeaders", "host");
  std::string signed_target = std::string(path_of(request.target)) + '?' + canonical_query(query);
  const std::string hash = sha256_hex({});
  const CanonicalParts parts{"GET", signed_target, {{"host", std::string(request.host)}}, hash};
  const std::string text = string_to_sign(timestamp, full, canonical_request(parts));
  return signed_target + "&X-Amz-Signature=" + signature(credentials.secret_access_key, full, text);
}

}  // namespace aws::sigv4

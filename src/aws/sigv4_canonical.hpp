// SPDX-License-Identifier: Apache-2.0
#pragma once
// The canonical request and the key derivation of Signature Version 4, shared by verification and signing.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/sigv4.hpp"

namespace aws::sigv4 {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kTerminator = "aws4_request";

// "AKID/20261122/us-west-2/kinesisvideo/aws4_request".
struct CredentialScope {
  std::string access_key_id;
  std::string date;  // yyyymmdd
  std::string region;
  std::string service;

  std::string text() const;        // without the key
  std::string credential() const;  // with it
};

// Lower-case hex of SHA-256.
std::string sha256_hex(base::ByteView bytes);

// Everything but A-Z a-z 0-9 - _ . ~ becomes %XX; '/' stays if `keep_slash`.
std::string uri_encode(std::string_view text, bool keep_slash);
// A stray '%' stays as it is; '+' is a plus.
std::string uri_decode(std::string_view text);

std::string_view path_of(std::string_view target);
std::string_view query_of(std::string_view target);

// The path, normalised (no "//", no dot segments) and encoded once more than it came.
std::string canonical_path(std::string_view path);
// Parameters decoded and encoded anew, sorted by name and value, without X-Amz-Signature.
std::string canonical_query(std::string_view query);
// Trimmed, runs of spaces made one.
std::string canonical_header_value(std::string_view value);

// Every value of a header, joined by commas; nothing when it is not there.
std::optional<std::string> find_header(std::span<const Header> headers, std::string_view name);

struct CanonicalParts {
  std::string_view method;
  std::string_view target;
  // Lower-case names in the order in which they are signed, with their canonical values.
  std::vector<std::pair<std::string, std::string>> signed_headers;
  std::string_view payload_hash;
  bool path_as_sent = false;  // S3: neither normalised nor encoded once more
};
std::string canonical_request(const CanonicalParts& parts);

std::string string_to_sign(std::string_view timestamp, const CredentialScope& scope, std::string_view canonical);
// Lower-case hex of the signature.
std::string signature(std::string_view secret, const CredentialScope& scope, std::string_view text_to_sign);

}  // namespace aws::sigv4

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Signature Version 4: verification of what real KVS clients send, and signing for our own client.
// Pure: the clock, the keys and the request are arguments. No secret is ever part of an error message.

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/error.hpp"
#include "aws/policy.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"

namespace aws::sigv4 {

inline constexpr std::string_view kServiceName = "kinesisvideo";  // credential scope of all five services
inline constexpr std::string_view kS3ServiceName = "s3";          // signs paths as they are sent
inline constexpr std::chrono::seconds kMaxExpires{604800};
inline constexpr std::chrono::seconds kMaxSkew{15 * 60};

// A request as it came over the wire. Views: the caller keeps the bytes alive.
struct Header {
  std::string_view name;  // in any case
  std::string_view value;
};
struct Request {
  std::string_view method;
  std::string_view target;          // path and query exactly as received
  std::span<const Header> headers;  // in order; a name may come more than once
};

// The payload hash rule (contract, section 9): x-amz-content-sha256 if given (and it must be true of the body),
// else SHA256(body); a body that is streamed and was not read counts as empty.
struct Payload {
  std::optional<base::ByteView> body;  // absent: streamed, not read
};

// What the server knows of an access key.
struct KnownKey {
  std::string secret;
  // Of temporary credentials: hex of the SHA-256 of their session token (x-amz-security-token), and their end. A key
  // without a token does not look at one that is sent.
  std::string token_sha256{};
  std::optional<base::WallTime> expires{};
  PrincipalPtr principal{};
};
// What token_sha256 holds.
std::string hash_of_token(std::string_view token);
// Finds an access key, or nothing. Called once per request; may be called from any thread.
using FindKey = std::function<std::optional<KnownKey>(std::string_view access_key_id)>;

struct Identity {
  std::string access_key_id;
  std::string region;  // of the credential scope
  base::WallTime signed_at;
  bool query_signed = false;  // a presigned URL
  PrincipalPtr principal;     // as FindKey gave it
};

// Checks a signature. Errors: kMissingAuthenticationToken, kIncompleteSignature, kInvalidClientTokenId,
// kInvalidSignature ("Signature expired: ...", "Signature not yet current: ...", "The request signature we
// calculated does not match ..."), kExpiredToken.
//
// Driven by the client's own SignedHeaders: they must include host and, in the header form, the date; hop-by-hop
// headers may be among them, x-amz-security-token need not be. Host is tried as sent, then without its port.
Outcome<Identity> verify(const Request& request, const Payload& payload, const FindKey& find_key, base::WallTime now);

// The arguments of a WebSocket connect as a JSON object of strings, for the codec: parameters that begin with `prefix`,
// decoded, without it. Of a parameter that comes twice the last counts.
std::string query_as_json(std::string_view query, std::string_view prefix);

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty: none
};
struct Scope {
  std::string region;
  std::string service = std::string(kServiceName);
};

// Headers to add to the request so that it is signed: x-amz-date, x-amz-security-token (if any), authorization.
// Signs host and every header given in `request`, which must contain Host.
std::vector<std::pair<std::string, std::string>> sign_headers(const Request& request, base::ByteView body,
                                                              const Credentials& credentials, const Scope& scope,
                                                              base::WallTime now);

// A GET request without a body: a WebSocket connect.
struct PresignedGet {
  std::string_view target;  // the path and the unsigned parameters (X-Amz-ChannelARN, X-Amz-ClientId)
  std::string_view host;    // as in the Host header: the only header that is signed
  std::chrono::seconds expires{299};
};
// Its target with the signature (path?query).
std::string presign_target(const PresignedGet& request, const Credentials& credentials, const Scope& scope,
                           base::WallTime now);

}  // namespace aws::sigv4

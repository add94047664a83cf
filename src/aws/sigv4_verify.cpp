// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include "aws/sigv4_canonical.hpp"

namespace aws::sigv4 {

namespace {

constexpr std::size_t kMaxAuthorization = 8192;
constexpr std::size_t kMaxSignedHeaders = 64;

// What the client claims, not yet believed.
struct Claim {
  CredentialScope scope;
  std::vector<std::string> signed_headers;
  std::string signature;
  std::string timestamp;
  base::WallTime signed_at;
  std::chrono::seconds expires{0};
  bool in_query = false;
};

std::unexpected<Error> incomplete(std::string why) {
  return fail(kIncompleteSignature, std::move(why));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Outcome<CredentialScope> parse_credential(std::string_view text) {
  const std::vector<std::string> parts = split(text, '/');
  if (parts.size() != 5 || parts[0].empty()) {
    return incomplete("Credential must have the form KEY/DATE/REGION/SERVICE/aws4_request");
  }
  CredentialScope scope{parts[0], parts[1], parts[2], parts[3]};
  if (scope.service != kServiceName) {
    return fail(kInvalidSignature, "Credential should be scoped to correct service: 'kinesisvideo'.");
  }
  if (parts[4] != kTerminator) {
    return fail(kInvalidSignature, "Credential should be scoped with a valid terminator: 'aws4_request'.");
  }
  return scope;
}

Outcome<void> fill_common(Claim& claim, std::string_view credential, std::string_view signed_headers,
                          std::string_view signature_text, std::string_view timestamp) {
  auto scope = parse_credential(credential);
  if (!scope) return std::unexpected(std::move(scope).error());
  claim.scope = *std::move(scope);
  claim.signed_headers = split(signed_headers, ';');
  claim.signature = signature_text;
  claim.timestamp = timestamp;
  const auto time = base::parse_basic_iso8601(timestamp);
  if (!time) return incomplete("X-Amz-Date must have the form 20261123T081102Z");
  claim.signed_at = *time;
  if (claim.scope.date != timestamp.substr(0, 8)) {
    return fail(kInvalidSignature, "Date in Credential scope does not match YYYYMMDD from X-Amz-Date.");
  }
  if (claim.signed_headers.size() > kMaxSignedHeaders) return incomplete("SignedHeaders names too many headers");
  return {};
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=..."
Outcome<Claim> parse_authorization(std::string_view text, std::span<const Header> headers) {
  if (text.size() > kMaxAuthorization) return incomplete("Authorization header is too long");
  if (!text.starts_with(kAlgorithm)) {
    return incomplete("Authorization header must start with 'AWS4-HMAC-SHA256'");
  }
  text.remove_prefix(kAlgorithm.size());
  std::string credential;
  std::string signed_headers;
  std::string signature_text;
  for (const std::string& part : split(text, ',')) {
    const std::string_view item = trim(part);
    const std::size_t equals = item.find('=');
    const std::string_view name = item.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") signed_headers = value;
    if (name == "Signature") signature_text = value;
  }
  if (credential.empty()) return incomplete("Authorization header requires 'Credential' parameter.");
  if (signature_text.empty()) return incomplete("Authorization header requires 'Signature' parameter.");
  if (signed_headers.empty()) return incomplete("Authorization header requires 'SignedHeaders' parameter.");
  const auto timestamp = find_header(headers, "x-amz-date");
  if (!timestamp) return incomplete("Authorization header requires existence of a 'X-Amz-Date' header.");
  Claim claim;
  if (auto filled = fill_common(claim, credential, signed_headers, signature_text, *timestamp); !filled) {
    return std::unexpected(std::move(filled).error());
  }
  if (std::ranges::find(claim.signed_headers, "x-amz-date") == claim.signed_headers.end()) {
    return fail(kInvalidSignature, "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.");
  }
  return claim;
}

// The value of one parameter, decoded; nothing when it is missing or comes twice.
std::optional<std::string> find_parameter(std::string_view query, std::string_view name) {
  std::optional<std::string> found;
  for (const std::string& part : split(query, '&')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos || uri_decode(part.substr(0, equals)) != name) continue;
    if (found) return std::nullopt;
    found = uri_decode(std::string_view(part).substr(equals + 1));
  }
  return found;
}

Outcome<Claim> parse_query(std::string_view query) {
  const auto credential = find_parameter(query, "X-Amz-Credential");
  const auto signed_headers = find_parameter(query, "X-Amz-SignedHeaders");
  const auto signature_text = find_parameter(query, "X-Amz-Signature");
  const auto timestamp = find_parameter(query, "X-Amz-Date");
  const auto expires = find_parameter(query, "X-Amz-Expires");
  if (find_parameter(query, "X-Amz-Algorithm") != kAlgorithm) {
    return incomplete("AWS query-string parameters must include 'X-Amz-Algorithm=AWS4-HMAC-SHA256'.");
  }
  if (!credential || !signed_headers || !signature_text || !timestamp || !expires) {
    return incomplete(
        "AWS query-string parameters must include each of 'X-Amz-Credential', 'X-Amz-Signature', "
        "'X-Amz-SignedHeaders', 'X-Amz-Date' and 'X-Amz-Expires' once.");
  }
  Claim claim;
  if (auto filled = fill_common(claim, *credential, *signed_headers, *signature_text, *timestamp); !filled) {
    return std::unexpected(std::move(filled).error());
  }
  std::int64_t seconds = 0;
  const auto [end, problem] = std::from_chars(expires->data(), expires->data() + expires->size(), seconds);
  const bool is_number = problem == std::errc() && end == expires->data() + expires->size();
  if (!is_number || seconds < 1 || seconds > kMaxExpires.count()) {
    return incomplete("X-Amz-Expires must be a number of seconds from 1 to 604800.");
  }
  claim.expires = std::chrono::seconds(seconds);
  claim.in_query = true;
  return claim;
}

Outcome<Claim> parse_claim(const Request& request) {
  if (const auto authorization = find_header(request.headers, "authorization")) {
    return parse_authorization(*authorization, request.headers);
  }
  const std::string_view query = query_of(request.target);
  for (const char* name : {"X-Amz-Algorithm=", "X-Amz-Credential=", "X-Amz-Signature="}) {
    if (query.find(name) != std::string_view::npos) return parse_query(query);
  }
  return fail(kMissingAuthenticationToken, "Missing Authentication Token");
}

// webrtc-sdk-c looks for these two phrases to set its clock.
Outcome<void> check_time(const Claim& claim, base::WallTime now) {
  const std::string minutes = std::to_string(kMaxSkew.count() / 60);
  if (claim.signed_at > now + kMaxSkew) {
    return fail(kInvalidSignature, "Signature not yet current: " + claim.timestamp + " is still later than " +
                                       base::to_basic_iso8601(now + kMaxSkew) + " (" + base::to_basic_iso8601(now) +
                                       " + " + minutes + " min.)");
  }
  if (claim.in_query && now > claim.signed_at + claim.expires) {
    return fail(kInvalidSignature, "Signature expired: " + claim.timestamp + " + " +
                                       std::to_string(claim.expires.count()) + " s is now earlier than " +
                                       base::to_basic_iso8601(now));
  }
  if (!claim.in_query && claim.signed_at < now - kMaxSkew) {
    return fail(kInvalidSignature, "Signature expired: " + claim.timestamp + " is now earlier than " +
                                       base::to_basic_iso8601(now - kMaxSkew) + " (" + base::to_basic_iso8601(now) +
                                       " - " + minutes + " min.)");
  }
  return {};
}

// The payload hash to sign with, or nothing when the client's own hash is not true of the body.
std::optional<std::string> payload_hash(const Request& request, const Payload& payload) {
  const auto given = find_header(request.headers, "x-amz-content-sha256");
  if (!payload.body) return given ? *given : sha256_hex({});
  std::string actual = sha256_hex(*payload.body);
  if (given && *given != actual) return std::nullopt;
  return actual;
}

// "example.org:8443" -> "example.org", "[::1]:8443" -> "[::1]".
std::string without_port(const std::string& host) {
  const std::size_t colon = host.rfind(':');
  const bool is_port = colon != std::string::npos && colon + 1 < host.size() &&
                       std::ranges::all_of(host.substr(colon + 1), [](char c) { return c >= '0' && c <= '9'; });
  return is_port ? host.substr(0, colon) : host;
}

bool has_signature(const Claim& claim, const Request& request, std::string_view hash, std::string_view secret,
                   bool drop_port) {
  CanonicalParts parts{request.method, request.target, {}, hash};
  for (const std::string& name : claim.signed_headers) {
    auto value = find_header(request.headers, name);
    if (!value) return false;
    if (drop_port && name == "host") value = without_port(*value);
    parts.signed_headers.emplace_back(name, *std::move(value));
  }
  const std::string expected =
      signature(secret, claim.scope, string_to_sign(claim.timestamp, claim.scope, canonical_request(parts)));
  return base::equal_in_constant_time(base::as_bytes(expected), base::as_bytes(claim.signature));
}

bool matches(const Claim& claim, const Request& request, const Payload& payload, std::string_view secret) {
  // Normalising the path would make a relative one absolute.
  if (!request.target.starts_with('/')) return false;
  const auto hash = payload_hash(request, payload);
  if (!hash) return false;
  // webrtc-sdk-c and producer-c leave the port out of the host that they sign.
  return has_signature(claim, request, *hash, secret, false) || has_signature(claim, request, *hash, secret, true);
}

std::unexpected<Error> invalid_token() {
  return fail(kInvalidClientTokenId, "The security token included in the request is invalid.");
}

// The C clients send the token without signing it, so it must be compared; an altered one is as bad as none.
Outcome<void> check_token(const Claim& claim, const Request& request, const KnownKey& key, base::WallTime now) {
  if (key.token_sha256.empty()) return {};
  const auto given = claim.in_query ? find_parameter(query_of(request.target), "X-Amz-Security-Token")
                                    : find_header(request.headers, "x-amz-security-token");
  if (!given) return invalid_token();
  const std::string hash = hash_of_token(*given);
  if (!base::equal_in_constant_time(base::as_bytes(hash), base::as_bytes(key.token_sha256))) return invalid_token();
  if (key.expires && now >= *key.expires) {
    return fail(kExpiredToken, "The security token included in the request is expired");
  }
  return {};
}

}  // namespace

std::string hash_of_token(std::string_view token) {
  return sha256_hex(base::as_bytes(token));
}

Outcome<Identity> verify(const Request& request, const Payload& payload, const FindKey& find_key, base::WallTime now) {
  auto claim = parse_claim(request);
  if (!claim) return std::unexpected(std::move(claim).error());
  const bool names_are_canonical = std::ranges::is_sorted(claim->signed_headers, std::ranges::less_equal());
  if (!names_are_canonical) return incomplete("SignedHeaders must be sorted, in lower case, each name once.");
  if (std::ranges::find(claim->signed_headers, "host") == claim->signed_headers.end()) {
    return fail(kInvalidSignature, "'Host' must be a 'SignedHeader' in the AWS Authorization.");
  }
  const auto key = find_key(claim->scope.access_key_id);
  if (!key) return invalid_token();
  if (auto in_time = check_time(*claim, now); !in_time) return std::unexpected(std::move(in_time).error());
  if (!matches(*claim, request, payload, key->secret)) {
    return fail(kInvalidSignature,
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method. Consult the service documentation for details.");
  }
  if (auto good = check_token(*claim, request, *key, now); !good) return std::unexpected(std::move(good).error());
  return Identity{claim->scope.access_key_id, claim->scope.region, claim->signed_at, claim->in_query, key->principal};
}

}  // namespace aws::sigv4

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Certificate fingerprints as SDP writes them (RFC 8122 section 5).

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

using X509 = struct x509_st;  // OpenSSL's, without its headers

namespace webrtc::dtls {

// A peer's certificate fingerprint as its SDP has it: the name of the hash and hex pairs joined by ':', any case.
struct Fingerprint {
  std::string hash = "sha-256";
  std::string value;
};

// "AB:CD" <-> bytes. Parsing takes either case and demands the colons.
std::string write_fingerprint(base::ByteView digest);
std::optional<base::Bytes> parse_fingerprint(std::string_view text);

// The digest of the certificate's DER form; nothing for a hash that RFC 8122 does not know (or MD2, MD5).
std::optional<base::Bytes> digest_certificate(const X509& certificate, std::string_view hash);

// Whether any of `expected` is the certificate's. Compared in constant time; unknown hashes never match.
bool matches_any(const X509& certificate, std::span<const Fingerprint> expected);

}  // namespace webrtc::dtls

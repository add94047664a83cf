// SPDX-License-Identifier: Apache-2.0
#pragma once
// Our end's DTLS identity. WebRTC trusts the fingerprint in the SDP and nothing else in a certificate (RFC 8827 6.5).

#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace webrtc::dtls {

// A self-signed ECDSA P-256 certificate with its private key. Immutable, shared by all peers of a process or made
// per session; may be used from any thread.
class Certificate {
 public:
  // The digest of the self-signature. Sha1 exists because webrtc-sdk-c signs with it, so tests must be able to.
  enum class Digest { Sha256, Sha1 };

  // Valid from a day before `now` for a year (clients of WebRTC do not look). Fails only if OpenSSL does.
  static base::Result<std::shared_ptr<const Certificate>> make(base::WallTime now, Digest digest = Digest::Sha256);
  ~Certificate();
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  // SHA-256 of the DER form as SDP writes it after "sha-256 ": "AB:CD:..", upper case (webrtc-sdk-c compares text).
  const std::string& fingerprint() const;

 private:
  friend class Transport;
  struct Parts;
  explicit Certificate(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace webrtc::dtls

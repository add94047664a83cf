// SPDX-License-Identifier: Apache-2.0
#pragma once
// The key that notifications are signed with, and the certificate that receivers check them against.

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace delivery {

// A new RSA key of 2,048 bits and a certificate of itself for ten years, both PEM in one text. SNS signs with RSA, and
// receivers are written for that.
base::Result<std::string> make_signing_identity();

// Any thread.
class Signer {
 public:
  // From what make_signing_identity() wrote; Corrupt if it is something else.
  static base::Result<std::unique_ptr<Signer>> open(std::string_view pem);
  ~Signer();
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  // PEM, without the key.
  const std::string& certificate() const { return certificate_; }
  // SHA-256 with RSA (PKCS #1 v1.5), base64: version 2 of SNS.
  base::Result<std::string> sign(std::string_view text) const;

 private:
  struct Key;
  Signer(std::unique_ptr<Key> key, std::string certificate);
  std::unique_ptr<Key> key_;
  std::string certificate_;
};

}  // namespace delivery

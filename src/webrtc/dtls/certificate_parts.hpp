// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "webrtc/dtls/certificate.hpp"
#include "webrtc/dtls/openssl_handles.hpp"

namespace webrtc::dtls {

// One SSL_CTX per certificate: it holds the key pair and every setting that all associations share.
struct Certificate::Parts {
  SslContextHandle context;
  std::string fingerprint;
};

}  // namespace webrtc::dtls

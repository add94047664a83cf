// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "webrtc/dtls/openssl_handles.hpp"
#include "webrtc/dtls/transport.hpp"

namespace webrtc::dtls {

// The SRTP keys of a finished handshake (RFC 5764 4.2); nothing if no profile was agreed.
std::optional<KeysReady> export_srtp_keys(SSL& ssl, Role role);

}  // namespace webrtc::dtls

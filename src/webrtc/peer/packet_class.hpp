// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"

namespace webrtc {

// What shares the one UDP flow of a BUNDLE transport (RFC 7983 section 7, RFC 5761 section 4).
enum class PacketClass { Stun, Dtls, Rtp, Rtcp, Unknown };

// By the first byte, and for RTP and RTCP by the second; nothing else is looked at.
PacketClass classify(base::ByteView datagram);

}  // namespace webrtc

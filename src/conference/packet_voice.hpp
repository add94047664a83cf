// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whether an Opus packet holds voice, from its bytes alone.

#include "base/bytes.hpp"

namespace conference {

enum class PacketVoice : std::uint8_t {
  Silent,   // discontinuous transmission, or the SILK encoder's own detector says so
  Voice,    // the SILK encoder's detector says so
  Unknown,  // CELT does not tell: decode it
};

// SILK and hybrid packets begin with one voice activity bit a SILK frame, uncompressed (RFC 6716 4.2.3): the range
// coder spends exactly one bit on each. `packet` is a valid Opus packet.
PacketVoice packet_voice(base::ByteView packet);

// SILK and hybrid packets can hold in-band FEC for the packet before.
bool may_hold_fec(base::ByteView packet);

}  // namespace conference

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which datagrams may reach OpenSSL at all.

#include <cstddef>
#include <limits>

#include "base/bytes.hpp"

namespace webrtc::dtls {

// No cipher suite has been chosen: nothing can be sealed yet.
inline constexpr std::size_t kNothingSealed = std::numeric_limits<std::size_t>::max();

// RFC 6347 4.1.2.7 wants invalid records discarded in silence. OpenSSL does so only for those that it can decrypt and
// finds forged: a sealed record too short for its tag, an unknown type or a handshake header that contradicts itself is
// fatal to the association. Whoever can send from the peer's address, or a flipped bit, must not end it that cheaply.
//
// True if every record of the datagram could have come from a DTLS 1.2 implementation. `shortest_sealed` is the least
// length of a record of epoch 1 under the cipher suite in use (kNothingSealed: there are none yet).
bool is_well_formed(base::ByteView datagram, std::size_t shortest_sealed);

}  // namespace webrtc::dtls

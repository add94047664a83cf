// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a shared media port asks of a datagram whose flow it does not know yet.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/sans_io.hpp"

namespace webrtc {

// The local user name fragment of an ICE connectivity check (a STUN Binding request): it names the peer that the check
// is for. Nothing is verified here; the peer does that. The view points into the datagram.
std::optional<std::string_view> find_local_ufrag(base::ByteView datagram);

// The answer to a plain STUN Binding request (no credentials), which makes the media port a STUN server.
std::optional<base::Transmit> answer_plain_stun(const base::Datagram& datagram);

// The SSRC of what looks like an SRTP packet. Nothing is verified here either.
std::optional<std::uint32_t> find_media_ssrc(base::ByteView datagram);

}  // namespace webrtc

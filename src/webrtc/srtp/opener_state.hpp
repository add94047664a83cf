// SPDX-License-Identifier: Apache-2.0
#pragma once
// The inside of an Opener; private to opener.cpp and open_batch.cpp.

#include <optional>

#include "webrtc/srtp/opener.hpp"
#include "webrtc/srtp/packet_cipher.hpp"
#include "webrtc/srtp/replay_window.hpp"
#include "webrtc/srtp/stream_table.hpp"

namespace webrtc::srtp {

struct Opener::State {
  PacketCipher rtp;
  StreamTable<ReplayWindow> rtp_streams;
  OpenStats rtp_stats;
  PacketCipher rtcp;
  StreamTable<ReplayWindow> rtcp_streams;
  OpenStats rtcp_stats;

  // An RTP packet that is worth the cipher: well formed, and by its claim not seen before.
  struct Claim {
    std::uint32_t ssrc = 0;
    std::uint64_t index = 0;
    std::size_t header_size = 0;
    bool known_stream = false;  // something authentic came of it, which `index` was estimated from
  };
  // Nothing if the packet was dropped (and counted).
  std::optional<Claim> read_claim(base::ByteView packet);
  PacketPieces pieces_of(const Claim& claim, base::MutableByteView packet, base::ByteView rollover) const;
  // The claim proved authentic: false if the same packet was taken since it was read, or its stream is one too many.
  bool accept(const Claim& claim);
  std::optional<base::MutableByteView> open(const Claim& claim, base::MutableByteView packet);
};

}  // namespace webrtc::srtp

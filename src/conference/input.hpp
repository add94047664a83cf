// SPDX-License-Identifier: Apache-2.0
#pragma once
// What one participant sends, from one SSRC: stored in order, with the sender's clock. A new SSRC is a new Input.

#include <optional>

#include "conference/arrival_clock.hpp"
#include "conference/audio_packet.hpp"
#include "conference/options.hpp"
#include "conference/packet_buffer.hpp"
#include "rtp/unwrap.hpp"

namespace conference {

class Input {
 public:
  explicit Input(std::uint32_t ssrc) : ssrc_(ssrc) {}

  // False for a packet that belongs to a new Input: other SSRC, or its time has nothing to do with that of the packets
  // before (more than a second beside it).
  bool continues(base::Instant now, const AudioPacket& packet) const;
  // What was stored, or nothing: counted in `stats`. `duration` is the packet's, checked by the caller.
  std::optional<StoredPacket> take(base::Instant now, const AudioPacket& packet, std::int64_t duration, Stats& stats);

  const PacketBuffer& buffer() const { return buffer_; }
  const ArrivalClock& arrivals() const { return clock_; }
  // Sends sound: voice, or noise packet after packet, not one now and then as in discontinuous transmission.
  bool sounding(base::Instant now) const;
  // More than one packet of a hundred does not come in time.
  bool loses_packets() const { return loss_ > 0.01; }

 private:
  std::uint32_t ssrc_;
  rtp::SequenceUnwrapper sequences_;
  rtp::TimestampUnwrapper timestamps_;
  std::optional<std::int64_t> newest_sequence_;
  PacketBuffer buffer_;
  ArrivalClock clock_;
  std::optional<std::int64_t> sound_until_;
  std::optional<base::Instant> last_sound_;
  double loss_ = 0;
};

}  // namespace conference

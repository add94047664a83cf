// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/check.hpp"
#include "conference/conference.hpp"

// The input is a list of packets, each after a byte that says whose it is and what happens meanwhile, steps of sequence
// number and time, and the payload: authenticated but hostile senders. Nothing may break, nothing may be sent to who is
// not there, and time must always go on.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using conference::ParticipantId;
  constexpr ParticipantId kParticipants = 5;
  base::ByteReader reader({bytes, size});
  base::Instant now(std::chrono::seconds(1));
  conference::Options options;
  options.max_participants = kParticipants;
  options.max_speakers = 2;
  options.complexity = 0;
  conference::Conference room(options);
  bool here[kParticipants] = {};
  std::uint16_t sequences[kParticipants] = {};
  std::uint32_t timestamps[kParticipants] = {};
  for (int packets = 0; reader.remaining() > 4 && packets < 400; ++packets) {
    const std::uint8_t what = reader.u8();
    const ParticipantId id = what % kParticipants;
    if (!here[id]) {
      CHECK(room.join(id, now, 77).has_value());
      here[id] = true;
    } else if (what >= 250) {
      room.leave(id, now);
      here[id] = false;
    }
    now += std::chrono::milliseconds(reader.u8() % 64);
    while (room.next_timeout() <= now) {
      const base::Instant before = room.next_timeout();
      room.handle_timeout(now);
      CHECK(room.next_timeout() > before);
    }
    conference::AudioPacket packet;
    packet.ssrc = id + (what >= 240 ? 1000 : 0);
    const std::uint8_t step = reader.u8();
    packet.sequence = sequences[id] =
        static_cast<std::uint16_t>(sequences[id] + static_cast<std::int8_t>(step) / 8 + 1);
    packet.timestamp = timestamps[id] += (step % 8 == 7 ? reader.u32() : 120U * reader.u8());
    const std::size_t length = reader.u8();
    const base::ByteView payload = reader.take(std::min(length, reader.remaining()));
    packet.payload = std::make_shared<const base::Bytes>(payload.begin(), payload.end());
    room.packet(id, packet, now);
    while (const auto sent = room.poll_transmit()) {
      CHECK(sent->listener < kParticipants && here[sent->listener]);
      CHECK(!sent->payload->empty());
    }
  }
  return 0;
}

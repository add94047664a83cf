// SPDX-License-Identifier: Apache-2.0
#include "conference/input.hpp"

#include <algorithm>
#include <cmath>

#include "codecs/opus.hpp"
#include "conference/packet_voice.hpp"

namespace conference {
namespace {

constexpr double kMaxTimeJump = 48'000;
constexpr base::Duration kSoundPause = std::chrono::milliseconds(300);
constexpr double kLossSmoothing = 0.005;
constexpr std::int64_t kMaxCountedGap = 20;

}  // namespace

bool Input::continues(base::Instant now, const AudioPacket& packet) const {
  if (packet.ssrc != ssrc_) return false;
  if (!newest_sequence_ || sequences_.peek(packet.sequence) < *newest_sequence_) return true;
  const auto end = static_cast<double>(timestamps_.peek(packet.timestamp));
  return std::abs(end - clock_.head(now)) < kMaxTimeJump;
}

std::optional<StoredPacket> Input::take(base::Instant now, const AudioPacket& packet, std::int64_t duration,
                                        Stats& stats) {
  StoredPacket stored{.sequence = sequences_.peek(packet.sequence),
                      .timestamp = timestamps_.peek(packet.timestamp),
                      .duration = duration,
                      .arrived = now,
                      .marker = packet.marker,
                      .payload = packet.payload};
  const std::uint64_t overflowed = buffer_.overflowed();
  const PacketBuffer::Insertion inserted = buffer_.insert(stored);
  stats.overflowed += buffer_.overflowed() - overflowed;
  if (inserted == PacketBuffer::Insertion::Duplicate) ++stats.duplicates;
  if (inserted == PacketBuffer::Insertion::Inconsistent) ++stats.inconsistent;
  if (inserted != PacketBuffer::Insertion::Taken) return std::nullopt;
  ++stats.packets;
  const std::int64_t step = newest_sequence_ ? stored.sequence - *newest_sequence_ : 1;
  if (step > 0) {
    newest_sequence_ = stored.sequence;
    sequences_.start_at(stored.sequence);
    timestamps_.start_at(stored.timestamp);
    clock_.handle_packet(now, stored.end());
    const bool sound = !codecs::opus::is_dtx(*packet.payload);
    const bool follows = stored.timestamp == sound_until_ || packet_voice(*packet.payload) != PacketVoice::Silent;
    if (sound && follows) last_sound_ = now;
    if (sound) sound_until_ = stored.end();
    loss_ = loss_ * (1 - kLossSmoothing) + kLossSmoothing * static_cast<double>(std::min(step - 1, kMaxCountedGap));
  } else {
    loss_ = std::max(0.0, loss_ - kLossSmoothing);  // overtaken, not lost
  }
  return stored;
}

bool Input::sounding(base::Instant now) const {
  return last_sound_ && now - *last_sound_ < kSoundPause;
}

}  // namespace conference

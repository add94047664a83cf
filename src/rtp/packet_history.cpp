// SPDX-License-Identifier: Apache-2.0
#include "rtp/packet_history.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "codecs/h264_nal.hpp"
#include "rtp/h264_depacketizer.hpp"

namespace rtp {
namespace {

using codecs::h264::NalType;

constexpr std::size_t kFirstSlots = 256;
// Nobody forgets what is fresh: no session reads it (yet).
constexpr std::size_t kMaxFresh = 4096;
// Parameter sets in front of a key frame may have timestamps of their own.
constexpr std::int64_t kParameterSets = 8;
constexpr base::Duration kRateWindow = std::chrono::seconds(4);
constexpr std::uint8_t kAggregate = 24;  // STAP-A
constexpr std::uint8_t kFragment = 28;   // FU-A

struct Contents {
  bool key_frame = false;
  bool only_parameter_sets = true;
  bool begins_with_sps = false;

  void note(std::uint8_t nal_header) {
    switch (codecs::h264::nal_type(base::ByteView(&nal_header, 1))) {
      case NalType::Idr:
        key_frame = true;
        only_parameter_sets = false;
        return;
      case NalType::Sps:
        key_frame = true;
        return;
      case NalType::Pps:
      case NalType::Sei:
      case NalType::AccessUnitDelimiter:
        return;
      default:
        only_parameter_sets = false;
    }
  }
};

// RFC 6184 5.6 to 5.8; what is malformed is whatever it looks like: its viewers' decoders judge it.
Contents look_into(base::ByteView payload) {
  Contents contents;
  if (payload.empty()) return {.key_frame = false, .only_parameter_sets = false};
  const unsigned type = payload[0] & 31U;
  if (type == kFragment) {
    contents.only_parameter_sets = false;
    if (payload.size() > 1) contents.note(payload[1]);
  } else if (type == kAggregate) {
    for (std::size_t at = 1; at + 2 < payload.size();) {
      contents.note(payload[at + 2]);
      at += 2U + static_cast<std::size_t>(payload[at] << 8 | payload[at + 1]);
    }
  } else {
    contents.note(payload[0]);
    contents.begins_with_sps = type == static_cast<unsigned>(NalType::Sps);
  }
  return contents;
}

}  // namespace

void PacketHistory::restart() {
  ++epoch_;
  for (KeptPacket& packet : slots_) packet.sequence = -1;
  fresh_.clear();
  clock_.reset();
  newest_ = newest_key_ = key_begin_ = -1;
}

void PacketHistory::set_wanted(bool wanted) {
  if (wanted == wanted_) return;
  const std::optional<SourceClock> clock = clock_;
  restart();
  clock_ = clock;
  slots_ = {};
  fresh_ = {};
  wanted_ = wanted;
}

void PacketHistory::grow() {
  std::vector<KeptPacket> old = std::exchange(slots_, std::vector<KeptPacket>(slots_.size() * 2));
  for (KeptPacket& packet : old) {
    if (packet.sequence >= 0) slot(packet.sequence) = std::move(packet);
  }
}

void PacketHistory::count(base::Instant now, std::size_t bytes) {
  const base::Duration passed = now - counted_since_;
  if (counted_bytes_ == 0 || passed >= 2 * kRateWindow) {  // the first, or the first in a long while
    counted_since_ = now;
    counted_bytes_ = 0;
  } else if (passed >= kRateWindow) {
    const double seconds = std::chrono::duration<double>(passed).count();
    bits_per_second_ = static_cast<std::uint64_t>(static_cast<double>(counted_bytes_) * 8 / seconds);
    counted_since_ = now;
    counted_bytes_ = 0;
  }
  counted_bytes_ += bytes;
}

// Who comes later begins with the newest key frame, however long ago it was.
bool PacketHistory::still_needed(base::Instant now, const KeptPacket& packet) const {
  if (packet.sequence < 0) return false;
  return now - packet.at < kKeep || (key_begin_ >= 0 && packet.sequence >= key_begin_ - kParameterSets);
}

void PacketHistory::keep(base::Instant now, const KeptPacket& header, base::ByteView payload) {
  if (slots_.empty()) slots_.resize(kFirstSlots);
  const std::int64_t sequence = header.sequence;
  while (still_needed(now, slot(sequence)) && slots_.size() < kMaxPackets) grow();
  const Contents contents = look_into(payload);
  KeptPacket& packet = slot(sequence);
  packet.sequence = sequence;
  packet.timestamp = header.timestamp;
  packet.marker = header.marker;
  packet.has_key_frame = contents.key_frame;
  packet.begins_access_unit =
      header.begins_access_unit || contents.begins_with_sps || H264Depacketizer::surely_starts_access_unit(payload);
  packet.only_parameter_sets = contents.only_parameter_sets;
  packet.payload.assign(payload.begin(), payload.end());
  packet.at = now;
  if (contents.key_frame) {
    const KeptPacket* begin = find(key_begin_);
    if (begin != nullptr && begin->timestamp == packet.timestamp) {
      key_begin_ = std::min(key_begin_, sequence);
    } else if (sequence > key_begin_) {
      key_begin_ = sequence;
    }
    newest_key_ = std::max(newest_key_, sequence);
  }
  newest_ = std::max(newest_, sequence);
  if (fresh_.size() < kMaxFresh) fresh_.push_back(sequence);
}

void PacketHistory::add(base::Instant now, const KeptPacket& header, base::ByteView payload) {
  if (!wanted_) return;
  if (!slots_.empty() && slot(header.sequence).sequence > header.sequence) return;  // so late that its place is taken
  keep(now, header, payload);
  count(now, payload.size());
}

void PacketHistory::begin_before(base::Instant now, std::int64_t next, std::span<const EarlierPacket> packets) {
  if (!wanted_) return;
  CHECK(packets.size() <= kMaxPackets);
  const std::optional<SourceClock> clock = clock_;
  restart();
  clock_ = clock;
  std::int64_t sequence = next - static_cast<std::int64_t>(packets.size());
  for (const EarlierPacket& packet : packets) {
    const bool first = &packet == packets.data();
    keep(now,
         {.sequence = sequence++, .timestamp = packet.timestamp, .marker = packet.marker, .begins_access_unit = first},
         packet.payload);
  }
}

const KeptPacket* PacketHistory::find(std::int64_t sequence) const {
  if (slots_.empty() || sequence < 0) return nullptr;
  const KeptPacket& packet = slots_[static_cast<std::size_t>(sequence) & (slots_.size() - 1)];
  return packet.sequence == sequence ? &packet : nullptr;
}

// Parameter sets may have a timestamp of their own.
std::optional<std::int64_t> PacketHistory::newest_key_frame() const {
  const KeptPacket* first = find(newest_key_);
  if (first == nullptr) return std::nullopt;
  for (;;) {
    const KeptPacket* before = find(first->sequence - 1);
    const bool belongs = before != nullptr && !before->payload.empty() &&
                         (before->timestamp == first->timestamp || before->only_parameter_sets);
    // What is missing before it may be its parameter sets, on their way again.
    if (before == nullptr && !first->begins_access_unit) return std::nullopt;
    if (!belongs) break;
    first = before;
  }
  return first->sequence;
}

}  // namespace rtp

// SPDX-License-Identifier: Apache-2.0
#include "rtp/packet_history.hpp"

#include <algorithm>
#include <utility>

#include "codecs/h264_nal.hpp"
#include "rtp/h264_depacketizer.hpp"

namespace rtp {
namespace {

using codecs::h264::NalType;

constexpr std::size_t kFirstSlots = 256;
// Nobody forgets what is fresh: no session reads it (yet).
constexpr std::size_t kMaxFresh = 4096;
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
  newest_ = newest_key_ = -1;
}

void PacketHistory::grow() {
  std::vector<KeptPacket> old = std::exchange(slots_, std::vector<KeptPacket>(slots_.size() * 2));
  for (KeptPacket& packet : old) {
    if (packet.sequence >= 0) slot(packet.sequence) = std::move(packet);
  }
}

void PacketHistory::add(base::Instant now, const KeptPacket& header, base::ByteView payload) {
  if (slots_.empty()) slots_.resize(kFirstSlots);
  const std::int64_t sequence = header.sequence;
  const KeptPacket& before = slot(sequence);
  if (before.sequence > sequence) return;  // so late that its place is taken
  if (before.sequence >= 0 && now - before.at < kKeep && slots_.size() < kMaxPackets) grow();
  const Contents contents = look_into(payload);
  KeptPacket& packet = slot(sequence);
  packet.sequence = sequence;
  packet.timestamp = header.timestamp;
  packet.marker = header.marker;
  packet.has_key_frame = contents.key_frame;
  packet.begins_access_unit = contents.begins_with_sps || H264Depacketizer::surely_starts_access_unit(payload);
  packet.only_parameter_sets = contents.only_parameter_sets;
  packet.payload.assign(payload.begin(), payload.end());
  packet.at = now;
  newest_ = std::max(newest_, sequence);
  if (contents.key_frame) newest_key_ = std::max(newest_key_, sequence);
  if (fresh_.size() < kMaxFresh) fresh_.push_back(sequence);
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

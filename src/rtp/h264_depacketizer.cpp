// SPDX-License-Identifier: Apache-2.0
#include "rtp/h264_depacketizer.hpp"

#include <algorithm>
#include <utility>

#include "codecs/h264_nal.hpp"
#include "codecs/h264_recovery_point.hpp"
#include "codecs/h264_slice.hpp"

namespace rtp {
namespace {

using codecs::h264::NalType;

constexpr std::uint8_t kAggregate = 24;  // STAP-A
constexpr std::uint8_t kFragment = 28;   // FU-A
constexpr std::uint8_t kLastSingle = 23;
// More than any encoder makes of one picture; a bound for a sender that never ends one.
constexpr std::size_t kMaxAccessUnitBytes = 16U << 20;

NalType type_of(std::uint8_t nal_header) {
  return static_cast<NalType>(nal_header & 31);
}

// The first NAL unit that a payload carries or begins; empty for the middle of a fragmented one.
base::ByteView first_nal(base::ByteView payload) {
  if (payload.empty()) return {};
  const unsigned type = payload[0] & 31U;
  if (type == kAggregate) return payload.size() > 3 ? payload.subspan(3) : base::ByteView();
  return type <= kLastSingle ? payload : base::ByteView();
}

// After a marker: does this payload open the next access unit, or go on with the one that the marker closed?
bool may_start_access_unit(base::ByteView payload) {
  if (payload.size() > 2 && (payload[0] & 31) == kFragment) {
    if ((payload[1] & 0x80) == 0) return false;
    return !codecs::h264::is_slice(type_of(payload[1])) || (payload[2] & 0x80) != 0;  // first_mb_in_slice 0 is "1"
  }
  const base::ByteView nal = first_nal(payload);
  if (nal.empty()) return false;
  return !codecs::h264::is_slice(type_of(nal[0])) || codecs::h264::parse_first_mb_in_slice(nal) == 0U;
}

}  // namespace

bool H264Depacketizer::surely_starts_access_unit(base::ByteView payload) {
  const base::ByteView nal = first_nal(payload);
  if (nal.empty()) return false;
  const NalType type = type_of(nal[0]);
  return type == NalType::AccessUnitDelimiter || (type == NalType::Sps && (payload[0] & 31) == kAggregate);
}

void H264Depacketizer::push(const OrderedPayload& payload, std::vector<DepacketizedFrame>& out) {
  if (payload.bytes.empty()) return;
  const bool after_loss = std::exchange(loss_pending_, false);
  if (open_ && after_loss) broken_ = true;
  if (open_ && payload.timestamp != timestamp_) {
    if (has_slice_ || broken_) {
      complete(out);
    } else {
      timestamp_ = payload.timestamp;
    }
  }
  if (!open_) begin(payload, after_loss);
  arrived_ = std::min(arrived_, payload.arrived);
  append(payload.bytes);
  if (payload.marker && trust_marker_ && (has_slice_ || broken_)) {
    complete(out);
    ended_by_marker_ = payload.timestamp;
  }
}

void H264Depacketizer::begin(const OrderedPayload& payload, bool after_loss) {
  open_ = true;
  timestamp_ = payload.timestamp;
  arrived_ = payload.arrived;
  if (buffers_ && unit_.capacity() == 0) unit_ = buffers_->take();
  unit_.reserve(expected_size_);
  // After a loss the packets before this one may have belonged to its access unit.
  broken_ = after_loss && !surely_starts_access_unit(payload.bytes);
  if (ended_by_marker_ == payload.timestamp && !after_loss && !may_start_access_unit(payload.bytes)) {
    trust_marker_ = false;
    broken_ = true;
    ++malformed_;
  }
  ended_by_marker_.reset();
}

void H264Depacketizer::complete(std::vector<DepacketizedFrame>& out) {
  if (fragment_at_) broken_ = true;
  if (broken_) {
    out.push_back({.whole = false, .frame = {}, .timestamp = timestamp_, .arrived = arrived_});
    unit_.clear();
  } else {
    const bool key_frame = has_idr_ || (has_sei_ && codecs::h264::recovery_frame_count(unit_));
    if (!key_frame) expected_size_ = unit_.size();
    out.push_back({true, {codecs::CodecId::H264, key_frame, std::move(unit_)}, timestamp_, arrived_});
    unit_ = {};
  }
  fragment_at_.reset();
  open_ = broken_ = has_slice_ = has_idr_ = has_sei_ = false;
}

void H264Depacketizer::lose() {
  loss_pending_ = true;
}

void H264Depacketizer::finish(std::vector<DepacketizedFrame>& out) {
  if (!open_) return;
  if (loss_pending_ || !has_slice_) broken_ = true;
  complete(out);
}

std::uint64_t H264Depacketizer::take_malformed() {
  return std::exchange(malformed_, 0);
}

void H264Depacketizer::reject() {
  ++malformed_;
  broken_ = true;
}

bool H264Depacketizer::fits(std::size_t bytes) {
  if (unit_.size() + bytes <= kMaxAccessUnitBytes) return true;
  reject();
  unit_.clear();
  fragment_at_.reset();
  return false;
}

void H264Depacketizer::append(base::ByteView payload) {
  if (broken_) return;  // it will be dropped: keep only its boundaries
  const unsigned type = payload[0] & 31U;
  if (type != kFragment && fragment_at_) return reject();  // the last fragment never came
  if (type >= 1 && type <= kLastSingle) {
    append_single(payload);
  } else if (type == kAggregate) {
    append_aggregate(payload.subspan(1));
  } else if (type == kFragment) {
    append_fragment(payload);
  } else {
    reject();  // STAP-B, MTAP and FU-B belong to the interleaved mode, which is never offered
  }
}

void H264Depacketizer::note_nal(std::uint8_t nal_header) {
  const NalType type = type_of(nal_header);
  if (codecs::h264::is_slice(type)) has_slice_ = true;
  if (type == NalType::Idr) has_idr_ = true;
  if (type == NalType::Sei) has_sei_ = true;
}

void H264Depacketizer::append_single(base::ByteView nal) {
  if (!fits(nal.size() + 4)) return;
  note_nal(nal[0]);
  codecs::h264::append_nal(unit_, nal);
}

//  (length 16 | NAL unit)*
void H264Depacketizer::append_aggregate(base::ByteView payload) {
  base::ByteReader reader(payload);
  do {
    const base::ByteView nal = reader.take(reader.u16());
    if (!reader.ok() || nal.empty() || (nal[0] & 31) > kLastSingle || (nal[0] & 31) == 0) return reject();
    append_single(nal);
  } while (reader.remaining() > 0 && !broken_);
}

//  |F|NRI|  28  | S|E|R|  type  | fragment
void H264Depacketizer::append_fragment(base::ByteView payload) {
  if (payload.size() < 3) return reject();
  const bool start = (payload[1] & 0x80) != 0;
  const bool end = (payload[1] & 0x40) != 0;
  const auto nal_header = static_cast<std::uint8_t>((payload[0] & 0xe0) | (payload[1] & 0x1f));
  if (start == fragment_at_.has_value() || !fits(payload.size() + 4)) return reject();
  base::ByteWriter writer(unit_);
  if (start) {
    fragment_at_ = unit_.size();
    writer.u32(0);
    writer.u8(nal_header);
    note_nal(nal_header);
  } else if ((unit_[*fragment_at_ + 4] & 31) != (nal_header & 31)) {
    return reject();
  }
  writer.bytes(payload.subspan(2));
  if (end) {
    writer.patch(*fragment_at_, unit_.size() - *fragment_at_ - 4, 4);
    fragment_at_.reset();
  }
}

}  // namespace rtp

// SPDX-License-Identifier: Apache-2.0
#include "codecs/h264_slice.hpp"

#include "codecs/bit_reader.hpp"
#include "codecs/h264_nal.hpp"

namespace codecs::h264 {
namespace {

// Partitions B and C carry no slice header of their own (7.3.2.9).
bool starts_with_slice_header(NalType type) {
  return type == NalType::Slice || type == NalType::PartitionA || type == NalType::Idr;
}

// 7.4.1.2.4: how the first slice of a new primary coded picture differs from any slice of the one before.
bool differs(const SliceHeader& a, const SliceHeader& b) {
  return a.frame_num != b.frame_num || a.pps_id != b.pps_id || a.field_pic != b.field_pic ||
         a.bottom_field != b.bottom_field || (a.nal_ref_idc == 0) != (b.nal_ref_idc == 0) || a.idr != b.idr ||
         (a.idr && a.idr_pic_id != b.idr_pic_id) || a.pic_order_cnt_lsb != b.pic_order_cnt_lsb ||
         a.delta_pic_order_cnt_bottom != b.delta_pic_order_cnt_bottom || a.delta_pic_order_cnt != b.delta_pic_order_cnt;
}

}  // namespace

std::optional<std::uint32_t> parse_first_mb_in_slice(base::ByteView nal) {
  if (nal.size() < 2 || !starts_with_slice_header(nal_type(nal))) return std::nullopt;
  BitReader bits(nal.subspan(1));
  const std::uint32_t first = bits.ue();
  if (!bits.ok()) return std::nullopt;
  return first;
}

std::optional<SliceHeader> parse_slice_header(base::ByteView nal, const Sps& sps, const Pps& pps) {
  if (nal.size() < 2 || !starts_with_slice_header(nal_type(nal))) return std::nullopt;
  BitReader bits(nal.subspan(1));
  SliceHeader slice;
  slice.nal_ref_idc = (nal[0] >> 5) & 3;
  slice.idr = nal_type(nal) == NalType::Idr;
  slice.first_mb_in_slice = bits.ue();
  slice.slice_type = bits.ue();
  const std::uint32_t pps_id = bits.ue();
  if (pps_id > 255) return std::nullopt;
  slice.pps_id = static_cast<std::uint8_t>(pps_id);
  if (sps.separate_colour_plane) bits.skip(2);
  slice.frame_num = bits.bits(sps.log2_max_frame_num);
  if (!sps.frame_mbs_only) {
    slice.field_pic = bits.flag();
    if (slice.field_pic) slice.bottom_field = bits.flag();
  }
  if (slice.idr) slice.idr_pic_id = bits.ue();
  const bool has_bottom = pps.bottom_field_pic_order_in_frame_present && !slice.field_pic;
  if (sps.pic_order_cnt_type == 0) {
    slice.pic_order_cnt_lsb = bits.bits(sps.log2_max_pic_order_cnt_lsb);
    if (has_bottom) slice.delta_pic_order_cnt_bottom = bits.se();
  } else if (sps.pic_order_cnt_type == 1 && !sps.delta_pic_order_always_zero) {
    slice.delta_pic_order_cnt[0] = bits.se();
    if (has_bottom) slice.delta_pic_order_cnt[1] = bits.se();
  }
  if (!bits.ok()) return std::nullopt;
  return slice;
}

bool PictureBoundary::begins_access_unit(base::ByteView nal) {
  if (nal.empty()) return false;
  const NalType type = nal_type(nal);
  const auto number = static_cast<unsigned>(type);
  bool begins = false;
  if (type == NalType::AccessUnitDelimiter || type == NalType::Sei || type == NalType::Sps || type == NalType::Pps ||
      (number >= 14 && number <= 18)) {
    begins = has_slice_;
  } else if (starts_with_slice_header(type)) {
    begins = slice_begins_picture(nal);
  }
  if (begins) has_slice_ = false;
  remember(nal);
  return begins;
}

bool PictureBoundary::slice_begins_picture(base::ByteView nal) {
  BitReader bits(nal.subspan(1));
  const std::uint32_t first_mb = bits.ue();
  const bool looks_first = bits.ok() && first_mb == 0;
  bits.ue();
  const std::uint32_t pps_id = bits.ue();
  std::optional<SliceHeader> slice;
  if (bits.ok() && pps_id < pps_.size() && pps_[pps_id]) {
    if (const auto& sps = sps_[pps_[pps_id]->sps_id]) slice = parse_slice_header(nal, *sps, *pps_[pps_id]);
  }
  const bool begins = has_slice_ && (slice && last_slice_ ? differs(*slice, *last_slice_) : looks_first);
  last_slice_ = slice;
  return begins;
}

void PictureBoundary::remember(base::ByteView nal) {
  switch (nal_type(nal)) {
    case NalType::Sps:
      if (const auto sps = parse_sps(nal)) sps_[sps->id] = sps;
      break;
    case NalType::Pps:
      if (const auto pps = parse_pps(nal)) pps_[pps->id] = pps;
      break;
    default:
      if (is_slice(nal_type(nal))) has_slice_ = true;
  }
}

}  // namespace codecs::h264

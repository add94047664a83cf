// SPDX-License-Identifier: Apache-2.0
#include "codecs/h264_sps.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "codecs/bit_reader.hpp"
#include "codecs/h264_nal.hpp"

namespace codecs::h264 {
namespace {

constexpr std::uint32_t kMaxMacroblocks = 1024;  // a side of 16,384: beyond level 6.2
constexpr std::uint8_t kExtendedSar = 255;

// Table E-1.
constexpr std::array<std::pair<std::uint16_t, std::uint16_t>, 17> kSampleAspects = {{
    {1, 1},
    {1, 1},
    {12, 11},
    {10, 11},
    {16, 11},
    {40, 33},
    {24, 11},
    {20, 11},
    {32, 11},
    {80, 33},
    {18, 11},
    {15, 11},
    {64, 33},
    {160, 99},
    {4, 3},
    {3, 2},
    {2, 1},
}};

// The profiles whose SPS carries chroma format, bit depths and scaling lists (7.3.2.1.1).
bool has_chroma_format(std::uint8_t profile) {
  switch (profile) {
    case 100:
    case 110:
    case 122:
    case 244:
    case 44:
    case 83:
    case 86:
    case 118:
    case 128:
    case 138:
    case 139:
    case 134:
    case 135:
      return true;
    default:
      return false;
  }
}

bool skip_scaling_list(BitReader& bits, unsigned size) {
  std::int32_t last = 8;
  std::int32_t next = 8;
  for (unsigned i = 0; i < size && bits.ok(); ++i) {
    if (next != 0) {
      const std::int32_t delta = bits.se();
      if (delta < -128 || delta > 127) return false;
      next = (last + delta + 256) % 256;
    }
    last = next == 0 ? last : next;
  }
  return bits.ok();
}

bool parse_chroma(BitReader& bits, Sps& sps) {
  const std::uint32_t chroma = bits.ue();
  if (chroma > 3) return false;
  sps.chroma_format_idc = static_cast<std::uint8_t>(chroma);
  if (chroma == 3) sps.separate_colour_plane = bits.flag();
  const std::uint32_t luma_depth = bits.ue();
  const std::uint32_t chroma_depth = bits.ue();
  if (luma_depth > 6 || chroma_depth > 6) return false;
  sps.bit_depth_luma = static_cast<std::uint8_t>(8 + luma_depth);
  sps.bit_depth_chroma = static_cast<std::uint8_t>(8 + chroma_depth);
  bits.skip(1);  // qpprime_y_zero_transform_bypass_flag
  if (bits.flag()) {
    const unsigned lists = chroma == 3 ? 12 : 8;
    for (unsigned i = 0; i < lists; ++i) {
      if (bits.flag() && !skip_scaling_list(bits, i < 6 ? 16 : 64)) return false;
    }
  }
  return bits.ok();
}

bool parse_pic_order(BitReader& bits, Sps& sps) {
  const std::uint32_t log2_frame_num = bits.ue();
  const std::uint32_t type = bits.ue();
  if (log2_frame_num > 12 || type > 2) return false;
  sps.log2_max_frame_num = static_cast<std::uint8_t>(4 + log2_frame_num);
  sps.pic_order_cnt_type = static_cast<std::uint8_t>(type);
  if (type == 0) {
    const std::uint32_t log2_lsb = bits.ue();
    if (log2_lsb > 12) return false;
    sps.log2_max_pic_order_cnt_lsb = static_cast<std::uint8_t>(4 + log2_lsb);
  } else if (type == 1) {
    sps.delta_pic_order_always_zero = bits.flag();
    bits.se();
    bits.se();
    const std::uint32_t cycle = bits.ue();
    if (cycle > 255) return false;
    for (std::uint32_t i = 0; i < cycle; ++i) bits.se();
  }
  return bits.ok();
}

// 7.4.2.1.1: the crop rectangle counts in chroma samples, and in field lines when frames may be fields.
bool parse_size(BitReader& bits, Sps& sps) {
  const std::uint32_t width_mbs = bits.ue();
  const std::uint32_t height_units = bits.ue();
  if (width_mbs >= kMaxMacroblocks || height_units >= kMaxMacroblocks) return false;
  sps.frame_mbs_only = bits.flag();
  if (!sps.frame_mbs_only) bits.skip(1);  // mb_adaptive_frame_field_flag
  bits.skip(1);                           // direct_8x8_inference_flag
  const std::uint32_t field_factor = sps.frame_mbs_only ? 1 : 2;
  sps.coded_width = (width_mbs + 1) * 16;
  sps.coded_height = (height_units + 1) * 16 * field_factor;
  sps.width = sps.coded_width;
  sps.height = sps.coded_height;
  if (bits.flag()) {
    const std::uint64_t left = bits.ue();
    const std::uint64_t right = bits.ue();
    const std::uint64_t top = bits.ue();
    const std::uint64_t bottom = bits.ue();
    const bool planar = sps.separate_colour_plane || sps.chroma_format_idc == 0;
    const std::uint64_t unit_x = !planar && (sps.chroma_format_idc == 1 || sps.chroma_format_idc == 2) ? 2 : 1;
    const std::uint64_t unit_y = std::uint64_t{!planar && sps.chroma_format_idc == 1 ? 2U : 1U} * field_factor;
    const std::uint64_t crop_x = (left + right) * unit_x;
    const std::uint64_t crop_y = (top + bottom) * unit_y;
    if (crop_x >= sps.coded_width || crop_y >= sps.coded_height) return false;
    sps.width = static_cast<std::uint32_t>(sps.coded_width - crop_x);
    sps.height = static_cast<std::uint32_t>(sps.coded_height - crop_y);
  }
  return bits.ok() && sps.coded_width <= kMaxMacroblocks * 16 && sps.coded_height <= kMaxMacroblocks * 16;
}

void parse_vui(BitReader& bits, Sps& sps) {
  std::uint16_t aspect_width = 1;
  std::uint16_t aspect_height = 1;
  if (bits.flag()) {
    const std::uint32_t idc = bits.bits(8);
    if (idc == kExtendedSar) {
      aspect_width = static_cast<std::uint16_t>(bits.bits(16));
      aspect_height = static_cast<std::uint16_t>(bits.bits(16));
    } else if (idc < kSampleAspects.size()) {
      std::tie(aspect_width, aspect_height) = kSampleAspects[idc];
    }
  }
  if (bits.flag()) bits.skip(1);  // overscan
  if (bits.flag()) {              // video signal type
    bits.skip(4);
    if (bits.flag()) bits.skip(24);
  }
  if (bits.flag()) {  // chroma sample locations
    bits.ue();
    bits.ue();
  }
  std::uint32_t num_units = 0;
  std::uint32_t time_scale = 0;
  if (bits.flag()) {
    num_units = bits.bits(32);
    time_scale = bits.bits(32);
  }
  if (!bits.ok()) return;
  if (aspect_width != 0 && aspect_height != 0) {
    sps.sample_aspect_width = aspect_width;
    sps.sample_aspect_height = aspect_height;
  }
  if (num_units != 0 && time_scale != 0) {
    sps.num_units_in_tick = num_units;
    sps.time_scale = time_scale;
  }
}

}  // namespace

std::optional<Sps> parse_sps(base::ByteView nal) {
  if (nal.size() < 4 || nal_type(nal) != NalType::Sps) return std::nullopt;
  Sps sps;
  sps.profile_idc = nal[1];
  sps.constraint_flags = nal[2];
  sps.level_idc = nal[3];
  BitReader bits(nal.subspan(4));
  const std::uint32_t id = bits.ue();
  if (id > 31) return std::nullopt;
  sps.id = static_cast<std::uint8_t>(id);
  if (has_chroma_format(sps.profile_idc) && !parse_chroma(bits, sps)) return std::nullopt;
  if (!parse_pic_order(bits, sps)) return std::nullopt;
  sps.max_num_ref_frames = bits.ue();
  bits.skip(1);  // gaps_in_frame_num_value_allowed_flag
  if (!bits.ok() || !parse_size(bits, sps)) return std::nullopt;
  if (bits.flag()) parse_vui(bits, sps);
  return sps;
}

std::optional<Pps> parse_pps(base::ByteView nal) {
  if (nal.size() < 2 || nal_type(nal) != NalType::Pps) return std::nullopt;
  BitReader bits(nal.subspan(1));
  const std::uint32_t id = bits.ue();
  const std::uint32_t sps_id = bits.ue();
  if (!bits.ok() || id > 255 || sps_id > 31) return std::nullopt;
  Pps pps;
  pps.id = static_cast<std::uint8_t>(id);
  pps.sps_id = static_cast<std::uint8_t>(sps_id);
  pps.entropy_coding = bits.flag();
  pps.bottom_field_pic_order_in_frame_present = bits.flag();
  if (const std::uint32_t slice_groups = bits.ue(); slice_groups > 0) {
    // Slice groups (FMO) are read by nobody; the flag behind them matters only to redundant pictures.
    return bits.ok() && slice_groups <= 7 ? std::optional(pps) : std::nullopt;
  }
  bits.ue();  // num_ref_idx_l0_default_active_minus1
  bits.ue();
  bits.skip(3);  // weighted prediction
  bits.se();     // pic_init_qp_minus26
  bits.se();
  bits.se();
  bits.skip(2);  // deblocking control, constrained intra prediction
  pps.redundant_pic_cnt_present = bits.flag();
  if (!bits.ok()) return std::nullopt;
  return pps;
}

std::string codec_string(const Sps& sps) {
  return fmt::format("avc1.{:02X}{:02X}{:02X}", sps.profile_idc, sps.constraint_flags, sps.level_idc);
}

}  // namespace codecs::h264

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sequence and picture parameter sets (ITU-T H.264 7.3.2.1, 7.3.2.2, E.1.1) as far as a server needs them.

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace codecs::h264 {

struct Sps {
  std::uint8_t profile_idc = 0;
  std::uint8_t constraint_flags = 0;  // the byte between profile and level
  std::uint8_t level_idc = 0;
  std::uint8_t id = 0;  // 0..31
  std::uint8_t chroma_format_idc = 1;
  bool separate_colour_plane = false;
  std::uint8_t bit_depth_luma = 8;
  std::uint8_t bit_depth_chroma = 8;
  std::uint8_t log2_max_frame_num = 4;
  std::uint8_t pic_order_cnt_type = 0;
  std::uint8_t log2_max_pic_order_cnt_lsb = 4;
  bool delta_pic_order_always_zero = false;
  std::uint32_t max_num_ref_frames = 0;
  bool frame_mbs_only = true;
  std::uint32_t coded_width = 0;  // before cropping
  std::uint32_t coded_height = 0;
  std::uint32_t width = 0;  // what is shown
  std::uint32_t height = 0;

  // From the VUI. A VUI that does not parse is ignored: the picture size stands before it.
  std::uint16_t sample_aspect_width = 1;
  std::uint16_t sample_aspect_height = 1;
  std::uint32_t num_units_in_tick = 0;  // zero: not given
  std::uint32_t time_scale = 0;         // frames per second = time_scale / (2 * num_units_in_tick)
};

struct Pps {
  std::uint8_t id = 0;
  std::uint8_t sps_id = 0;
  bool entropy_coding = false;
  bool bottom_field_pic_order_in_frame_present = false;
  bool redundant_pic_cnt_present = false;
};

// `nal` starts with the NAL header byte. Nothing for a wrong type, truncation, or values out of the standard's range
// (so a width or height that is returned is 1..16384).
std::optional<Sps> parse_sps(base::ByteView nal);
// Fields after the last one above are not read.
std::optional<Pps> parse_pps(base::ByteView nal);

// RFC 6381: "avc1.42E01F".
std::string codec_string(const Sps& sps);

}  // namespace codecs::h264

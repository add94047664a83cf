// SPDX-License-Identifier: Apache-2.0
#pragma once
// The beginning of a slice header (7.3.3), and where one picture ends and the next begins (7.4.1.2.4).

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "codecs/h264_sps.hpp"

namespace codecs::h264 {

struct SliceHeader {
  std::uint32_t first_mb_in_slice = 0;
  std::uint32_t slice_type = 0;
  std::uint8_t pps_id = 0;
  std::uint32_t frame_num = 0;
  bool field_pic = false;
  bool bottom_field = false;
  bool idr = false;
  std::uint32_t idr_pic_id = 0;
  std::uint8_t nal_ref_idc = 0;
  std::uint32_t pic_order_cnt_lsb = 0;
  std::int32_t delta_pic_order_cnt_bottom = 0;
  std::array<std::int32_t, 2> delta_pic_order_cnt{};
};

// Just first_mb_in_slice: needs no parameter set. Nothing when `nal` is not a slice or is too short.
std::optional<std::uint32_t> parse_first_mb_in_slice(base::ByteView nal);
std::optional<SliceHeader> parse_slice_header(base::ByteView nal, const Sps& sps, const Pps& pps);

// Follows the NAL units of a stream in order and says which begin a new access unit. Without a usable parameter set
// it falls back to first_mb_in_slice == 0.
class PictureBoundary {
 public:
  // True when `nal` belongs to a new access unit; the very first NAL unit does not.
  bool begins_access_unit(base::ByteView nal);

 private:
  bool slice_begins_picture(base::ByteView nal);
  void remember(base::ByteView nal);

  std::array<std::optional<Sps>, 32> sps_;
  std::array<std::optional<Pps>, 256> pps_;
  std::optional<SliceHeader> last_slice_;
  bool has_slice_ = false;  // the current access unit has one
};

}  // namespace codecs::h264

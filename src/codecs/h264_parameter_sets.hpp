// SPDX-License-Identifier: Apache-2.0
#pragma once
// The parameter sets in force, and the AVCDecoderConfigurationRecord that hands them to a container.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "codecs/h264_sps.hpp"

namespace codecs::h264 {

// AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1), lengthSizeMinusOne = 3. The first SPS gives profile and
// level; for High and above the chroma format extension is written. Empty when there is no valid SPS, or no PPS.
base::Bytes make_avcc(const std::vector<base::Bytes>& sps, const std::vector<base::Bytes>& pps);

struct Avcc {
  std::uint8_t length_size = 4;
  std::vector<base::Bytes> sps;
  std::vector<base::Bytes> pps;
};
std::optional<Avcc> parse_avcc(base::ByteView record);
// "avc1.42E01F" from bytes 1..3 of the record; empty when it is too short.
std::string codec_string_of_avcc(base::ByteView record);

// Remembers the latest SPS and PPS of each id. Owned by whoever follows one stream; a value.
class ParameterSets {
 public:
  // Takes the SPS and PPS of an access unit. `sps_changed`: an SPS differs from the one in force under its id, or is
  // the first one: a new fragment must start here. `pps_changed` likewise.
  struct Change {
    bool sps_changed = false;
    bool pps_changed = false;
  };
  Change observe(base::ByteView access_unit);
  Change add(base::ByteView nal);
  // The value of sprop-parameter-sets in an SDP: base64 NAL units with commas. Bad parts are skipped.
  void add_sprop(std::string_view sprop);

  bool complete() const { return !sps_.empty() && !pps_.empty(); }
  // The record for the sets in force, the latest SPS first; empty until complete().
  base::Bytes avcc() const;
  // The SPS added last.
  std::optional<Sps> active_sps() const;

 private:
  std::map<std::uint8_t, base::Bytes> sps_;  // at most 32
  std::map<std::uint8_t, base::Bytes> pps_;  // at most 256
  std::uint8_t latest_sps_ = 0;
};

}  // namespace codecs::h264

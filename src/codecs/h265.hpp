// SPDX-License-Identifier: Apache-2.0
#pragma once
// What containers say about H.265: the HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1).

#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace codecs::h265 {

// ISO/IEC 14496-15 annex E: "hvc1.1.6.L93.B0". Nothing when the record is none.
std::optional<std::string> codec_string_of_hvcc(base::ByteView record);

// The NAL units of the record, each with its length in four bytes before it. Nothing when the record is none.
std::optional<base::Bytes> nal_units_of_hvcc(base::ByteView record);

// Has an access unit, its NAL units with lengths of four bytes, a sequence parameter set?
bool has_sps(base::ByteView access_unit);

}  // namespace codecs::h265

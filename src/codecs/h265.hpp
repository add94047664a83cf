// SPDX-License-Identifier: Apache-2.0
#pragma once
// What containers say about H.265: the HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1).

#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace codecs::h265 {

// ISO/IEC 14496-15 annex E: "hvc1.1.6.L93.B0". Nothing when the record is none.
std::optional<std::string> codec_string_of_hvcc(base::ByteView record);

}  // namespace codecs::h265

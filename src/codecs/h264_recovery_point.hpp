// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where decoding can begin without an IDR picture: intra refresh, and open groups of pictures.

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace codecs::h264 {

// recovery_frame_cnt of the access unit's recovery point SEI message (D.1.7): a decoder that begins here shows correct,
// or with exact_match_flag 0 acceptable, pictures after that many frames (D.2.7). Nothing when there is no such message
// or it is malformed.
std::optional<std::uint32_t> recovery_frame_count(base::ByteView access_unit);

// An IDR picture or a recovery point.
bool is_random_access_point(base::ByteView access_unit);

}  // namespace codecs::h264

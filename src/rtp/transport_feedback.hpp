// SPDX-License-Identifier: Apache-2.0
#pragma once
// The body of a transport-wide feedback packet: which packets came, and when.

#include <optional>

#include "base/bytes.hpp"
#include "rtp/rtcp.hpp"

namespace rtp {

// A symbol per packet, in chunks of 16 bits.
//  run length:    |0| S S | length 13 |
//  status vector: |1|0| 14 symbols of one bit |   |1|1| 7 symbols of two bits |
// Symbols: 0 not received, 1 delta in one unsigned byte, 2 delta in two signed bytes, 3 reserved.
std::optional<TransportFeedback> parse_transport_feedback(base::ByteView body);
void write_transport_feedback(base::ByteWriter& writer, const TransportFeedback& feedback);

}  // namespace rtp

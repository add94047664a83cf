// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/address.hpp"
#include "base/bytes.hpp"

namespace base {

// Datagrams of one flow, one after the other in one buffer: each has `segment` bytes, the last may have fewer. The
// kernel takes them in one piece (UDP_SEGMENT). `flow.local` as in Transmit.
struct Burst {
  Flow flow;
  Bytes payload;  // not empty
  std::size_t segment = 0;

  std::size_t datagrams() const { return (payload.size() + segment - 1) / segment; }
};

}  // namespace base

// SPDX-License-Identifier: Apache-2.0
#pragma once
// SRTP opened straight by the library, as cheap as it can be done: no replay window, no roll-over, one key a camera.

#include <memory>
#include <span>

#include "base/bytes.hpp"
#include "webrtc/srtp/profile.hpp"

namespace ingest {

class RawOpener {
 public:
  virtual ~RawOpener() = default;

  struct Packet {
    std::uint32_t camera = 0;
    std::size_t header_size = 0;
    base::MutableByteView bytes{};  // with the tag
    bool opened = false;
  };
  // In place, a batch of a tick at once.
  virtual void open(std::span<Packet> packets) = 0;
};

std::unique_ptr<RawOpener> make_raw_opener(webrtc::srtp::Profile profile, std::uint32_t cameras);

}  // namespace ingest

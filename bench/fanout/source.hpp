// SPDX-License-Identifier: Apache-2.0
#pragma once
// The packets of a camera, frame by frame: sizes as a packetizer cuts them, bytes at random.

#include <algorithm>
#include <vector>

#include "base/bytes.hpp"
#include "base/random.hpp"

namespace fanout {

struct SourceShape {
  int kbps = 620;
  int frame_rate = 25;
  int key_interval = 50;  // frames
  std::size_t key_frame_bytes = 20'000;
  std::size_t max_payload = 1188;
};

class Source {
 public:
  explicit Source(SourceShape shape) : shape_(shape) {
    const auto group = static_cast<std::size_t>(shape.kbps) * 125 * static_cast<std::size_t>(shape.key_interval) /
                       static_cast<std::size_t>(shape.frame_rate);
    number_ = shape.key_interval - 1;  // a frame comes before the first key frame
    other_bytes_ = (group - shape.key_frame_bytes) / static_cast<std::size_t>(shape.key_interval - 1);
  }

  // Payloads of the next frame: fragments (FU-A) of one slice.
  const std::vector<base::Bytes>& next() {
    const bool key = number_++ % shape_.key_interval == 0;
    std::size_t rest = key ? shape_.key_frame_bytes : other_bytes_;
    packets_.clear();
    while (rest > 0) {
      const std::size_t size = std::min(rest, shape_.max_payload);
      rest -= size;
      base::Bytes& packet = packets_.emplace_back(size);
      random_.fill(packet);
      packet[0] = 0x7c;  // FU-A
      packet[1] = static_cast<std::uint8_t>((packets_.size() == 1 ? 0x80 : 0) | (rest == 0 ? 0x40 : 0) | (key ? 5 : 1));
    }
    return packets_;
  }
  int number() const { return number_; }

 private:
  SourceShape shape_;
  std::size_t other_bytes_;
  int number_ = 0;
  base::SeededRandom random_{1};
  std::vector<base::Bytes> packets_;
};

}  // namespace fanout

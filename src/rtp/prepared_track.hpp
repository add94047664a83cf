// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "codecs/frame.hpp"

namespace rtp {

struct SenderOptions;

// Frames of one kind cut into RTP payloads once, for all who send them: only the headers are each sender's own.
// Immutable; any thread.
class PreparedTrack {
 public:
  // `shape` says how they are cut: max_payload and aggregate_parameter_sets.
  PreparedTrack(std::span<const std::shared_ptr<const codecs::Frame>> frames, const SenderOptions& shape);

  std::size_t frames() const { return first_packet_.size() - 1; }
  std::size_t packets(std::size_t frame) const { return first_packet_[frame + 1] - first_packet_[frame]; }
  // Of all its packets.
  std::size_t bytes(std::size_t frame) const { return begin_[first_packet_[frame + 1]] - begin_[first_packet_[frame]]; }
  base::ByteView payload(std::size_t frame, std::size_t packet) const {
    const std::size_t place = first_packet_[frame] + packet;
    return base::ByteView(payloads_).subspan(begin_[place], begin_[place + 1] - begin_[place]);
  }

 private:
  base::Bytes payloads_;                     // one after the other
  std::vector<std::uint32_t> begin_;         // of each packet, and the end
  std::vector<std::uint32_t> first_packet_;  // of each frame, and the end
};

}  // namespace rtp

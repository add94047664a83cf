// SPDX-License-Identifier: Apache-2.0
#include "rtp/prepared_track.hpp"

#include "base/check.hpp"
#include "rtp/sender.hpp"

namespace rtp {

// A sender cuts them, and its headers are taken off again: there is one way to packetize.
PreparedTrack::PreparedTrack(std::span<const std::shared_ptr<const codecs::Frame>> frames, const SenderOptions& shape) {
  SenderOptions options;
  options.max_payload = shape.max_payload;
  options.aggregate_parameter_sets = shape.aggregate_parameter_sets;
  options.leading_padding_packets = 0;
  Sender sender(options);
  OutgoingExtensions none;
  std::vector<base::Bytes> packets;
  for (const auto& frame : frames) {
    first_packet_.push_back(static_cast<std::uint32_t>(begin_.size()));
    packets.clear();
    sender.send_frame({}, {*frame, 0, {}}, none, packets);
    for (const base::Bytes& packet : packets) {
      const auto parsed = parse_rtp(packet);
      CHECK(parsed.has_value());
      begin_.push_back(static_cast<std::uint32_t>(payloads_.size()));
      base::append(payloads_, parsed->payload);
    }
  }
  first_packet_.push_back(static_cast<std::uint32_t>(begin_.size()));
  begin_.push_back(static_cast<std::uint32_t>(payloads_.size()));
}

}  // namespace rtp

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The Opus packets of one participant as samples on the stream's 48 kHz timeline.

#include <cstdint>
#include <span>
#include <vector>

#include "streams/audio_renderer.hpp"

namespace streams {

// Stereo samples of [origin, origin + size); silence where nothing was decoded. A value, used by one rendering.
struct TimelinePcm {
  std::int64_t origin = 0;
  std::vector<float> left;
  std::vector<float> right;

  TimelinePcm(std::int64_t first_sample, std::size_t size) : origin(first_sample), left(size), right(size) {}
  std::size_t size() const { return left.size(); }
};

// Where the first decoded sample of a packet lies: its time, less the delay of a libopus encoder (6.5 ms), which
// RTP time stamps do not account for.
std::int64_t to_packet_position(base::WallTime time);

// Decodes `packets` of one track, in order of time, with a new decoder; those that begin before `from` are not touched.
// Consecutive packets are stretched by the few samples by which the stream's clock and theirs differ.
void decode_onto_timeline(std::span<const OpusPacket> packets, std::int64_t from, TimelinePcm& out);

}  // namespace streams

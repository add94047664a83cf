// SPDX-License-Identifier: Apache-2.0
#include "streams/audio_timeline.hpp"

#include <algorithm>
#include <cmath>

#include "codecs/opus.hpp"
#include "streams/opus/decoder.hpp"

namespace streams {
namespace {

constexpr std::int64_t kEncoderDelay = 312;  // libopus at 48 kHz, every application but restricted low delay
constexpr std::int64_t kConcealUnit = 120;   // libopus conceals in steps of 2.5 ms
// Packets further apart than this from where they should be are not stretched: the clock has jumped.
constexpr std::int64_t kStretchPerMille = 20;

struct StereoRun {
  std::span<const float> interleaved;
  std::int64_t samples = 0;

  float at(std::int64_t index, int channel) const {
    const std::int64_t inside = std::clamp<std::int64_t>(index, 0, samples - 1);
    return interleaved[static_cast<std::size_t>(2 * inside + channel)];
  }
};

// Catmull-Rom between the samples around `position`.
float interpolate(const StereoRun& run, double position, int channel) {
  const double whole = std::floor(position);
  const auto i = static_cast<std::int64_t>(whole);
  const auto t = static_cast<float>(position - whole);
  const float a = run.at(i - 1, channel), b = run.at(i, channel), c = run.at(i + 1, channel),
              d = run.at(i + 2, channel);
  return b + 0.5F * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

// Puts the run at [position, position + span), resampled when the span differs.
void place(const StereoRun& run, std::int64_t position, std::int64_t span, TimelinePcm& out) {
  if (run.samples == 0 || span <= 0) return;
  const auto size = static_cast<std::int64_t>(out.size());
  const std::int64_t first = std::max<std::int64_t>(0, out.origin - position);
  const std::int64_t last = std::min(span, out.origin + size - position);
  const double step = static_cast<double>(run.samples) / static_cast<double>(span);
  for (std::int64_t i = first; i < last; ++i) {
    const auto target = static_cast<std::size_t>(position + i - out.origin);
    if (span == run.samples) {
      out.left[target] = run.at(i, 0);
      out.right[target] = run.at(i, 1);
    } else {
      out.left[target] = interpolate(run, static_cast<double>(i) * step, 0);
      out.right[target] = interpolate(run, static_cast<double>(i) * step, 1);
    }
  }
}

// The room up to the next packet, if that continues this one; else the packet's own length.
std::int64_t find_span(const OpusPacket& packet, const OpusPacket* next, std::int64_t samples) {
  if (!next || next->rtp_timestamp != packet.rtp_timestamp + samples) return samples;
  const std::int64_t room = to_packet_position(next->time) - to_packet_position(packet.time);
  return std::abs(room - samples) * 1000 <= samples * kStretchPerMille ? room : samples;
}

}  // namespace

std::int64_t to_packet_position(base::WallTime time) {
  // 48 samples a millisecond: 6 samples are 125 us. Rounded to the nearest.
  const std::int64_t scaled = base::to_microseconds(time) * 6 + 62;
  return (scaled - (((scaled % 125) + 125) % 125)) / 125 - kEncoderDelay;
}

void decode_onto_timeline(std::span<const OpusPacket> packets, std::int64_t from, TimelinePcm& out) {
  opus::Decoder decoder;
  std::vector<float> buffer(2 * opus::kMaxSamples);
  const OpusPacket* previous = nullptr;
  std::int64_t previous_samples = 0;
  std::int64_t previous_end = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const OpusPacket& packet = packets[i];
    const std::int64_t position = to_packet_position(packet.time);
    if (position < from) continue;
    if (position >= out.origin + static_cast<std::int64_t>(out.size())) break;
    const std::int64_t samples = codecs::opus::packet_duration(packet.payload).value_or(0);
    if (samples == 0) continue;
    if (previous) {
      const std::int64_t missing = packet.rtp_timestamp - previous->rtp_timestamp - previous_samples;
      const bool concealable = missing > 0 && missing <= static_cast<std::int64_t>(opus::kMaxSamples) &&
                               missing % kConcealUnit == 0 &&
                               std::abs(position - previous_end - missing) <= missing / 8;
      if (concealable) {
        const std::size_t given = decoder.conceal(packet.payload, static_cast<std::size_t>(missing), buffer);
        place({buffer, static_cast<std::int64_t>(given)}, previous_end, position - previous_end, out);
      }
    }
    const auto decoded = static_cast<std::int64_t>(decoder.decode(packet.payload, buffer));
    const std::int64_t span = find_span(packet, i + 1 < packets.size() ? &packets[i + 1] : nullptr, samples);
    place({buffer, decoded}, position, decoded == samples ? span : decoded, out);
    previous = &packet;
    previous_samples = samples;
    previous_end = position + span;
  }
}

}  // namespace streams

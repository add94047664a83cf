// SPDX-License-Identifier: Apache-2.0
#include "streams/media_file_times.hpp"

#include <algorithm>

#include "codecs/h264_nal.hpp"
#include "codecs/h264_parameter_sets.hpp"
#include "codecs/h265.hpp"
#include "streams/audio_renderer.hpp"

namespace streams {
namespace {

using container::Block;
using std::chrono::microseconds;

constexpr auto kHole = std::chrono::milliseconds(100);
constexpr microseconds kTick(12);  // more than one unit of 90 kHz: decode times must grow
// Rendered sound has whole milliseconds in documents; on the file's grid it is gapless again.
constexpr std::int64_t kSnap = 3 * 48;

bool has_sps(const container::Track& track, base::ByteView access_unit) {
  if (track.codec_id == container::kCodecHevc) return codecs::h265::has_sps(access_unit);
  codecs::h264::NalReader reader(access_unit);
  while (const auto nal = reader.next()) {
    if (!nal->empty() && codecs::h264::nal_type(*nal) == codecs::h264::NalType::Sps) return true;
  }
  return false;
}

// Parameter sets of an avcC or hvcC, as NAL units with their lengths before them.
base::Bytes to_nal_units(const container::Track& track) {
  if (track.codec_id == container::kCodecHevc) {
    return codecs::h265::nal_units_of_hvcc(track.codec_private).value_or(base::Bytes());
  }
  base::Bytes out;
  const auto record = codecs::h264::parse_avcc(track.codec_private);
  if (!record) return out;
  base::ByteWriter writer(out);
  for (const auto* sets : {&record->sps, &record->pps}) {
    for (const base::Bytes& nal : *sets) {
      writer.u32(nal.size());
      writer.bytes(nal);
    }
  }
  return out;
}

}  // namespace

std::optional<MediaFileCut> FileClock::begin(base::WallTime start, base::WallTime end) {
  if (!started_) {
    started_ = true;
    offset_ = start;
  }
  const microseconds hole = at(start) - end_;
  std::optional<MediaFileCut> cut;
  if (hole > kHole) cut = MediaFileCut{end_, hole};
  if (hole > kHole || hole < -kHole) offset_ += hole;
  end_ = std::max(end_, at(end));
  return cut;
}

std::vector<TimedFrame> FileTrack::place(std::span<const Block* const> blocks, const container::Track& from,
                                         const FileClock& clock, microseconds shift) {
  if (!track_.is_video()) return place_audio(blocks, clock, shift);
  const bool differs = from.codec_private != in_effect_;
  if (differs) in_effect_ = from.codec_private;
  return place_video(blocks, clock, shift, differs ? to_nal_units(from) : base::Bytes());
}

// Decode times are the presentation times in order, so much earlier that no frame is shown before it is decoded.
std::vector<TimedFrame> FileTrack::place_video(std::span<const Block* const> blocks, const FileClock& clock,
                                               microseconds shift, const base::Bytes& parameter_sets) {
  std::vector<TimedFrame> frames;
  std::vector<microseconds> sorted;
  for (const Block* block : blocks) {
    TimedFrame& frame = frames.emplace_back();
    frame.shown = clock.at(block->time + shift);
    frame.key_frame = block->key_frame;
    frame.payload = block->payload;
    if (block->key_frame && !parameter_sets.empty() && !has_sps(track_, block->payload))
      frame.parameter_sets = parameter_sets;
    sorted.push_back(frame.shown);
  }
  std::ranges::sort(sorted);
  microseconds delay{0};
  for (std::size_t i = 0; i < frames.size(); ++i) delay = std::max(delay, sorted[i] - frames[i].shown);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    TimedFrame& frame = frames[i];
    frame.decoded = sorted[i] - delay;
    if (last_decoded_) frame.decoded = std::max(frame.decoded, *last_decoded_ + kTick);
    frame.shown = std::max(frame.shown, frame.decoded);
    const microseconds next = i + 1 < sorted.size() ? sorted[i + 1] : std::max(clock.end(), sorted[i]);
    frame.duration = std::max(next - sorted[i], kTick);
    last_decoded_ = frame.decoded;
  }
  return frames;
}

std::vector<TimedFrame> FileTrack::place_audio(std::span<const Block* const> blocks, const FileClock& clock,
                                               microseconds shift) {
  std::vector<TimedFrame> frames;
  const bool is_aac = track_.codec_id == container::kCodecAac;
  const std::int64_t rate = std::max<std::int64_t>(track_.sample_rate, 1);
  for (const Block* block : blocks) {
    const microseconds time = clock.at(block->time + shift);
    std::int64_t sample = time.count() * rate / 1'000'000;
    if (is_aac && last_decoded_ && std::abs(sample - next_sample_) <= kSnap) sample = next_sample_;
    // What belongs before the file, or overlaps at a place where a hole was cut out.
    if (sample < 0 || (last_decoded_ && sample < next_sample_ && is_aac)) continue;
    TimedFrame& frame = frames.emplace_back();
    frame.shown = is_aac ? microseconds((sample * 1'000'000 + rate - 1) / rate) : time;
    if (last_decoded_) frame.shown = std::max(frame.shown, *last_decoded_ + kTick);
    frame.decoded = frame.shown;
    frame.duration = is_aac ? microseconds(kAacFrameSamples * 1'000'000 / rate) : microseconds(0);
    frame.key_frame = true;
    frame.payload = block->payload;
    next_sample_ = sample + kAacFrameSamples;
    last_decoded_ = frame.decoded;
  }
  return frames;
}

}  // namespace streams

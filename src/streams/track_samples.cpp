// SPDX-License-Identifier: Apache-2.0
#include "streams/track_samples.hpp"

#include <algorithm>

#include "codecs/aac.hpp"
#include "streams/media_file.hpp"
#include "streams/media_ticks.hpp"

namespace streams {

using base::Errc;
using base::Result;
using container::kVideoTimescale;

namespace {

// The latest decode times at which no frame is shown before it is decoded. MP4 has negative offsets, but FFmpeg takes
// them for a delay of the whole track. So the first decode time is the earliest presentation time, for which shaka
// takes it, and the durations end where the last picture does.
std::vector<std::int64_t> find_decode_times(std::vector<std::int64_t> shown) {
  for (std::size_t i = shown.size(); i-- > 1;) shown[i - 1] = std::min(shown[i - 1], shown[i] - 1);
  return shown;
}

}  // namespace

Result<TrackSamples> list_video_samples(const OpenedFragment& opened) {
  const container::Track* video = opened.document.find_video();
  if (!video || (video->codec_id != container::kCodecAvc && video->codec_id != container::kCodecHevc)) {
    return base::fail(Errc::Unsupported,
                      "fragment " + opened.fragment.header.number.text() + " has no H.264 or H.265 track");
  }
  TrackSamples list{.track = *video, .timescale = kVideoTimescale, .decode_time = 0, .samples = {}};
  std::vector<std::int64_t> shown;
  for (const container::Block& block : opened.document.blocks) {
    if (block.track != video->number) continue;
    shown.push_back(to_media_ticks(block.time, kVideoTimescale));
    list.samples.push_back(
        {.duration = 0, .composition_offset = 0, .key_frame = block.key_frame, .payload = block.payload});
  }
  const std::vector<std::int64_t> decoded = find_decode_times(shown);
  const std::int64_t end = to_media_ticks(pictures_end(opened.fragment), kVideoTimescale);
  for (std::size_t i = 0; i < list.samples.size(); ++i) {
    const std::int64_t next = i + 1 < decoded.size() ? decoded[i + 1] : std::max(end, decoded[i] + 1);
    list.samples[i].duration = static_cast<std::uint32_t>(next - decoded[i]);
    list.samples[i].composition_offset = static_cast<std::int32_t>(shown[i] - decoded[i]);
  }
  if (!decoded.empty()) list.decode_time = static_cast<std::uint64_t>(std::max<std::int64_t>(decoded.front(), 0));
  return list;
}

// A producer's sound is in its blocks, with times of whole milliseconds: units follow each other unless they say
// clearly otherwise.
Result<TrackSamples> list_stored_audio_samples(const OpenedFragment& opened) {
  const auto track = std::ranges::find(opened.document.tracks, container::kCodecAac, &container::Track::codec_id);
  if (track == opened.document.tracks.end()) {
    return base::fail(Errc::Unsupported, "fragment " + opened.fragment.header.number.text() + " has no AAC track");
  }
  const auto config = codecs::aac::parse_audio_specific_config(track->codec_private);
  if (!config) return base::fail(Errc::Corrupt, "the codec private data is no AudioSpecificConfig");
  TrackSamples list{.track = *track, .timescale = config->sample_rate, .decode_time = 0, .samples = {}};
  list.track.sample_rate = config->sample_rate;
  list.track.channels = config->channels;
  const std::int64_t slack = config->sample_rate * 3 / 1000;
  std::int64_t next = 0;
  for (const container::Block& block : opened.document.blocks) {
    if (block.track != track->number) continue;
    const std::int64_t at = to_media_ticks(block.time, config->sample_rate);
    if (list.samples.empty()) {
      list.decode_time = static_cast<std::uint64_t>(at);
      next = at;
    } else if (at > next + slack) {
      list.samples.back().duration += static_cast<std::uint32_t>(at - next);
      next = at;
    }
    list.samples.push_back({codecs::aac::kFrameSamples, 0, true, block.payload});
    next += codecs::aac::kFrameSamples;
  }
  return list;
}

void drop_before(TrackSamples& list, base::WallTime start) {
  const std::int64_t from = to_media_ticks(start, list.timescale);
  auto at = static_cast<std::int64_t>(list.decode_time);
  std::size_t dropped = 0;
  while (dropped < list.samples.size() && at < from) {
    at += list.samples[dropped++].duration;
  }
  list.decode_time = static_cast<std::uint64_t>(at);
  list.samples.erase(list.samples.begin(), list.samples.begin() + static_cast<std::ptrdiff_t>(dropped));
}

Result<TrackSamples> list_silence(const StoredFragment& fragment) {
  static const Result<RenderedAudio> kSilence =
      render_audio({}, base::WallTime{}, base::WallTime{std::chrono::seconds(1)});
  if (!kSilence) return base::fail(kSilence.error());
  TrackSamples list{
      .track = make_rendered_track(), .timescale = container::kAudioTimescale, .decode_time = 0, .samples = {}};
  const std::int64_t start = to_media_ticks(fragment.header.producer_time, container::kAudioTimescale);
  const std::int64_t end = to_media_ticks(pictures_end(fragment), container::kAudioTimescale);
  list.decode_time = static_cast<std::uint64_t>(start);
  const base::ByteView unit = kSilence->units().back();
  for (std::int64_t at = start; at < end; at += kAacFrameSamples) {
    list.samples.push_back({.duration = kAacFrameSamples, .composition_offset = 0, .key_frame = true, .payload = unit});
  }
  return list;
}

TrackSamples list_rendered_samples(const EdgedSound& sound) {
  TrackSamples list{.track = make_rendered_track(),
                    .timescale = container::kAudioTimescale,
                    .decode_time = static_cast<std::uint64_t>(sound.units.first_sample()),
                    .samples = {}};
  list.samples.reserve(static_cast<std::size_t>(sound.units.count));
  for (std::int64_t unit = sound.units.first; unit < sound.units.past(); ++unit) {
    list.samples.push_back(
        {.duration = kAacFrameSamples, .composition_offset = 0, .key_frame = true, .payload = sound.unit(unit)});
  }
  return list;
}

}  // namespace streams

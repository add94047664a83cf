// SPDX-License-Identifier: Apache-2.0
#include "streams/playback.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "codecs/aac.hpp"
#include "codecs/h264_parameter_sets.hpp"
#include "codecs/h264_sps.hpp"
#include "codecs/h265.hpp"
#include "container/matroska_writer.hpp"
#include "container/mp4.hpp"
#include "container/producer_document.hpp"
#include "streams/media_file.hpp"
#include "streams/playback_audio_cache.hpp"

namespace streams {
namespace {

using async::Task;
using base::Errc;
using base::Result;
using container::Mp4Sample;

// Fragments before this one that may hold the look-back: one of a single frame lasts 10 ms at least.
constexpr std::size_t kMostFragmentsBefore = 64;
constexpr std::size_t kMostAudioConfig = 63;  // what the boxes of an MP4 hold

std::string to_text(base::ByteView bytes) {
  return std::string(base::as_text(bytes));
}

std::int64_t to_video_ticks(base::WallTime time) {
  return base::to_microseconds(time) * 9 / 100;
}
base::WallTime to_wall_time(std::int64_t sample) {
  return base::from_microseconds(sample * 125 / 6);
}

Result<OpenedFragment> parse(StoredFragment fragment, Payload payload) {
  auto document = container::parse_matroska(*payload);
  if (!document)
    return base::fail(std::move(document).error().with_context("fragment " + fragment.header.number.text()));
  if ((fragment.header.flags & kProducerDocument) != 0) {
    // A producer's times may count from its own start: the record says where the cluster lies.
    const base::WallTime cluster = base::from_microseconds(document->cluster_ns / 1000);
    const auto shift = fragment.header.producer_time - cluster;
    for (container::Block& block : document->blocks) block.time += shift;
  }
  return OpenedFragment{.fragment = fragment, .payload = std::move(payload), .document = *std::move(document)};
}

void collect_opus(const OpenedFragment& opened, base::WallTime from, base::WallTime to, std::vector<OpusPacket>& out) {
  for (const container::Block& block : opened.document.blocks) {
    const container::Track* track = opened.document.find_track(block.track);
    if (!track || track->codec_id != container::kCodecOpus || block.time < from || block.time >= to) continue;
    out.push_back({block.track, block.time, block.rtp_timestamp, block.payload});
  }
}

// Decode times are the presentation times in order; a frame shown earlier than it is decoded gets a negative offset.
std::vector<Mp4Sample> make_video_samples(const OpenedFragment& opened, std::uint32_t track,
                                          std::uint64_t& decode_time) {
  std::vector<std::int64_t> shown;
  std::vector<Mp4Sample> samples;
  for (const container::Block& block : opened.document.blocks) {
    if (block.track != track) continue;
    shown.push_back(to_video_ticks(block.time));
    samples.push_back({.duration = 0, .composition_offset = 0, .key_frame = block.key_frame, .payload = block.payload});
  }
  std::vector<std::int64_t> decoded = shown;
  std::ranges::sort(decoded);
  for (std::size_t i = 1; i < decoded.size(); ++i) decoded[i] = std::max(decoded[i], decoded[i - 1] + 1);
  std::int64_t end = to_video_ticks(producer_end(opened.fragment));
  if ((opened.fragment.header.flags & kProducerDocument) != 0 && decoded.size() > 1) {
    // A producer's fragment may begin with sound: its end is not that of its last picture.
    const std::int64_t span = decoded.back() - decoded.front();
    end = decoded.back() + span / static_cast<std::int64_t>(decoded.size() - 1);
  }
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::int64_t next = i + 1 < decoded.size() ? decoded[i + 1] : std::max(end, decoded[i] + 1);
    samples[i].duration = static_cast<std::uint32_t>(next - decoded[i]);
    samples[i].composition_offset = static_cast<std::int32_t>(shown[i] - decoded[i]);
  }
  decode_time = decoded.empty() ? 0 : static_cast<std::uint64_t>(decoded.front());
  return samples;
}

std::vector<Mp4Sample> make_audio_samples(const RenderedAudio& audio) {
  std::vector<Mp4Sample> samples;
  samples.reserve(audio.units.size());
  for (const base::Bytes& unit : audio.units) {
    samples.push_back({.duration = kAacFrameSamples, .composition_offset = 0, .key_frame = true, .payload = unit});
  }
  return samples;
}

// A producer's sound is in its blocks, with times of whole milliseconds: units follow each other unless they say
// clearly otherwise.
Result<base::Bytes> write_stored_audio(const OpenedFragment& opened, std::uint32_t sequence) {
  const auto track = std::ranges::find(opened.document.tracks, container::kCodecAac, &container::Track::codec_id);
  if (track == opened.document.tracks.end()) {
    return base::fail(Errc::Unsupported, "fragment " + opened.fragment.header.number.text() + " has no AAC track");
  }
  const auto config = codecs::aac::parse_audio_specific_config(track->codec_private);
  if (!config) return base::fail(Errc::Corrupt, "the codec private data is no AudioSpecificConfig");
  const auto to_ticks = [&](base::WallTime time) {
    const std::int64_t us = base::to_microseconds(time);
    return us / 1'000'000 * config->sample_rate + us % 1'000'000 * config->sample_rate / 1'000'000;
  };
  const std::int64_t slack = config->sample_rate * 3 / 1000;
  std::vector<Mp4Sample> samples;
  std::int64_t first = 0;
  std::int64_t next = 0;
  for (const container::Block& block : opened.document.blocks) {
    if (block.track != track->number) continue;
    const std::int64_t at = to_ticks(block.time);
    if (samples.empty()) {
      first = next = at;
    } else if (at > next + slack) {
      samples.back().duration += static_cast<std::uint32_t>(at - next);
      next = at;
    }
    samples.push_back({codecs::aac::kFrameSamples, 0, true, block.payload});
    next += codecs::aac::kFrameSamples;
  }
  return container::write_mp4_segment(static_cast<std::uint32_t>(PlaybackTrack::Audio), sequence,
                                      static_cast<std::uint64_t>(first), samples);
}

// A players' counter only; it has to grow within a track.
std::uint32_t to_mp4_sequence(const StoredFragment& fragment) {
  return static_cast<std::uint32_t>(base::to_milliseconds(fragment.header.producer_time) / 10);
}

struct MediaTags {
  base::Bytes before, after;  // of the cluster
};
// With `now` those of GetMedia, without it those of GetMediaForFragmentList.
MediaTags make_media_tags(const FragmentHeader& header, std::optional<base::WallTime> now) {
  const std::string number = header.number.text();
  MediaTags tags;
  tags.before = container::write_fragment_tags(
      {.fragment_number = number, .server_time = header.server_time, .producer_time = header.producer_time}, !now);
  if (now) {
    const auto behind = std::chrono::duration_cast<std::chrono::milliseconds>(*now - header.server_time).count();
    tags.after = container::write_continuation_tags(number, behind);
  }
  return tags;
}

base::Bytes write_media_document(const OpenedFragment& opened, const RenderedAudio* audio,
                                 std::optional<base::WallTime> now) {
  std::vector<container::Track> tracks;
  for (const container::Track& track : opened.document.tracks) {
    if (track.codec_id != container::kCodecOpus) tracks.push_back(track);
  }
  std::vector<container::DocumentFrame> frames;
  for (const container::Block& block : opened.document.blocks) {
    const container::Track* track = opened.document.find_track(block.track);
    if (!track || track->codec_id == container::kCodecOpus) continue;
    frames.push_back({block.track, block.key_frame, block.time, block.payload});
  }
  if (audio) {
    tracks.push_back(make_rendered_track());
    std::vector<container::DocumentFrame> sound;
    for (std::size_t i = 0; i < audio->units.size(); ++i) {
      const std::int64_t sample = audio->first_sample + static_cast<std::int64_t>(i) * kAacFrameSamples;
      sound.push_back({tracks.back().number, true, to_wall_time(sample), audio->units[i]});
    }
    std::vector<container::DocumentFrame> merged;
    std::ranges::merge(frames, sound, std::back_inserter(merged), {}, &container::DocumentFrame::time,
                       &container::DocumentFrame::time);
    frames = std::move(merged);
  }
  const FragmentHeader& header = opened.fragment.header;
  const MediaTags tags = make_media_tags(header, now);
  return container::write_get_media_document(tracks, header.producer_time, frames, tags.before, tags.after);
}

// Nothing of a producer's document is written anew: it need not even be one that we can play.
Result<base::Bytes> write_producer_document(const StoredFragment& fragment, base::ByteView stored,
                                            std::optional<base::WallTime> now) {
  const auto parts = container::split_producer_document(stored);
  if (!parts) {
    return base::fail(Errc::Corrupt, "fragment " + fragment.header.number.text() + " is no producer's document");
  }
  const MediaTags tags = make_media_tags(fragment.header, now);
  return container::write_producer_media_document(*parts, tags.before, tags.after);
}

}  // namespace

Playback::Playback(PlaybackOptions options, async::DiskWorker& renderers)
    : options_(options), cache_(std::make_unique<AudioCache>(options.audio_cache_bytes)), renderers_(renderers) {}

Playback::~Playback() = default;

Task<Result<OpenedFragment>> Playback::open(FragmentLogPtr log, StoredFragment fragment) {
  CO_TRY(Payload payload, co_await log->read(fragment));
  co_return parse(fragment, std::move(payload));
}

Task<Result<std::shared_ptr<const RenderedAudio>>> Playback::audio(FragmentLogPtr log, StoredFragment fragment) {
  const AudioCache::Key key{log->stream(), fragment.header.number};
  if (auto cached = cache_->find(key)) co_return cached;

  const base::WallTime start = fragment.header.producer_time;
  const base::WallTime end = producer_end(fragment);
  const base::WallTime from = audio_look_back(start);
  std::vector<StoredFragment> sources;
  CO_TRY(std::optional<StoredFragment> first, co_await log->starting_at(TimeAxis::Producer, from));
  if (first && first->header.number < fragment.header.number) {
    const FragmentNumber before{first->header.number.value - 1};
    CO_TRY(sources, co_await log->after(before, kMostFragmentsBefore));
    std::erase_if(sources, [&](const StoredFragment& other) {
      return other.header.number >= fragment.header.number || producer_end(other) <= from;
    });
  }
  sources.push_back(fragment);
  std::vector<OpenedFragment> opened;
  for (const StoredFragment& source : sources) {
    auto one = co_await open(log, source);
    // The look-back may be gone or damaged; the fragment itself may not.
    if (one) {
      opened.push_back(*std::move(one));
    } else if (source.header.number == fragment.header.number) {
      co_return base::fail(std::move(one).error());
    }
  }
  std::vector<OpusPacket> packets;
  for (const OpenedFragment& one : opened) collect_opus(one, from, end, packets);

  const std::shared_ptr<AudioCache::Slot> slot = cache_->find_slot(key);
  auto rendered = co_await renderers_.run([&]() -> Result<std::shared_ptr<const RenderedAudio>> {
    const std::lock_guard lock(slot->rendering);
    if (slot->audio) return slot->audio;
    auto result = render_audio(packets, start, end, {}, options_.aac);
    if (!result) {
      cache_->drop_slot(key);
      return base::fail(std::move(result).error());
    }
    slot->audio = std::make_shared<const RenderedAudio>(*std::move(result));
    cache_->put(key, slot->audio);
    return slot->audio;
  });
  co_return rendered;
}

Task<Result<base::Bytes>> Playback::media_document(FragmentLogPtr log, StoredFragment fragment,
                                                   std::optional<base::WallTime> now) {
  if ((fragment.header.flags & kProducerDocument) != 0) {
    CO_TRY(const Payload stored, co_await log->read(fragment));
    co_return write_producer_document(fragment, *stored, now);
  }
  CO_TRY(OpenedFragment opened, co_await open(log, fragment));
  if (!opened.has_audio()) co_return write_media_document(opened, nullptr, now);
  CO_TRY(std::shared_ptr<const RenderedAudio> sound, co_await audio(log, fragment));
  co_return write_media_document(opened, sound.get(), now);
}

Task<Result<std::string>> Playback::mp4_segment(FragmentLogPtr log, StoredFragment fragment, PlaybackTrack track) {
  const std::uint32_t sequence = to_mp4_sequence(fragment);
  if (track == PlaybackTrack::Audio && (fragment.header.flags & kProducerDocument) != 0) {
    CO_TRY(OpenedFragment stored, co_await open(log, fragment));
    CO_TRY(const base::Bytes segment, write_stored_audio(stored, sequence));
    co_return to_text(segment);
  }
  if (track == PlaybackTrack::Audio) {
    CO_TRY(std::shared_ptr<const RenderedAudio> sound, co_await audio(log, fragment));
    const std::vector<Mp4Sample> samples = make_audio_samples(*sound);
    co_return to_text(container::write_mp4_segment(static_cast<std::uint32_t>(track), sequence,
                                                   static_cast<std::uint64_t>(sound->first_sample), samples));
  }
  CO_TRY(OpenedFragment opened, co_await open(log, fragment));
  const container::Track* video = opened.document.find_video();
  if (!video || (video->codec_id != container::kCodecAvc && video->codec_id != container::kCodecHevc)) {
    co_return base::fail(Errc::Unsupported,
                         "fragment " + fragment.header.number.text() + " has no H.264 or H.265 track");
  }
  std::uint64_t decode_time = 0;
  const std::vector<Mp4Sample> samples = make_video_samples(opened, video->number, decode_time);
  co_return to_text(container::write_mp4_segment(static_cast<std::uint32_t>(track), sequence, decode_time, samples));
}

Playback::Stats Playback::stats() const {
  return cache_->stats();
}

Result<std::string> make_init(const container::Track& source) {
  container::Track track = source;
  if (track.is_audio()) {
    const auto config = codecs::aac::parse_audio_specific_config(track.codec_private);
    if (!config || track.codec_private.size() > kMostAudioConfig) {
      return base::fail(Errc::Corrupt, "the codec private data is no AudioSpecificConfig");
    }
    track.number = static_cast<std::uint32_t>(PlaybackTrack::Audio);
    track.sample_rate = config->sample_rate;
    track.channels = config->channels;
    return to_text(container::write_mp4_init(track, config->sample_rate));
  }
  track.number = static_cast<std::uint32_t>(PlaybackTrack::Video);
  if (track.codec_id == container::kCodecHevc) {
    if (!codecs::h265::codec_string_of_hvcc(track.codec_private)) {
      return base::fail(Errc::Corrupt, "the codec private data is no HEVCDecoderConfigurationRecord");
    }
    return to_text(container::write_mp4_init(track, container::kVideoTimescale));
  }
  const std::optional<codecs::h264::Avcc> record = codecs::h264::parse_avcc(track.codec_private);
  std::optional<codecs::h264::Sps> sps;
  if (record && !record->sps.empty()) sps = codecs::h264::parse_sps(record->sps.front());
  if (!sps) return base::fail(Errc::Corrupt, "the codec private data holds no usable SPS");
  track.width = sps->width;
  track.height = sps->height;
  return to_text(container::write_mp4_init(track, container::kVideoTimescale));
}

base::Bytes make_media_error() {
  return container::write_error_tags(5000, "INTERNAL_ERROR");
}

base::Bytes make_media_exception(std::string_view fragment_number, const base::Error& error) {
  if (error.code == Errc::NotFound) return container::write_exception_tags(fragment_number, 4000, error.message);
  return container::write_exception_tags(fragment_number, 5000, "the fragment cannot be read");
}

}  // namespace streams

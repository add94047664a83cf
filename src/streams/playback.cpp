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
#include "streams/track_samples.hpp"
#include "streams/ts_segment.hpp"

namespace streams {
namespace {

using async::Task;
using base::Errc;
using base::Result;

// Fragments before this one that may hold the look-back: one of a single frame lasts 10 ms at least.
constexpr std::size_t kMostFragmentsBefore = 64;
constexpr std::size_t kMostAudioConfig = 63;  // what the boxes of an MP4 hold

std::string to_text(base::ByteView bytes) {
  return std::string(base::as_text(bytes));
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

base::Bytes write_media_document(const OpenedFragment& opened, const EdgedSound* audio,
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
    for (std::int64_t unit = audio->units.first; unit < audio->units.past(); ++unit) {
      sound.push_back({tracks.back().number, true, to_wall_time(unit * kAacFrameSamples), audio->unit(unit)});
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

// A session that has sound has it to its end: where a producer sends none there is silence.
Result<TrackSamples> list_producer_sound(const OpenedFragment& opened) {
  const auto& tracks = opened.document.tracks;
  const auto aac = std::ranges::find(tracks, container::kCodecAac, &container::Track::codec_id);
  return aac != tracks.end() ? list_stored_audio_samples(opened) : list_silence(opened.fragment);
}

// No unit of a later fragment is where its closing ones are, and none will be: the newest fragment says so itself.
Task<Result<bool>> ends_run(FragmentLogPtr log, StoredFragment fragment) {
  const std::optional<StoredFragment> last = log->last();
  if (!last || last->header.number <= fragment.header.number) {
    const auto reason = fragment.header.ended_by;
    co_return reason == GapReason::PublisherLeft || reason == GapReason::ServerStopped;
  }
  CO_TRY(const std::vector<StoredFragment> next, co_await log->after(fragment.header.number, 1));
  if (next.empty()) co_return false;
  // Its units begin before its pictures: after a short gap they are where this one's last ones would be.
  const AacUnits closed = find_edged_units(fragment.header.producer_time, producer_end(fragment), {.to_picture = true});
  const AacUnits following = find_aac_units(next.front().header.producer_time, producer_end(next.front()));
  co_return closed.past() <= following.first;
}

std::string write_segment(const StoredFragment& fragment, PlaybackTrack track, const TrackSamples& list) {
  return to_text(container::write_mp4_segment(static_cast<std::uint32_t>(track), to_mp4_sequence(fragment),
                                              list.decode_time, list.samples));
}

}  // namespace

Playback::Playback(PlaybackOptions options, async::DiskWorker& renderers)
    : cache_(std::make_unique<AudioCache>(options)), renderers_(renderers) {}

Playback::~Playback() = default;

Task<Result<OpenedFragment>> Playback::open(FragmentLogPtr log, StoredFragment fragment) {
  CO_TRY(Payload payload, co_await log->read(fragment));
  co_return parse(fragment, std::move(payload));
}

// What disk has of it; null for nothing.
Task<std::shared_ptr<const RenderedAudio>> Playback::load_kept(FragmentLogPtr log, StoredFragment fragment) {
  using Audio = std::shared_ptr<const RenderedAudio>;
  if (cache_->disk() == nullptr || !fragment.is_durable()) co_return nullptr;
  const AudioCache::Key key{log->stream(), fragment.header.number};
  const Result<Audio> kept = co_await renderers_.run([&]() -> Result<Audio> { return cache_->load(key, fragment); });
  co_return kept ? *kept : nullptr;
}

Task<Result<std::shared_ptr<const RenderedAudio>>> Playback::audio(FragmentLogPtr log, StoredFragment fragment) {
  const AudioCache::Key key{log->stream(), fragment.header.number};
  if (auto cached = cache_->find(key)) co_return cached;
  if (auto kept = co_await load_kept(log, fragment)) co_return kept;

  auto keeping = cache_->begin_keeping(fragment);
  if (keeping) {
    // Whoever asks may have found the fragment a while ago.
    const auto still = co_await log->find(fragment.header.number);
    if (log->deleted() || !still || !*still) keeping.reset();
  }
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
    } else {
      keeping.reset();  // it may be readable another time
    }
  }
  std::vector<OpusPacket> packets;
  for (const OpenedFragment& one : opened) collect_opus(one, from, end, packets);
  auto rendered = co_await renderers_.run([&] { return cache_->render(key, packets, start, end, keeping); });
  co_return rendered;
}

Task<Result<base::Bytes>> Playback::media_document(FragmentLogPtr log, StoredFragment fragment,
                                                   std::optional<base::WallTime> now, bool closes) {
  if ((fragment.header.flags & kProducerDocument) != 0) {
    CO_TRY(const Payload stored, co_await log->read(fragment));
    co_return write_producer_document(fragment, *stored, now);
  }
  CO_TRY(OpenedFragment opened, co_await open(log, fragment));
  if (!opened.has_audio()) co_return write_media_document(opened, nullptr, now);
  if (!closes) {
    CO_TRY(closes, co_await ends_run(log, fragment));
  }
  CO_TRY(const EdgedSound sound, co_await edged_sound(log, fragment, {.to_picture = closes}));
  co_return write_media_document(opened, &sound, now);
}

Task<Result<std::optional<StoredFragment>>> find_joining(FragmentLogPtr log, StoredFragment fragment) {
  std::optional<StoredFragment> next;
  const std::optional<StoredFragment> last = log->last();
  if (!last || last->header.number <= fragment.header.number) co_return next;
  CO_TRY(const std::vector<StoredFragment> after, co_await log->after(fragment.header.number, 1));
  if (!after.empty() && joins(pictures_end(fragment), after.front())) next = after.front();
  co_return next;
}

base::ByteView EdgedSound::unit(std::int64_t number) const {
  const std::int64_t first = own->first_sample / kAacFrameSamples;
  const auto count = static_cast<std::int64_t>(own->units().size());
  if (number < first + count) return own->units().at(static_cast<std::size_t>(number - first));
  return closing->units().at(static_cast<std::size_t>(number - closing->first_sample / kAacFrameSamples));
}

Task<Result<EdgedSound>> Playback::edged_sound(FragmentLogPtr log, StoredFragment fragment, SoundEdges edges) {
  const base::WallTime start = fragment.header.producer_time, end = producer_end(fragment);
  EdgedSound sound{.own = nullptr, .closing = nullptr, .units = find_edged_units(start, end, edges)};
  CO_TRY(sound.own, co_await audio(log, fragment));
  const std::int64_t own_past = find_aac_units(start, end).past();
  if (sound.units.past() > own_past && sound.units.count > 0) {
    // What the fragment itself has not heard to the end may be in the next one.
    CO_TRY(const std::optional<StoredFragment> next, co_await find_joining(log, fragment));
    const FragmentNumber until = next ? next->header.number : fragment.header.number;
    CO_TRY(sound.closing, co_await audio_part(log, until, {own_past, sound.units.past() - own_past}, {}));
  }
  co_return sound;
}

Task<Result<std::string>> Playback::mp4_segment(FragmentLogPtr log, StoredFragment fragment, PlaybackTrack track,
                                                SoundEdges edges) {
  const auto write = [&](const TrackSamples& list) { return write_segment(fragment, track, list); };
  const bool is_audio = track == PlaybackTrack::Audio;
  if (is_audio && (fragment.header.flags & kProducerDocument) == 0) {
    CO_TRY(const EdgedSound sound, co_await edged_sound(log, fragment, edges));
    co_return write(list_rendered_samples(sound));
  }
  CO_TRY(OpenedFragment opened, co_await open(log, fragment));
  CO_TRY(TrackSamples list, is_audio ? list_producer_sound(opened) : list_video_samples(opened));
  if (is_audio && edges.from_picture) drop_before(list, pictures_start(fragment));
  co_return write(list);
}

Task<Result<std::string>> Playback::ts_segment(FragmentLogPtr log, StoredFragment fragment, TsTracks has) {
  CO_TRY(OpenedFragment opened, co_await open(log, fragment));
  std::vector<TrackSamples> tracks;
  EdgedSound sound;
  if (has.video) {
    CO_TRY(TrackSamples list, list_video_samples(opened));
    tracks.push_back(std::move(list));
  }
  if (has.audio && (fragment.header.flags & kProducerDocument) != 0) {
    CO_TRY(TrackSamples list, list_producer_sound(opened));
    if (has.edges.from_picture) drop_before(list, pictures_start(fragment));
    tracks.push_back(std::move(list));
  } else if (has.audio) {
    CO_TRY(sound, co_await edged_sound(log, fragment, has.edges));
    tracks.push_back(list_rendered_samples(sound));
  }
  co_return co_await renderers_.run([&] { return write_ts_segment(tracks); });
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

// SPDX-License-Identifier: Apache-2.0
#include "streams/playable_tracks.hpp"

#include <algorithm>

#include "codecs/aac.hpp"
#include "codecs/h264_parameter_sets.hpp"
#include "codecs/h265.hpp"
#include "streams/media_file.hpp"

namespace streams {
namespace {

using base::Errc;
using base::Result;
using container::Track;

constexpr const char* kHevc = "hvc1";
constexpr std::size_t kMostPrivateBytes = 4096;

Result<void> check_private_data(const Track& track) {
  if (track.codec_private.empty()) {
    return base::fail(Errc::Incomplete,
                      "The codec private data of track " + std::to_string(track.number) + " is missing.");
  }
  auto init = make_init(track);
  if (!init) return base::fail(std::move(init).error());
  return {};
}

}  // namespace

std::string PlayableTracks::codecs() const {
  std::string text;
  if (video != nullptr) {
    text = video->codec_id == container::kCodecHevc
               ? codecs::h265::codec_string_of_hvcc(video->codec_private).value_or("")
               : codecs::h264::codec_string_of_avcc(video->codec_private);
  }
  if (!has_audio()) return text;
  codecs::aac::AudioSpecificConfig config;
  if (audio != nullptr) config = codecs::aac::parse_audio_specific_config(audio->codec_private).value_or(config);
  if (!text.empty()) text += ',';
  return text + codecs::aac::codec_string(config);
}

Result<PlayableTracks> find_playable_tracks(const OpenedFragment& opened) {
  PlayableTracks found;
  found.video = opened.document.find_video();
  if (found.video != nullptr && found.video->codec_id != container::kCodecAvc &&
      found.video->codec_id != container::kCodecHevc) {
    return base::fail(Errc::Unsupported, "The stream's media cannot be played: its video is " + found.video->codec_id +
                                             ", not H.264 or H.265.");
  }
  found.renders_audio = opened.has_audio();
  const auto aac = std::ranges::find(opened.document.tracks, container::kCodecAac, &Track::codec_id);
  if (aac != opened.document.tracks.end()) found.audio = &*aac;
  if (found.video == nullptr && !found.has_audio()) {
    return base::fail(Errc::Unsupported,
                      "The stream's media cannot be played: it has neither H.264 nor H.265 "
                      "video, nor AAC sound.");
  }
  for (const Track* track : {found.video, found.audio}) {
    if (track == nullptr) continue;
    TRY_VOID(check_private_data(*track));
  }
  return found;
}

double seconds_of(const OpenedFragment& opened) {
  return std::max(0.001, static_cast<double>(opened.fragment.header.duration.count()) / 1e6);
}

std::uint64_t bit_rate_of(const OpenedFragment& opened) {
  return static_cast<std::uint64_t>(static_cast<double>(opened.payload->size()) * 8 / seconds_of(opened));
}

TrackInit describe_init(const PlayableTracks& tracks, PlaybackTrack track) {
  TrackInit init;
  const Track* source = track == PlaybackTrack::Video ? tracks.video : tracks.audio;
  if (source == nullptr) return init;
  init.codec_private = base::to_base64_url(source->codec_private);
  if (source->codec_id == container::kCodecHevc) {
    init.codec = kHevc;
    init.width = source->width;
    init.height = source->height;
  }
  return init;
}

Result<Track> to_track(const TrackInit& init, PlaybackTrack kind) {
  if (kind == PlaybackTrack::Audio && !init.codec_private) return make_rendered_track();
  const auto bytes = base::parse_base64_url(init.codec_private.value_or(""));
  if (!bytes || bytes->size() > kMostPrivateBytes)
    return base::fail(Errc::InvalidArgument, "CodecPrivate is not base64url.");
  Track track;
  track.number = static_cast<std::uint32_t>(kind);
  track.codec_private = *bytes;
  if (kind == PlaybackTrack::Audio) {
    track.codec_id = container::kCodecAac;
  } else {
    track.codec_id = init.codec == kHevc ? container::kCodecHevc : container::kCodecAvc;
    track.width = init.width;
    track.height = init.height;
  }
  return track;
}

}  // namespace streams

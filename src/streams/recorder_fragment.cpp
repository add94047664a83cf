// SPDX-License-Identifier: Apache-2.0
#include "streams/recorder_fragment.hpp"

#include <algorithm>
#include <utility>

#include "container/matroska_writer.hpp"

namespace streams {
namespace {

constexpr std::uint32_t kVideoTrack = 1;
constexpr auto kOldestAudio = std::chrono::seconds(10);  // before the fragment; decoding needs 80 ms

struct TrackFrame {
  std::uint32_t track = 0;
  const HeldFrame* frame = nullptr;
  const HeldFrames* from = nullptr;
  std::size_t order = 0;  // of arrival, for equal times
};

}  // namespace

std::uint64_t fingerprint_of(base::ByteView codec_private) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : codec_private) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

base::Bytes write_document(const OpenFragment& fragment, Participants& participants, std::uint64_t& dropped_audio) {
  std::size_t most = fragment.video.size();
  for (const auto& [id, participant] : participants) most += participant.audio.size();
  std::vector<TrackFrame> frames;
  frames.reserve(most);
  for (const HeldFrame& frame : fragment.video.frames()) {
    frames.push_back({kVideoTrack, &frame, &fragment.video, frames.size()});
  }
  std::vector<container::Track> tracks;
  tracks.push_back(container::make_avc_track(kVideoTrack, fragment.avcc, fragment.width, fragment.height));
  for (const auto& [id, participant] : participants) {
    if (participant.audio_track == 0) continue;
    tracks.push_back(container::make_opus_track(participant.audio_track, id));
    for (const HeldFrame& packet : participant.audio.frames()) {
      const bool too_old = packet.time < fragment.start - kOldestAudio;
      if (too_old) {
        ++dropped_audio;
      } else if (packet.time < fragment.sound_until) {
        frames.push_back({participant.audio_track, &packet, &participant.audio, frames.size()});
      }
    }
  }
  // By time across tracks; within the video track the order of decoding stays.
  const auto video_end = frames.begin() + static_cast<std::ptrdiff_t>(fragment.video.size());
  const auto time_of = [](const TrackFrame& each) { return each.frame->time; };
  const auto time_and_order = [](const TrackFrame& each) { return std::pair(each.frame->time, each.order); };
  const std::ranges::subrange sound(video_end, frames.end());
  if (!std::ranges::is_sorted(sound, {}, time_and_order)) std::ranges::sort(sound, {}, time_and_order);
  std::vector<TrackFrame> ordered(frames.size());
  std::ranges::merge(frames.begin(), video_end, video_end, frames.end(), ordered.begin(), {}, time_of, time_of);
  container::MatroskaFragmentWriter writer(fragment.start);
  writer.reserve(ordered.size());
  for (const TrackFrame& each : ordered) {
    const container::FrameTiming timing{each.track, each.frame->key_frame, each.frame->time, each.frame->rtp};
    if (!writer.add(timing, each.from->payload(*each.frame))) ++dropped_audio;  // > 32 s away: only audio can be
  }
  std::ranges::sort(tracks, {}, &container::Track::number);
  base::Bytes document = writer.finish(tracks, fragment.end);
  for (auto& [id, participant] : participants) {
    participant.audio.drop_if([&](const HeldFrame& packet) { return packet.time < fragment.sound_until; });
    participant.looked_at_again = {};
  }
  return document;
}

}  // namespace streams

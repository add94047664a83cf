// SPDX-License-Identifier: Apache-2.0
#include "streams/recorder_fragment.hpp"

#include <algorithm>

#include "container/matroska_writer.hpp"

namespace streams {
namespace {

constexpr std::uint32_t kVideoTrack = 1;
constexpr auto kOldestAudio = std::chrono::seconds(10);  // before the fragment; decoding needs 80 ms

struct TrackFrame {
  std::uint32_t track = 0;
  const HeldFrame* frame = nullptr;
  std::size_t order = 0;  // of arrival, for equal times
};

}  // namespace

std::uint64_t fingerprint_of(base::ByteView codec_private) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : codec_private) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

base::Bytes write_document(const OpenFragment& fragment, Participants& participants, std::uint64_t& dropped_audio) {
  std::vector<TrackFrame> frames;
  for (const HeldFrame& frame : fragment.video) frames.push_back({kVideoTrack, &frame, frames.size()});
  std::vector<container::Track> tracks;
  tracks.push_back(container::make_avc_track(kVideoTrack, fragment.avcc, fragment.width, fragment.height));
  for (const auto& [id, participant] : participants) {
    if (participant.audio_track == 0) continue;
    tracks.push_back(container::make_opus_track(participant.audio_track, id));
    for (const HeldFrame& packet : participant.audio) {
      const bool too_old = packet.time < fragment.start() - kOldestAudio;
      if (packet.time < fragment.end && !too_old) frames.push_back({participant.audio_track, &packet, frames.size()});
      if (too_old) ++dropped_audio;
    }
  }
  // By time across tracks; within a track the order of decoding stays.
  const auto video_end = frames.begin() + static_cast<std::ptrdiff_t>(fragment.video.size());
  const auto earlier = [](const TrackFrame& a, const TrackFrame& b) { return a.frame->time < b.frame->time; };
  std::sort(video_end, frames.end(), [&](const TrackFrame& a, const TrackFrame& b) {
    return earlier(a, b) || (!earlier(b, a) && a.order < b.order);
  });
  std::vector<TrackFrame> ordered(frames.size());
  std::merge(frames.begin(), video_end, video_end, frames.end(), ordered.begin(), earlier);
  container::MatroskaFragmentWriter writer(fragment.start());
  for (const TrackFrame& each : ordered) {
    const container::FrameTiming timing{each.track, each.frame->key_frame, each.frame->time, each.frame->rtp};
    if (!writer.add(timing, each.frame->payload)) ++dropped_audio;  // more than 32 s away: only audio can be
  }
  std::ranges::sort(tracks, {}, &container::Track::number);
  base::Bytes document = writer.finish(tracks, fragment.end);
  for (auto& each : participants) {
    Participant& participant = each.second;
    std::erase_if(participant.audio, [&](const HeldFrame& packet) {
      if (packet.time >= fragment.end) return false;
      participant.audio_bytes -= packet.payload.size();
      return true;
    });
  }
  return document;
}

}  // namespace streams

// SPDX-License-Identifier: Apache-2.0
#include "streams/low_latency.hpp"

#include <algorithm>

namespace streams {
namespace {

// By which a packet's sound lies before its time; a little more than audio_timeline.hpp says.
constexpr std::chrono::microseconds kSoundLead{7'000};

}  // namespace

container::HlsPart CutFragment::describe(PlaybackTrack track, std::size_t part) const {
  if (track == PlaybackTrack::Audio) {
    return {.uri = {}, .duration = sound_parts.at(part).duration, .independent = true};
  }
  const PicturePart& one = picture_parts.at(part);
  return {.uri = {}, .duration = one.duration, .independent = one.independent};
}

CutFragment cut_stored(const OpenedFragment& opened, PlaybackTrack track, std::chrono::microseconds target) {
  CutFragment cut{.end = producer_end(opened.fragment), .complete = true};
  if ((opened.fragment.header.flags & kProducerDocument) != 0) return cut;
  if (track == PlaybackTrack::Audio) {
    cut.sound_parts = cut_sound(opened.fragment.header.producer_time, cut.end, *cut.end, target);
    return cut;
  }
  const container::Track* video = opened.document.find_video();
  for (const container::Block& block : opened.document.blocks) {
    if (video == nullptr || block.track != video->number) continue;
    cut.pictures.push_back({block.time, block.key_frame, block.payload});
  }
  cut.picture_parts = cut_pictures(cut.pictures, cut.end, target);
  return cut;
}

CutFragment cut_live(const LiveFragment& fragment, base::WallTime sound_until, PlaybackTrack track,
                     std::chrono::microseconds target) {
  CutFragment cut{.end = fragment.end, .complete = fragment.end.has_value()};
  if (track == PlaybackTrack::Audio) {
    // The fragment ends with its pictures: sound that is ahead of them may belong to the next one.
    const base::WallTime heard = sound_until - kSoundLead;
    const base::WallTime known = fragment.end ? heard : std::min(heard, fragment.pictures.back().time);
    cut.sound_parts = cut_sound(fragment.header.producer_time, fragment.end, known, target);
    cut.complete = fragment.end && known >= *fragment.end;
    return cut;
  }
  for (const LiveFrame& picture : fragment.pictures) {
    cut.pictures.push_back({picture.time, picture.key_frame, *picture.payload});
  }
  cut.picture_parts = cut_pictures(cut.pictures, cut.end, target);
  return cut;
}

LiveTrack cut_edge(const std::vector<LiveFragment>& live, base::WallTime sound_until, PlaybackTrack track,
                   std::chrono::microseconds target) {
  LiveTrack edge;
  for (const LiveFragment& fragment : live) {
    CutFragment cut = cut_live(fragment, sound_until, track, target);
    if (!edge.whole && cut.complete) {
      edge.whole = std::move(cut);
      continue;
    }
    edge.open = std::move(cut);
    edge.open_fragment = &fragment;
    break;
  }
  return edge;
}

StoredFragment to_stored(const LiveFragment& fragment) {
  StoredFragment stored;
  stored.header = fragment.header;
  if (fragment.end) stored.header.duration = *fragment.end - fragment.header.producer_time;
  return stored;
}

std::chrono::microseconds picture_interval_of(const OpenedFragment& opened) {
  const container::Track* video = opened.document.find_video();
  const auto pictures =
      video == nullptr ? 0 : std::ranges::count(opened.document.blocks, video->number, &container::Block::track);
  if (pictures == 0) return std::chrono::milliseconds(40);
  return std::max(opened.fragment.header.duration / pictures, std::chrono::microseconds(1000));
}

std::string directives_of(const SessionFetch& fetch) {
  if (!fetch.low_latency) return "";
  return *fetch.low_latency ? "&LowLatency=true" : "&LowLatency=false";
}

Reload judge_reload(const ReloadDirectives& wanted, const PlaylistEnd& end) {
  if (!wanted.msn) return wanted.part ? Reload::TooFar : Reload::Answer;
  std::uint64_t msn = *wanted.msn;
  std::optional<std::uint64_t> part = wanted.part;
  if (msn > end.last_msn + 2) return Reload::TooFar;
  if (msn < end.last_msn) return Reload::Answer;
  const auto limit = static_cast<std::uint64_t>(std::chrono::seconds(3) / end.part_target + 1);
  const std::size_t known = msn == end.last_msn ? end.last_parts : msn == end.last_msn + 1 ? end.next_parts : 0;
  if (part && *part > known + limit) return Reload::TooFar;
  if (msn == end.last_msn) {
    if (!part || *part < known) return Reload::Answer;
    // Past the final part of a segment: the first one of the next is meant.
    msn = end.last_msn + 1;
    part = 0;
  }
  const bool is_there = msn == end.last_msn + 1 && part && *part < end.next_parts;
  return is_there ? Reload::Answer : Reload::Wait;
}

}  // namespace streams

// SPDX-License-Identifier: Apache-2.0
#include "streams/producer_rules.hpp"

#include <algorithm>
#include <array>

#include "streams/recorder_fragment.hpp"

namespace streams {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr std::int64_t kLongestFrameNs = 1'000'000'000;  // a longer pause is not a frame rate
// Sound that reaches further than the pictures by less is how muxers interleave, not length.
constexpr std::int64_t kLongestOverhangNs = 1'000'000'000;
// What producers say to the service itself.
constexpr std::array<std::string_view, 4> kServiceTags = {
    "AWS_KINESISVIDEO_END_OF_FRAGMENT", "AWS_KINESISVIDEO_IMAGE_GENERATION", "AWS_KINESISVIDEO_IMAGE_PREFIX",
    "AWS_KINESISVIDEO_NOTIFICATION"};

std::uint64_t fingerprint_of_tracks(const std::vector<container::Track>& tracks) {
  base::Bytes all;
  base::ByteWriter writer(all);
  for (const container::Track& track : tracks) {
    writer.u32(track.number);
    writer.u32(track.codec_id.size());
    writer.text(track.codec_id);
    writer.u32(track.codec_private.size());
    writer.bytes(track.codec_private);
  }
  return fingerprint_of(all);
}

microseconds to_microseconds(std::int64_t ns) {
  return std::chrono::duration_cast<microseconds>(nanoseconds(ns));
}

}  // namespace

ProducerRules::ProducerRules(ProducerRuleLimits limits, const std::vector<container::Track>& tracks)
    : limits_(limits), fingerprint_(fingerprint_of_tracks(tracks)) {
  for (const container::Track& track : tracks) {
    TrackState state;
    state.number = track.number;
    state.is_video = track.is_video();
    state.is_aac = track.codec_id == container::kCodecAac;
    state.default_duration_ns =
        static_cast<std::int64_t>(std::min<std::uint64_t>(track.default_duration_ns, kLongestFrameNs));
    tracks_.push_back(state);
  }
}

ProducerRules::Verdict ProducerRules::begin_fragment(std::int64_t timestamp_ns) {
  for (TrackState& track : tracks_) {
    if (track.frames > 0) track.latest_before_ns = track.latest_ns;
    track.frames = 0;
  }
  has_frames_ = false;
  tags_ = 0;
  const bool is_later = !timestamp_ns_ || timestamp_ns > *timestamp_ns_;
  timestamp_ns_ = timestamp_ns;
  if (tracks_.size() > limits_.tracks) return ProducerError::TooManyTracks;
  if (!is_later) return ProducerError::TimecodeNotLater;
  return {};
}

ProducerRules::Verdict ProducerRules::add_frame(const container::stream_event::Frame& frame) {
  const auto track = std::ranges::find(tracks_, frame.track, &TrackState::number);
  if (track == tracks_.end()) return ProducerError::TrackNumberMismatch;
  if (track->latest_before_ns && frame.timestamp_ns <= *track->latest_before_ns) return ProducerError::TimecodeNotLater;
  if (track->frames++ == 0) {
    track->begins_with_key_frame = frame.key_frame;
    track->first_ns = track->latest_ns = frame.timestamp_ns;
    track->latest_duration_ns = frame.duration_ns;
  } else {
    track->first_ns = std::min(track->first_ns, frame.timestamp_ns);
    if (frame.timestamp_ns >= track->latest_ns) track->latest_duration_ns = frame.duration_ns;
    track->latest_ns = std::max(track->latest_ns, frame.timestamp_ns);
  }
  first_ns_ = has_frames_ ? std::min(first_ns_, frame.timestamp_ns) : frame.timestamp_ns;
  latest_ns_ = has_frames_ ? std::max(latest_ns_, frame.timestamp_ns) : frame.timestamp_ns;
  has_frames_ = true;
  if (latest_ns_ - first_ns_ > limits_.fragment_span.count()) return ProducerError::FragmentTooLong;
  return {};
}

ProducerRules::Verdict ProducerRules::add_tags(const std::vector<container::Tag>& tags) {
  for (const container::Tag& tag : tags) {
    if (std::ranges::find(kServiceTags, tag.name) == kServiceTags.end()) {
      const bool is_allowed = !tag.name.empty() && tag.name.size() <= limits_.tag_name_bytes &&
                              !tag.name.starts_with("AWS") && ++tags_ <= limits_.tags;
      if (!is_allowed) return ProducerError::TooMuchMetadata;
    }
    if (tag.value.size() > limits_.tag_value_bytes) return ProducerError::TooMuchMetadata;
  }
  return {};
}

// How long a frame of the track lasts: what the track says, else the distance of its frames here, else that to the
// fragment before.
void ProducerRules::measure(TrackState& track) {
  if (track.default_duration_ns > 0) {
    track.frame_time_ns = track.default_duration_ns;
  } else if (track.frames > 1) {
    track.frame_time_ns = (track.latest_ns - track.first_ns) / static_cast<std::int64_t>(track.frames - 1);
  } else if (track.latest_before_ns) {
    track.frame_time_ns = track.latest_ns - *track.latest_before_ns;
  }
  track.frame_time_ns = std::min(track.frame_time_ns, kLongestFrameNs);
}

// A fragment is as long as its pictures: sound is interleaved by decoding time and reaches over both ends, and lengths
// have to add up. If the rest goes on for long behind them it reaches to the last frame, without pictures from the
// fragment's time stamp.
ProducerRules::Verdict ProducerRules::complete_fragment(bool is_last, ProducerFragmentFacts& facts) {
  std::int64_t length_ns = 0;
  std::int64_t pictures_ns = 0;
  const auto pictures = std::ranges::find(tracks_, true, &TrackState::is_video);
  const auto sound = std::ranges::find(tracks_, true, &TrackState::is_aac);
  if (pictures != tracks_.end()) facts.pictures_after = to_microseconds(pictures->first_ns - *timestamp_ns_);
  if (sound != tracks_.end()) facts.sound_after = to_microseconds(sound->first_ns - *timestamp_ns_);
  const auto last_of = [](const TrackState& track) {
    return track.latest_duration_ns > 0 ? std::min(track.latest_duration_ns, kLongestFrameNs) : track.frame_time_ns;
  };
  for (TrackState& track : tracks_) {
    if (track.frames == 0) return ProducerError::FramesMissingForTrack;
    measure(track);
    const std::int64_t end_ns = track.latest_ns + last_of(track);
    length_ns = std::max(length_ns, end_ns - *timestamp_ns_);
    if (track.is_video) pictures_ns = std::max(pictures_ns, end_ns - track.first_ns);
    facts.frame_time = std::max(facts.frame_time, to_microseconds(track.frame_time_ns));
    if (track.is_video && !track.begins_with_key_frame) facts.dependent = true;
  }
  if (pictures_ns > 0) {
    length_ns -= pictures->first_ns - *timestamp_ns_;
    if (length_ns - pictures_ns < kLongestOverhangNs) length_ns = pictures_ns;
  }
  if (sound != tracks_.end()) {
    facts.sound_length = std::chrono::round<std::chrono::milliseconds>(
        nanoseconds(sound->latest_ns + last_of(*sound) - sound->first_ns));
  }
  // A listing needs some length: a lone frame of a track that says nothing lasts a millisecond.
  facts.duration = std::max<microseconds>(to_microseconds(length_ns), std::chrono::milliseconds(1));
  const bool is_short = facts.duration + facts.frame_time < limits_.least_duration;
  if (is_short && !is_last) return ProducerError::FragmentTooShort;
  return {};
}

}  // namespace streams

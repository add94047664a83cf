// SPDX-License-Identifier: Apache-2.0
#pragma once
// The names of the store that the rooms above use; they include this header, not the store.

#include "store/fragment.hpp"
#include "store/fragment_index.hpp"

namespace streams {

using store::FragmentHeader;
using store::FragmentNumber;
using store::Gap;
using store::GapReason;
using store::Payload;
using store::StoredFragment;
using store::StreamKey;
using store::TimeAxis;

using store::kArrivalClock;
using store::kAudio;
using store::kClockReplaced;
using store::kDependent;
using store::kProducerDocument;

// First instant after the fragment on the producer's time axis.
inline base::WallTime producer_end(const StoredFragment& fragment) {
  return fragment.header.producer_time + fragment.header.duration;
}

// When its first picture is shown, and when the last one has been. Sound may begin and end a little earlier or later:
// it does not decide where fragments join.
inline base::WallTime pictures_start(const StoredFragment& fragment) {
  return fragment.header.producer_time + fragment.header.pictures_after;
}
inline base::WallTime pictures_end(const StoredFragment& fragment) {
  return pictures_start(fragment) + fragment.header.duration;
}

// Fragments further apart than this on the producer's axis do not join (contract 5.2).
inline constexpr std::chrono::microseconds kContinuityTolerance{50'000};
inline bool joins(base::WallTime end, const StoredFragment& next) {
  const auto gap = pictures_start(next) - end;
  return gap <= kContinuityTolerance && gap >= -kContinuityTolerance;
}

// Of a producer's AAC frames.
inline base::WallTime sound_start(const StoredFragment& fragment) {
  return fragment.header.producer_time + fragment.header.sound_after;
}
inline base::WallTime sound_end(const StoredFragment& fragment) {
  const bool is_known = fragment.header.sound_length.count() > 0;
  return is_known ? sound_start(fragment) + fragment.header.sound_length : pictures_end(fragment);
}

inline base::WallTime start_of(const StoredFragment& fragment, TimeAxis axis) {
  return axis == TimeAxis::Server ? fragment.header.server_time : fragment.header.producer_time;
}

// A fragment that was begun, and perhaps shown at the live edge, may be what is missing.
inline bool is_lost(GapReason reason) {
  return reason == GapReason::DiskSlow || reason == GapReason::ServerStopped;
}

inline constexpr std::size_t kGapReasons = 7;  // values on disk so far, and 0

// For logs and APIs: "publisher left".
const char* gap_reason_text(GapReason reason);
// For programs: "publisher_left".
const char* gap_reason_name(GapReason reason);

}  // namespace streams

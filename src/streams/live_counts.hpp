// SPDX-License-Identifier: Apache-2.0
#pragma once
// EXT-X-MEDIA-SEQUENCE and EXT-X-DISCONTINUITY-SEQUENCE of live sessions and replays. Both are counts over the
// fragments since the session's first one, so that every playlist of a session agrees, also after a restart. Here is
// how far each session has counted already, so that a playlist costs a few index rows and not the whole session.

#include <list>
#include <map>
#include <mutex>
#include <string>

#include "streams/streaming_sessions.hpp"

namespace streams {

// Fragments that follow each other without a discontinuity: a Period of DASH.
struct MediaPeriod {
  FragmentNumber first;               // names it
  base::WallTime media_start;         // of its first picture, on the producer's axis
  std::chrono::microseconds start{};  // in the presentation
};

// A place in the sequence of segments of a session.
struct LivePlace {
  FragmentNumber number;                // the last fragment counted
  std::uint64_t segments = 0;           // before and including it
  std::uint64_t discontinuities = 0;    // tags before and including its own
  base::WallTime pictures_end{};        // of it, for the gap to the next
  std::chrono::microseconds played{};   // the durations of all of them
  std::chrono::microseconds longest{};  // of them
  std::uint64_t codec_fingerprint = 0;
  std::uint64_t codec_changes = 0;  // up to and including it
  MediaPeriod period{};             // that it belongs to

  // Where the presentation is at the end of it.
  std::chrono::microseconds presented() const { return period.start + (pictures_end - period.media_start); }
};

// Any thread; owned by StreamingSessions. Forgets the sessions that asked longest ago; they are counted anew.
class StreamingSessions::LiveCounts {
 public:
  std::optional<LivePlace> find(const std::string& session) {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(session);
    if (found == places_.end()) return std::nullopt;
    order_.splice(order_.begin(), order_, found->second.position);
    return found->second.place;
  }

  void put(const std::string& session, const LivePlace& place) {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(session);
    if (found != places_.end()) {
      // Another track's playlist may have counted further in the meantime.
      if (found->second.place.number < place.number) found->second.place = place;
      return;
    }
    order_.push_front(session);
    places_[session] = {place, order_.begin()};
    if (places_.size() <= kMostSessions) return;
    places_.erase(order_.back());
    order_.pop_back();
  }

 private:
  static constexpr std::size_t kMostSessions = 10'000;
  struct Entry {
    LivePlace place;
    std::list<std::string>::iterator position;
  };
  std::mutex mutex_;
  std::list<std::string> order_;
  std::map<std::string, Entry> places_;
};

}  // namespace streams

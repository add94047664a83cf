// SPDX-License-Identifier: Apache-2.0
#pragma once
// One 48 kHz timeline for all that a listener is sent, whatever it comes from.

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace conference {

class ListenerTimeline {
 public:
  explicit ListenerTimeline(std::uint32_t first_timestamp) : next_(first_timestamp) {}

  struct Stamp {
    std::uint32_t timestamp = 0;
    bool after_pause = false;
  };
  // Places a packet that begins at `time` of the timeline `source` and lasts `duration` samples. The first packet of
  // another source than before begins where the last one ended, or, after a pause, as much later as time went by.
  Stamp place(base::Instant now, std::uint64_t source, std::int64_t time, std::int64_t duration);

 private:
  void attach(base::Instant now, std::uint64_t source, std::int64_t time);

  std::int64_t next_;  // where the last packet ended
  std::int64_t last_ = 0;
  std::optional<base::Instant> sent_;
  std::optional<std::uint64_t> source_;
  std::int64_t offset_ = 0;  // listener's minus source's time
};

}  // namespace conference

// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the transport-wide feedback of a receiver says of the path to it: how long what is sent waits in a queue, and
// how fast a burst gets through.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "rtp/rtcp.hpp"

namespace rtp {

// Owned by an rtp::Session that forwards. Pure: clocks of both ends are compared with themselves only, so they need not
// agree; a drift of 1,000 ppm looks like 30 ms of queue at most.
//
// A queue is told by the packet that waited least in a while, against the one that waited least in half a minute or
// more: a key frame that is sent in one go makes a queue that drains, a path that is too narrow one that grows. It may
// grow steadily, seen from each sixth of a second to the next, or in steps, with each key frame, and stand between
// them: seen from each half second to the next.
class PathEstimate {
 public:
  // Packets that went out together, at least kTrain of them, such as a key frame: what is told of the path by how they
  // arrived.
  struct Train {
    std::uint64_t bits = 0;       // behind the first packet
    base::Duration spread{};      // from the first arrival to the last
    base::Duration added_wait{};  // the last one's wait less the first one's: the queue that the burst made
    bool whole = true;            // none was lost
    // The path carries this rate: no queue came to be, or it drained that fast.
    bool carries(std::uint64_t bits_per_second) const;
  };
  static constexpr std::size_t kTrain = 6;

  // A packet goes out under the next transport-wide number; `of_train`: video, which alone makes trains.
  void note_sent(base::Instant now, std::uint16_t number, std::size_t bytes, bool of_train);
  // Numbers that were not sent, or so long ago that they are forgotten, are passed over.
  void handle_feedback(base::Instant now, const TransportFeedback& feedback);

  // A queue that grows, or a long one that does not drain: less is sent now, or it fills.
  bool is_overloaded() const { return growing_ >= kGrowing || standing_ >= kStanding; }
  // What waited came much faster than `source_rate` (bits per second), a moment ago: a path that is too narrow for it
  // lets nothing through like that. One that stands still now and then does, and a receiver that has no time; sending
  // less helps neither, unless what waits becomes more than a second and a half nevertheless.
  bool comes_in_bursts(std::uint64_t source_rate) const;
  // Least wait in the queue of the last sixth of a second that was told of.
  base::Duration queue() const { return std::chrono::microseconds(short_.last_queue); }
  // The last packet that is known to have arrived waited long, and others are behind it: what is sent now waits longer.
  bool is_congested() const;
  // A burst whose arrival is known, each once.
  std::optional<Train> take_train();
  // What was found so far no longer holds for what is sent from now on.
  void forget_queue();

 private:
  // A wait is compared with the least one of the last two of these; then clocks may have drifted.
  static constexpr std::int64_t kBaseWindow = 30'000'000;
  static constexpr std::int64_t kShortWindow = 150'000;
  static constexpr std::int64_t kLongWindow = 500'000;
  static constexpr std::int64_t kBurst = 20'000;
  static constexpr std::int64_t kBurstWindow = 1'000'000;
  static constexpr int kGrowing = 2;
  static constexpr int kStanding = 2;

  // The least wait of what was sent in a stretch of time.
  struct Window {
    std::int64_t length;
    std::optional<std::int64_t> since{}, wait{};
    std::int64_t last_queue = 0;  // of the stretch before
  };

  // 8 bytes: with thousands of viewers each line of memory is fetched anew for each of them.
  struct Sent {
    std::uint32_t at = 0;  // microseconds, modulo 2^32
    std::uint16_t number = 0;
    std::uint16_t size = 0;  // bytes, and kOfTrain; 0: a free slot
  };
  struct Arrived {
    std::int64_t sent, arrived;  // microseconds, each by its own clock
    std::uint64_t bytes;
    bool of_train;
  };
  // What had waited and came within kBurst of its first packet.
  struct Burst {
    std::int64_t first_arrived = 0;
    std::uint64_t bytes = 0;  // behind the first packet
  };
  struct OpenTrain {
    std::int64_t first_sent, last_sent, first_arrived, last_arrived;
    std::uint64_t bytes = 0;
    std::size_t packets = 1;
    bool whole = true;
  };

  Sent* find(std::uint16_t number);
  std::int64_t least_wait() const { return std::min(*base_wait_, older_base_wait_.value_or(*base_wait_)); }
  void grow();
  void take_arrival(const Arrived& packet);
  void take_wait(std::int64_t sent, std::int64_t wait);
  std::optional<std::int64_t> take_window(Window& window, std::int64_t sent, std::int64_t wait) const;
  void extend_burst(const Arrived& packet);
  void extend_train(const Arrived& packet);
  void close_train();

  std::vector<Sent> sent_;  // by number modulo its size, a power of two
  std::uint32_t last_of_train_ = 0;
  std::uint16_t last_of_train_number_ = 0;
  std::optional<std::int64_t> arrival_;  // the reference time of the last feedback, unwrapped
  std::optional<std::int64_t> base_wait_, older_base_wait_;
  std::int64_t base_since_ = 0;
  Window short_{kShortWindow}, long_{kLongWindow};
  int growing_ = 0, standing_ = 0;
  std::int64_t last_wait_ = 0;
  Burst burst_;
  std::int64_t bursts_since_ = 0;
  std::uint64_t largest_burst_ = 0, older_largest_burst_ = 0;  // bytes, since then and in the second before
  std::uint16_t last_number_ = 0, told_of_ = 0;                // sent, and as far as feedback has come
  std::optional<OpenTrain> open_;
  std::optional<Train> train_;
};

}  // namespace rtp

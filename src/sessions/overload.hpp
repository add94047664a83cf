// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a shard does that has more to do than it can: first it takes no new sessions, then it asks senders for less,
// then some recordings rest, so that the others stay whole.

#include <array>
#include <cstdint>

#include "base/time.hpp"

namespace sessions {

// What one look at a shard shows.
struct Load {
  double queue_fill = 0;           // of the receive buffer of its media port, 0 to 1
  base::Duration queue_delay{};    // how long the datagram that was read last had waited there
  double busy = 0;                 // share of the time since the last look that its thread was at work on media, 0 to 1
  std::uint64_t kernel_drops = 0;  // datagrams that found the buffer full since the last look
};

// One per shard; pure. To be asked after each look(); looks come every kLookEvery while there are sessions.
//
// What has not been received yet counts more than how busy the thread is: a queue that stands is the proof, and a
// thread that shares its processor with others, or may use a part of it only, never looks busy. The queue is measured
// in bytes against the kernel's buffer, and in time against kLongestDelay, whichever is nearer to its end: a small
// server is late by many seconds before a large buffer is full. What a look shows while others had the processor is no
// queue yet, since the next turn empties it: so the least of a few looks counts.
//
// A queue that is half full is a moment from losing packets of everybody at random, which everybody would ask for
// again: so resting begins there at once and goes on until the queue shrinks; what has just been left out gets a moment
// to show. Where the queue already shrinks by itself, as after the whole machine stood still for a second, nobody
// rests. When there is room again everything is taken back by steps of a second, in the reverse order; what has to be
// tightened again soon is taken back more slowly the next time.
class Overload {
 public:
  static constexpr base::Duration kLookEvery = std::chrono::milliseconds(50);
  // As long as a full buffer: reports and requests of what came so long ago help nobody.
  static constexpr base::Duration kLongestDelay = std::chrono::seconds(2);

  // Of the thread's time, on the average of a second: from there on no new session begins.
  static constexpr double kBusyLimit = 0.88;

  static constexpr base::Duration kShortestPatience = std::chrono::seconds(2);
  static constexpr base::Duration kLongestPatience = std::chrono::seconds(60);

  // `busy_limit`: 0.2 to 1; at 1 only what waits counts.
  explicit Overload(double busy_limit = kBusyLimit) : busy_limit_(busy_limit) {}

  void look(base::Instant now, const Load& load);

  // Whether a new session may begin.
  bool admits() const { return !strained_; }
  // What share of their bit rate senders are to use; 1 when there is no need.
  double bitrate_share() const { return bitrate_share_; }
  // What share of the recordings rests.
  double resting_share() const { return resting_share_; }

 private:
  struct Seen {
    double queue = 0;  // of the room that it has
    double late = 0;   // its delay, of kLongestDelay
  };
  double standing_queue(base::Instant now, const Load& load);
  void strain(base::Instant now);
  void tighten(base::Instant now, double queue, bool drops);
  void relax(base::Instant now);

  double busy_limit_;
  bool strained_ = false;
  double busy_ = 0;               // smoothed over about a second
  std::array<Seen, 3> recent_{};  // of the last looks, newest first
  base::Instant last_look_{};
  double least_ = 0;      // of their queues
  bool shrinks_ = false;  // the newest is below the one before
  int dropping_ = 0;      // looks in a row that found datagrams dropped
  double bitrate_share_ = 1;
  double resting_share_ = 0;
  base::Instant calm_since_{};
  base::Instant bitrate_changed_{};
  base::Instant rest_judged_{};                  // whether enough rests
  double queue_judged_ = 0;                      // then
  base::Instant relaxed_{};                      // last
  base::Duration patience_ = kShortestPatience;  // calm before anything is taken back
};

}  // namespace sessions

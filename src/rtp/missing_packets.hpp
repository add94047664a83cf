// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sequence numbers that were skipped: when to ask for each, and when to give it up.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace rtp {

// Owned by a Receiver. Asks once after a short patience (packets overtake each other), then with growing pauses until
// the packet comes or its deadline passes: a sender that cannot answer is not flooded.
class MissingPackets {
 public:
  // Sequence numbers are added in increasing order.
  void add(base::Instant now, std::int64_t sequence, base::Instant deadline);
  // The stream began `count` packets earlier than believed: these are missing from its front. What was asked for on
  // suspicion before is now known to exist.
  void add_before(base::Instant now, std::int64_t first_sequence, std::int64_t count, base::Instant deadline);
  // The first `count` entries are mere suspicion, until this instant.
  void mark_probes(std::int64_t count, base::Instant deadline);
  // It came. What is known about how, for repair statistics; nothing when it was not missing.
  struct Arrival {
    bool asked_for = false;
  };
  std::optional<Arrival> remove(base::Instant now, std::int64_t sequence);

  // The oldest that is still missing.
  struct Oldest {
    std::int64_t sequence;
    base::Instant since;
    base::Instant deadline;
    bool probe;  // asked for on suspicion; it may never have existed
  };
  std::optional<Oldest> oldest() const;
  void pop_oldest();

  // Sequence numbers to ask for now, at most `limit`; the others a little later.
  std::vector<std::uint16_t> take_due(base::Instant now, std::size_t limit);
  base::Instant next_due() const { return count_ == 0 ? base::kNever : next_due_; }
  std::size_t size() const { return count_; }
  // By when the answer to a request is here that was not lost, from when the packet is missed.
  base::Duration longest_answer() const { return patience_ + 3 * round_trip_; }
  void clear();

 private:
  struct Entry {
    std::int64_t sequence = 0;
    base::Instant since{};
    base::Instant deadline{};
    base::Instant due{};
    base::Instant first_asked{};
    base::Instant asked{};  // last
    std::uint32_t asks = 0;
    bool probe = false;
    bool found = false;
  };
  void trim();
  base::Duration pause_after(std::uint32_t asks) const;

  std::size_t count_ = 0;  // without the found ones
  base::Instant next_due_ = base::kNever;
  std::deque<Entry> entries_;
  base::Duration patience_ = std::chrono::milliseconds(15);     // before the first ask, by how much packets overtake
  base::Duration round_trip_ = std::chrono::milliseconds(100);  // from ask to arrival, smoothed
};

}  // namespace rtp

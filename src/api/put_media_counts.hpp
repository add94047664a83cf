// SPDX-License-Identifier: Apache-2.0
#pragma once
// What has become of all PutMedia connections, for the metrics.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

#include "streams/producer_rules.hpp"

namespace api {

// Any thread. Owned by the process.
class PutMediaCounts {
 public:
  // One connection, for its life.
  class Connection {
   public:
    explicit Connection(PutMediaCounts& counts) : counts_(counts) {
      ++counts_.opened;
      ++counts_.open;
    }
    ~Connection() { --counts_.open; }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    // `committed`: by this connection so far.
    void note_fragments(std::uint64_t committed) { counts_.fragments += committed - std::exchange(noted_, committed); }
    void note_error(streams::ProducerError error) {
      const auto has_its_id = [&](streams::ProducerError each) {
        return acknowledgement_id(each) == acknowledgement_id(error);
      };
      const auto found = std::ranges::find_if(streams::kProducerErrors, has_its_id);
      ++counts_.errors.at(static_cast<std::size_t>(found - streams::kProducerErrors.begin()));
    }

   private:
    PutMediaCounts& counts_;
    std::uint64_t noted_ = 0;
  };

  std::atomic<std::uint64_t> opened = 0;
  std::atomic<std::uint64_t> open = 0;
  std::atomic<std::uint64_t> fragments = 0;  // committed
  std::array<std::atomic<std::uint64_t>, streams::kProducerErrors.size()> errors{};
};

}  // namespace api

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Follows one stream for one courier: every committed fragment in order, each until it is settled.

#include <functional>
#include <memory>

#include "async/disk_worker.hpp"
#include "delivery/backoff.hpp"
#include "delivery/courier.hpp"
#include "delivery/slots.hpp"

namespace delivery {

struct FollowerOptions {
  BackoffOptions backoff;
  base::Duration most_age = std::chrono::hours(24);     // a fragment is given up at this age
  base::Duration attention = std::chrono::seconds(10);  // how long a change of configuration may go unseen
};

// What all followers of a courier share; outlives them. The delivery shard only.
struct FollowerSurroundings {
  FollowerOptions options;
  Courier& courier;
  store::DeliveryPositions& positions;
  async::DiskWorker& disk;  // of the positions
  Slots& slots;
  base::Random& random;
  // The stream as it is now, or null when it has gone.
  std::function<streams::StreamPtr(const std::string& arn)> find_stream;
};

// Runs until the stream has gone or has no enabled configuration any more; its position is forgotten then, so that a
// later one begins with what comes after it. `start` is the position to go on from. One fragment at a time, in memory
// only during an attempt; a failure is logged when it begins and when it is over.
async::Task<void> follow(FollowerSurroundings& around, std::string arn, std::shared_ptr<streams::FragmentLog> log,
                         store::DeliveryPosition start);

}  // namespace delivery

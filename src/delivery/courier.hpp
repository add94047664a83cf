// SPDX-License-Identifier: Apache-2.0
#pragma once
// One kind of delivery: what a fragment asks for, and how it gets there.

#include <optional>
#include <string>

#include "async/task.hpp"
#include "base/result.hpp"
#include "delivery/counts.hpp"
#include "store/delivery_positions.hpp"
#include "streams/catalog.hpp"
#include "streams/fragment_log.hpp"

namespace delivery {

struct Parcel {
  streams::StreamPtr stream;  // with the configuration of this moment
  std::shared_ptr<streams::FragmentLog> log;
  streams::StoredFragment fragment;
};

// How far one fragment has come, over its attempts.
struct Progress {
  std::optional<base::WallTime> last_image;  // of the stream; moves on with every image that is settled
};

// Used on the delivery shard only.
class Courier {
 public:
  virtual ~Courier() = default;

  // Of the stream's configurations, and of positions.
  virtual std::string kind() const = 0;
  // The stream has such a configuration, and it is ENABLED.
  virtual bool is_enabled(const streams::Stream& stream) const = 0;
  // One attempt at all that the fragment asks for, or the rest of it. NotFound, Corrupt, Incomplete, Unsupported: there
  // is nothing to deliver any more; any other error is worth another attempt.
  virtual async::Task<base::Result<void>> deliver(const Parcel& parcel, Progress& progress) = 0;
  virtual Counts& counts() = 0;
};

}  // namespace delivery

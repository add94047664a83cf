// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the operations of archived media ask of a stream and a range before they look at fragments.

#include "aws/archived_media.hpp"
#include "aws/error.hpp"
#include "streams/catalog.hpp"

namespace api {

inline aws::Outcome<void> check_keeps_data(const streams::Stream& stream) {
  if (stream.retention_hours > 0) return {};
  return aws::fail(aws::archived_media::kNoDataRetention,
                   "The stream " + stream.name + " retains no data: set DataRetentionInHours.");
}

// Contract 5.2 and 6: at most a day.
inline aws::Outcome<void> check_range(base::WallTime from, base::WallTime to) {
  if (to <= from) {
    return aws::fail(aws::archived_media::kInvalidArgument, "EndTimestamp must be later than StartTimestamp.");
  }
  if (to - from > std::chrono::hours(24)) {
    return aws::fail(aws::archived_media::kInvalidArgument, "EndTimestamp must be within 24 hours of StartTimestamp.");
  }
  return {};
}

}  // namespace api

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Holds callers to the limits on rates and connections. One for all shards; any thread.

#include <optional>
#include <string>
#include <string_view>

#include "api/limits.hpp"
#include "async/quotas.hpp"
#include "aws/error.hpp"
#include "aws/operation.hpp"
#include "base/time.hpp"

namespace api {

// A call that was let in. Lives as long as the call.
struct Admission {
  std::string key;                                      // operation and resource
  std::optional<async::ConnectionQuotas::Slot> slot{};  // of its connection
  std::uint64_t bytes_per_second = 0;                   // shared by the calls of this key; 0: no limit
};

class Throttle {
 public:
  explicit Throttle(Limits limits) : limits_(limits) {}

  const Limits& limits() const { return limits_; }
  // Whether admit() looks at the resource of this operation; without a limit nobody needs to find it out.
  bool needs_resource(const aws::Operation& operation) const;

  // `resource` is an ARN, or "*"; `holder` whose connection this is: the viewer's client id, else something of its own.
  // ClientLimitExceededException or ConnectionLimitExceededException.
  aws::Outcome<Admission> admit(const aws::Operation& operation, const std::string& resource, const std::string& holder,
                                base::Instant now);
  // How long to wait after so many bytes.
  base::Duration pace(const Admission& admission, std::size_t bytes, base::Instant now);
  // A GET of a playback session: `resource` is the last part of its path.
  aws::Outcome<void> admit_session(std::string_view token, std::string_view resource, base::Instant now);
  // Points of `limit` (FragmentMetadataPoints, FragmentMediaPoints), which all reads of a stream share (contract 8).
  // ClientLimitExceededException as the archived-media model spells it.
  aws::Outcome<void> charge(Limit limit, const std::string& stream, std::uint64_t points, base::Instant now);

 private:
  Limits limits_;
  async::RateQuotas rates_;
  async::RateQuotas bytes_;
  async::ConnectionQuotas connections_;
};

}  // namespace api

// SPDX-License-Identifier: Apache-2.0
#pragma once
// How far a peer came on its way to a path: for a session's diagnosis.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "webrtc/ice/agent.hpp"

namespace webrtc {

using PairReport = ice::PairReport;

// What the remote named, whether or not it can be used: host names and TCP candidates tell an operator most.
struct RemoteCandidates {
  static constexpr std::size_t kMaxLines = 32;
  static constexpr std::size_t kMaxLineBytes = 200;

  // Without "a="; a line that came before is not kept twice, nor what is over the limits.
  void note(base::Instant now, std::string_view line);

  base::Instant first = base::kNever;
  std::vector<std::string> lines;
};

struct PathReport {
  RemoteCandidates remote_candidates;
  std::vector<PairReport> pairs;
  base::Instant first_media = base::kNever;  // the first authentic RTP
};

}  // namespace webrtc

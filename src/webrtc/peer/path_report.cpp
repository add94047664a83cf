// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/path_report.hpp"

#include <algorithm>

namespace webrtc {

void RemoteCandidates::note(base::Instant now, std::string_view line) {
  if (line.starts_with("a=")) line.remove_prefix(2);
  line = line.substr(0, std::min(line.find_first_of("\r\n"), kMaxLineBytes));
  first = std::min(first, now);
  if (lines.size() < kMaxLines && std::ranges::find(lines, line) == lines.end()) lines.emplace_back(line);
}

}  // namespace webrtc

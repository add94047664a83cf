// SPDX-License-Identifier: Apache-2.0
#include "streams/fragment.hpp"

namespace streams {

const char* gap_reason_text(GapReason reason) {
  switch (reason) {
    case GapReason::PublisherLeft:
      return "publisher left";
    case GapReason::PacketsLost:
      return "packets lost";
    case GapReason::KeyFrameAwaited:
      return "key frame awaited";
    case GapReason::DiskSlow:
      return "disk slow";
    case GapReason::Overload:
      return "overload";
    case GapReason::ServerStopped:
      return "server stopped";
  }
  return "unknown";  // a record of a newer version
}

}  // namespace streams

// SPDX-License-Identifier: Apache-2.0
#include "streams/fragment.hpp"

namespace streams {

namespace {

struct Words {
  const char* text;
  const char* name;
};

Words words_of(GapReason reason) {
  switch (reason) {
    case GapReason::PublisherLeft:
      return {"publisher left", "publisher_left"};
    case GapReason::PacketsLost:
      return {"packets lost", "packets_lost"};
    case GapReason::KeyFrameAwaited:
      return {"key frame awaited", "key_frame_awaited"};
    case GapReason::DiskSlow:
      return {"disk slow", "disk_slow"};
    case GapReason::Overload:
      return {"overload", "overload"};
    case GapReason::ServerStopped:
      return {"server stopped", "server_stopped"};
  }
  return {"unknown", "unknown"};  // a record of a newer version
}

}  // namespace

const char* gap_reason_text(GapReason reason) {
  return words_of(reason).text;
}

const char* gap_reason_name(GapReason reason) {
  return words_of(reason).name;
}

}  // namespace streams

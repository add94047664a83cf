// SPDX-License-Identifier: Apache-2.0
#pragma once
// `tidegate viewer`: viewers of a storage session over real signaling and WebRTC. Also a load generator.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "client/join_timings.hpp"
#include "client/picture_meter.hpp"
#include "client/service_options.hpp"

namespace client {

struct ViewingOptions : ServiceOptions {
  std::string channel = "camera";
  // Of more than one viewer: NAME-1 to NAME-N, each with its own WebSocket and UDP socket.
  std::string client_id = "viewer";
  int viewers = 1;
  int threads = 1;
  bool audio = true;
  bool talk = false;                       // each says the test tone
  std::optional<base::Duration> duration;  // from the first join; without it until the process is told to stop
  bool json = false;                       // one JSON document on standard output instead of lines for people
  bool quiet = false;                      // no progress lines on standard error
};

// Since JoinStorageSessionAsViewer was sent; absent: never came.
struct ViewerTimings : JoinTimings {
  std::optional<base::Duration> first_frame;  // a whole picture that can be decoded
};

struct ViewerResult {
  std::string client_id;
  std::string error;      // empty: all went well
  ViewerTimings timings;  // of the first connection and the first picture
  int joins = 0;
  std::uint64_t pictures = 0;
  std::uint64_t key_frames = 0;
  std::uint64_t sounds = 0;  // packets of audio
  std::uint64_t sounds_sent = 0;
  std::uint64_t packets_lost = 0;      // of video, given up
  std::uint64_t packets_repaired = 0;  // of video, came after they were asked for
  std::uint64_t pictures_dropped = 0;  // not whole, or without what they refer to
  std::uint64_t freezes = 0;
  base::Duration frozen{};
  // Payload of video, without the first second, which brings what was kept for whoever comes.
  double bits_per_second = 0;
  // By the clock burnt into the test picture of `tidegate camera`, of pictures taken after the join: from the camera's
  // clock to the whole picture here. Right where both machines' clocks are.
  AgeTable ages;
  std::uint64_t unreadable = 0;  // pictures looked at that showed no clock
};

// Views with all viewers and returns when they have ended. Blocks the calling thread, which is no shard; starts its
// own. request_stop() ends it early. An error is a bad option; what went wrong with one viewer is in its result.
base::Result<std::vector<ViewerResult>> view(const ViewingOptions& options);

// Views and prints; the exit status: 0 when every viewer saw a picture and nothing failed. SIGINT and SIGTERM stop it.
int run_viewer(const ViewingOptions& options);

}  // namespace client

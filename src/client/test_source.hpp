// SPDX-License-Identifier: Apache-2.0
#pragma once
// The built-in test picture and tone, encoded as they are asked for: H.264 constrained baseline and Opus.

#include <memory>

#include "base/result.hpp"
#include "base/time.hpp"
#include "client/media_source.hpp"

namespace client {

struct TestOptions {
  int width = 640;
  int height = 360;
  int rate = 25;
  int bitrate_kbps = 800;
  bool sound = true;
  base::Duration key_frame_interval = std::chrono::seconds(2);
  // The burnt-in clock shows this plus the media time (UTC, hours to milliseconds).
  base::WallTime clock_start{};
};

// Endless. Obeys request_key_frame(). About 2 ms of CPU a picture.
base::Result<std::unique_ptr<MediaSource>> make_test_source(const TestOptions& options);

// The first `length` of a test source, to be repeated by many cameras.
base::Result<std::shared_ptr<MediaLoop>> make_test_loop(const TestOptions& options, base::Duration length);

}  // namespace client

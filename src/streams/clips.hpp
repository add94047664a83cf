// SPDX-License-Identifier: Apache-2.0
#pragma once
// Clips of a recording as one MP4 (GetClip, contract 6).

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async/disk_worker.hpp"
#include "async/task.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "streams/playback.hpp"

namespace streams {

struct ClipRequest {
  TimeAxis axis = TimeAxis::Server;
  base::WallTime from;  // start times of fragments, both inclusive
  base::WallTime to;
};

struct ClipLimits {
  std::size_t fragments = 200;
  std::uint64_t bytes = 100'000'000;  // of the fragments, as stored; the first one is always given
  std::size_t configurations = 0;     // of the codecs, one after the other; 0: no limit
};

// A finished clip. Its file has no name any more and goes with this object.
class Clip {
 public:
  virtual ~Clip() = default;
  virtual std::uint64_t size() const = 0;  // bytes
  // The bytes from `offset` on, at most `most`; empty at the end. Blocks: on a disk worker.
  virtual base::Result<base::Bytes> read(std::uint64_t offset, std::size_t most) const = 0;
};

// Any thread; owned by the process.
class Clips {
 public:
  // `directory`: for files that are being written. Made if missing; what an earlier process left there is removed.
  // Muxing runs on `workers`.
  Clips(Playback& playback, async::DiskWorker& workers, std::string directory, ClipLimits limits);

  // The first fragments of the window, up to the limits. NotFound when there are none; LimitExceeded: too many
  // configurations.
  async::Task<base::Result<std::vector<StoredFragment>>> choose(FragmentLogPtr log, ClipRequest request) const;
  // What was chosen, with its index in front. Unsupported names a codec that MP4 cannot hold, or tracks that change in
  // between.
  async::Task<base::Result<std::unique_ptr<Clip>>> make(FragmentLogPtr log, std::vector<StoredFragment> fragments);

 private:
  Playback& playback_;
  async::DiskWorker& workers_;
  const std::string directory_;
  const ClipLimits limits_;
  std::atomic<std::uint64_t> made_ = 0;  // for distinct names
};

}  // namespace streams

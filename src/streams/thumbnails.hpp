// SPDX-License-Identifier: Apache-2.0
#pragma once
// One small picture of each stream that somebody looks at, made anew at most every ten seconds, however many look.

#include <map>
#include <memory>
#include <mutex>

#include "streams/images.hpp"

namespace streams {

struct Thumbnail {
  base::WallTime time;  // of the picture, on the producer's clock
  base::Bytes jpeg;
};
using ThumbnailPtr = std::shared_ptr<const Thumbnail>;

// Any thread; owned by the process. Keeps the pictures of the streams that were asked for last, kMostStreams at most.
class Thumbnails {
 public:
  static constexpr base::Duration kFreshFor = std::chrono::seconds(10);
  static constexpr std::size_t kMostStreams = 1024;
  static constexpr std::uint32_t kWidth = 384;

  // Decoding runs on `workers`. Both outlive this.
  Thumbnails(Playback& playback, async::DiskWorker& workers) : playback_(playback), workers_(workers) {}

  // The newest key frame that is stored. While one call makes a new picture, others get the one before. NotFound when
  // nothing is stored; Corrupt or Unsupported when it cannot be decoded.
  async::Task<base::Result<ThumbnailPtr>> find(FragmentLogPtr log, base::Instant now);

 private:
  struct Entry {
    ThumbnailPtr thumbnail;
    FragmentNumber number;      // of the fragment that it is from
    base::Instant asked{};      // last
    base::Instant fresh_until;  // for the next call to make it anew
  };

  // What there is for a call that need not make one.
  ThumbnailPtr find_kept(StreamKey stream, FragmentNumber newest, base::Instant now);
  void keep(StreamKey stream, Entry entry);
  async::Task<base::Result<ThumbnailPtr>> make(FragmentLogPtr log, StoredFragment fragment);

  Playback& playback_;
  async::DiskWorker& workers_;
  std::mutex mutex_;
  std::map<StreamKey, Entry> entries_;
};

}  // namespace streams

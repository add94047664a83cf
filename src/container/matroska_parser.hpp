// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reads one Matroska document that is whole in memory: a stored fragment, or a producer's.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "container/matroska.hpp"

namespace container {

// One frame of a SimpleBlock or BlockGroup; `payload` points into the parsed bytes.
struct Block {
  std::uint32_t track = 0;
  bool key_frame = false;
  std::int64_t timestamp_ns = 0;   // cluster and block timestamp times the scale, as the document says
  base::WallTime time{};           // exact time of a fragment of ours; else timestamp_ns rounded to microseconds
  std::int64_t rtp_timestamp = 0;  // exact RTP time of a fragment of ours; else 0
  base::ByteView payload;
};

// Where an element that GetMedia repeats byte for byte lies in the input.
struct ByteRange {
  std::size_t offset = 0;
  std::size_t size = 0;
};

struct MatroskaDocument {
  std::vector<Track> tracks;
  std::vector<Block> blocks;  // in document order
  std::vector<Tag> tags;
  bool has_exact_times = false;  // written by MatroskaFragmentWriter
  base::WallTime start{};        // exact times of a fragment of ours; else first block and last block
  base::WallTime end{};
  std::uint64_t timestamp_scale_ns = 1'000'000;
  std::int64_t cluster_ns = 0;  // the timestamp of the first cluster
  std::size_t size = 0;         // bytes of the input this document took; the next document starts there

  const Track* find_track(std::uint32_t number) const;
  const Track* find_video() const;  // the first video track, or nullptr
};

struct MatroskaLimits {
  std::size_t tracks = 64;
  std::size_t blocks = 200'000;
  std::size_t tags = 1'000;
  std::size_t codec_private_bytes = 64 * 1024;
};

// Sizes are checked against the input before anything is allocated. Known and unknown sizes of Segment and Cluster
// are accepted; unknown elements are skipped; EBML lacing, Xiph lacing and fixed lacing are refused. Stops at the
// next EBML header. Fails with Corrupt.
base::Result<MatroskaDocument> parse_matroska(base::ByteView bytes, const MatroskaLimits& limits = {});

}  // namespace container

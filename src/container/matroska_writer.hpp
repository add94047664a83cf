// SPDX-License-Identifier: Apache-2.0
#pragma once
// Writes one stored fragment as a self-contained Matroska document.

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "container/matroska.hpp"

namespace container {

// Times of one frame. `time` is its place on the stream's timeline (UTC, the producer's clock as the recorder maps
// it), `rtp_timestamp` the unwrapped RTP time in the track's own clock. Both are kept exactly.
struct FrameTiming {
  std::uint32_t track = 0;
  bool key_frame = false;
  base::WallTime time{};
  std::int64_t rtp_timestamp = 0;
};

// Collects the frames of one fragment and writes the document when the fragment closes. Owned by the recorder,
// not shared. The whole fragment is in memory (at most 50 MB, the recorder's limit); payloads are copied once, by
// finish(), into a buffer that is as large as the document.
//
//   MatroskaFragmentWriter writer(start);
//   TRY_VOID(writer.add(timing, frame.payload)); ...
//   Bytes document = writer.finish(tracks, end, tags);
class MatroskaFragmentWriter {
 public:
  // `start` is the time of the first frame; the cluster's timestamp is its millisecond.
  explicit MatroskaFragmentWriter(base::WallTime start);

  // Frames of one track come in decode order; tracks may interleave in any order. Fails (InvalidArgument) for a
  // time more than 32 s from `start`, which a block cannot express, or a track number outside 1..126. `payload` is
  // only looked at: it stays where it is until finish().
  base::Result<void> add(const FrameTiming& timing, base::ByteView payload);

  void reserve(std::size_t frames);
  std::size_t frame_count() const { return blocks_.size(); }

  // `end` is where the fragment ends on the timeline: the start of the next one when that follows without a gap,
  // else the last frame's time and its likely duration. Every track that has frames is in `tracks`; a track
  // without frames may be (once audio was negotiated its track is always there). Leaves the writer empty.
  base::Bytes finish(std::span<const Track> tracks, base::WallTime end, std::span<const Tag> tags = {});

 private:
  struct Block {
    std::uint32_t track;
    bool key_frame;
    std::int16_t relative_ms;
    base::ByteView payload;
  };
  std::size_t size_of_blocks() const;

  base::WallTime start_;
  std::vector<Block> blocks_;
  base::Bytes timings_;
  FrameTiming last_[127] = {};
};

// The tags of contract 4.3, each as a whole Tags element.
struct FragmentTags {
  std::string_view fragment_number;  // 47 digits
  base::WallTime server_time{};
  base::WallTime producer_time{};
};
// The element before the cluster. With `side_names` the names of GetMediaForFragmentList's page are added.
base::Bytes write_fragment_tags(const FragmentTags& tags, bool side_names = false);
// The element after the cluster.
base::Bytes write_continuation_tags(std::string_view fragment_number, std::int64_t millis_behind_now);
// An error inside a running GetMedia answer (contract 4.3), as a Tags element.
base::Bytes write_error_tags(int error_id, std::string_view error_code);

// The same inside GetMediaForFragmentList, where it names the fragment that is missing.
base::Bytes write_exception_tags(std::string_view fragment_number, int error_code, std::string_view message);

// A document for GetMedia: EBML header, Segment of unknown size, Info, Tracks, then `before`, one Cluster of known
// size with the frames, then `after`. `before` and `after` are whole Tags elements. Frames are in the order given; the
// cluster's timestamp is `start`, and frames lie within 32 s of it (sound may begin a little earlier).
struct DocumentFrame {
  std::uint32_t track = 0;
  bool key_frame = false;
  base::WallTime time{};
  base::ByteView payload;
};
base::Bytes write_get_media_document(std::span<const Track> tracks, base::WallTime start,
                                     std::span<const DocumentFrame> frames, base::ByteView before,
                                     base::ByteView after);

}  // namespace container

// SPDX-License-Identifier: Apache-2.0
#pragma once
// From the times of the recording to those of one file.

#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "container/matroska_parser.hpp"
#include "streams/media_file.hpp"

namespace streams {

// The file begins at zero with the first fragment, and holes are taken out.
class FileClock {
 public:
  // The next fragment; what was cut out before it, if anything.
  std::optional<MediaFileCut> begin(base::WallTime start, base::WallTime end);
  // Of the fragment begun last.
  std::chrono::microseconds at(base::WallTime time) const { return time - offset_; }
  std::chrono::microseconds end() const { return end_; }

 private:
  bool started_ = false;
  base::WallTime offset_;            // the wall time of the file's zero
  std::chrono::microseconds end_{};  // of the fragment begun last
};

struct TimedFrame {
  std::chrono::microseconds shown{};
  std::chrono::microseconds decoded{};
  std::chrono::microseconds duration{};
  bool key_frame = false;
  base::Bytes parameter_sets;  // to stand before the payload: they differ from those in the file's head
  base::ByteView payload;
};

// One track of the file.
class FileTrack {
 public:
  explicit FileTrack(container::Track track) : track_(std::move(track)), in_effect_(track_.codec_private) {}

  const container::Track& track() const { return track_; }
  // The frames of one fragment. `shift` takes the document's times to the recording's.
  std::vector<TimedFrame> place(std::span<const container::Block* const> blocks, const container::Track& from,
                                const FileClock& clock, std::chrono::microseconds shift);

 private:
  std::vector<TimedFrame> place_video(std::span<const container::Block* const> blocks, const FileClock& clock,
                                      std::chrono::microseconds shift, const base::Bytes& parameter_sets);
  std::vector<TimedFrame> place_audio(std::span<const container::Block* const> blocks, const FileClock& clock,
                                      std::chrono::microseconds shift);

  container::Track track_;
  base::Bytes in_effect_;  // the codec private data that a decoder of the file has by now
  std::optional<std::chrono::microseconds> last_decoded_;
  std::int64_t next_sample_ = 0;  // AAC: where the last frame ended
};

}  // namespace streams

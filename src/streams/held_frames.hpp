// SPDX-License-Identifier: Apache-2.0
#pragma once
// Frames in memory, their payloads one after the other in chunks: nothing is allocated per frame, and hardly more is
// held than there is.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/prefetch.hpp"
#include "base/time.hpp"

namespace streams {

// Its time may still change while the participant's timeline is not settled.
struct HeldFrame {
  std::int64_t rtp = 0;
  std::uint32_t rate = 0;
  bool key_frame = false;
  base::WallTime time;
  // Of the HeldFrames that it lies in: the payload, and which chunk that is in.
  std::uint32_t chunk = 0;
  std::uint32_t size = 0;
  const std::uint8_t* payload = nullptr;
};

// In order of arrival. A value that moves, after which the one that was moved from is only destroyed or assigned; views
// of payloads hold until their frame is dropped.
class HeldFrames {
 public:
  // A payload that is larger has a chunk of its own.
  static constexpr std::size_t kChunk = std::size_t{16} << 10U;

  void reserve(std::size_t count) { frames_.reserve(count); }
  void push(HeldFrame frame, base::ByteView payload);
  // What push() writes to.
  void prefetch() const {
    base::prefetch(frames_.data() + frames_.size(), sizeof(HeldFrame));
    base::prefetch(free_, kPrefetched);
  }
  void drop_front();
  // Keeps the others in their order. `drops(const HeldFrame&)` is asked once for each.
  template <class Drops>
  void drop_if(Drops drops) {
    std::size_t kept = 0;
    for (std::size_t i = first_; i < frames_.size(); ++i) {
      if (drops(frames_[i])) {
        bytes_ -= frames_[i].size;
      } else {
        frames_[kept++] = frames_[i];
      }
    }
    frames_.resize(kept);
    first_ = 0;
    free_chunks();
  }

  bool empty() const { return first_ == frames_.size(); }
  std::size_t size() const { return frames_.size() - first_; }
  std::size_t bytes() const { return bytes_; }
  // What the chunks take.
  std::size_t room() const;
  std::span<HeldFrame> frames() { return std::span(frames_).subspan(first_); }
  std::span<const HeldFrame> frames() const { return std::span(frames_).subspan(first_); }
  HeldFrame& front() { return frames_[first_]; }
  const HeldFrame& front() const { return frames_[first_]; }
  HeldFrame& back() { return frames_.back(); }
  const HeldFrame& back() const { return frames_.back(); }
  static base::ByteView payload(const HeldFrame& frame) { return {frame.payload, frame.size}; }

 private:
  struct Chunk {
    std::uint32_t number = 0;
    std::size_t size = 0;
    std::unique_ptr<std::uint8_t[]> bytes;
  };
  static constexpr std::size_t kPrefetched = 192;  // a packet of sound, or the beginning of a picture
  void add_chunk(std::size_t size);
  void free_chunks();

  std::vector<HeldFrame> frames_;
  std::vector<Chunk> chunks_;     // in the order of their frames; the last one is being filled
  std::uint8_t* free_ = nullptr;  // the rest of the last chunk
  std::size_t free_size_ = 0;
  std::size_t bytes_ = 0;
  std::size_t first_ = 0;  // frames that are dropped and still here
  std::uint32_t next_chunk_ = 0;
};

}  // namespace streams

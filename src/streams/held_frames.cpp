// SPDX-License-Identifier: Apache-2.0
#include "streams/held_frames.hpp"

#include <algorithm>
#include <cstring>

namespace streams {

void HeldFrames::add_chunk(std::size_t size) {
  chunks_.push_back({next_chunk_++, size, std::make_unique_for_overwrite<std::uint8_t[]>(size)});
  free_ = chunks_.back().bytes.get();
  free_size_ = size;
}

void HeldFrames::push(HeldFrame frame, base::ByteView payload) {
  if (free_ == nullptr || free_size_ < payload.size()) add_chunk(std::max(kChunk, payload.size()));
  if (!payload.empty()) std::memcpy(free_, payload.data(), payload.size());
  frame.chunk = next_chunk_ - 1;
  frame.payload = free_;
  frame.size = static_cast<std::uint32_t>(payload.size());
  free_ += payload.size();
  free_size_ -= payload.size();
  bytes_ += payload.size();
  frames_.push_back(frame);
}

void HeldFrames::drop_front() {
  bytes_ -= frames_[first_].size;
  const bool was_last_of_chunk = first_ + 1 == frames_.size() || frames_[first_ + 1].chunk != frames_[first_].chunk;
  ++first_;
  if (first_ > frames_.size() / 2) {  // moved up, so that each moves once on the average
    drop_if([](const HeldFrame&) { return false; });
  } else if (was_last_of_chunk) {
    free_chunks();
  }
}

std::size_t HeldFrames::room() const {
  std::size_t room = 0;
  for (const Chunk& chunk : chunks_) room += chunk.size;
  return room;
}

// Those without a frame. The one that is being filled stays, and is filled anew from its beginning, unless it was made
// for a single large payload.
void HeldFrames::free_chunks() {
  auto frame = frames_.begin() + static_cast<std::ptrdiff_t>(first_);
  std::erase_if(chunks_, [&](const Chunk& chunk) {
    const bool used = frame != frames_.end() && frame->chunk == chunk.number;
    while (frame != frames_.end() && frame->chunk == chunk.number) ++frame;
    if (used) return false;
    const bool is_filled = chunk.number + 1 == next_chunk_;
    const bool stays = is_filled && chunk.size == kChunk;
    if (is_filled) free_ = stays ? chunk.bytes.get() : nullptr;
    if (is_filled) free_size_ = stays ? kChunk : 0;
    return !stays;
  });
}

}  // namespace streams

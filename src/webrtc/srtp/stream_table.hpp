// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "webrtc/srtp/profile.hpp"

namespace webrtc::srtp {

// State per SSRC, at most kMaxStreams of them, found by looking through a handful of entries.
template <class State>
class StreamTable {
 public:
  State* find(std::uint32_t ssrc) {
    for (Entry& entry : entries_) {
      if (entry.ssrc == ssrc) return &entry.state;
    }
    return nullptr;
  }
  // nullptr if the table is full. Pointers of earlier calls become invalid.
  State* add(std::uint32_t ssrc) {
    if (entries_.size() == kMaxStreams) return nullptr;
    ssrcs_.push_back(ssrc);
    return &entries_.emplace_back(ssrc, State{}).state;
  }
  // Of the first streams, which carry the media. First where each is, then what of its state the next packet looks at.
  void prefetch() const {
    for (std::size_t i = 0; i < entries_.size() && i < 2; ++i) __builtin_prefetch(&entries_[i]);
  }
  void prefetch_states() const {
    for (std::size_t i = 0; i < entries_.size() && i < 2; ++i) entries_[i].state.prefetch();
  }

  // In the order in which they were added; none ever goes.
  std::span<const std::uint32_t> ssrcs() const { return ssrcs_; }

 private:
  struct Entry {
    std::uint32_t ssrc;
    State state;
  };
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> ssrcs_;  // of entries_, side by side
};

}  // namespace webrtc::srtp

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "webrtc/srtp/profile.hpp"

namespace webrtc::srtp {

// State per SSRC, at most kMaxStreams of them, found by looking through a handful of numbers.
template <class State>
class StreamTable {
 public:
  State* find(std::uint32_t ssrc) {
    for (std::size_t i = 0; i < ssrcs_.size(); ++i) {
      if (ssrcs_[i] == ssrc) return &states_[i];
    }
    return nullptr;
  }
  // nullptr if the table is full. Pointers of earlier calls become invalid.
  State* add(std::uint32_t ssrc) {
    if (ssrcs_.size() == kMaxStreams) return nullptr;
    ssrcs_.push_back(ssrc);
    return &states_.emplace_back();
  }

 private:
  std::vector<std::uint32_t> ssrcs_;
  std::vector<State> states_;
};

}  // namespace webrtc::srtp

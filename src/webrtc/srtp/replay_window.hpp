// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "webrtc/srtp/profile.hpp"

namespace webrtc::srtp {

// Which packet indices of one stream were opened before (RFC 3711 3.3.2): the highest and the kReplayWindow - 1
// below it.
class ReplayWindow {
 public:
  enum class Verdict { Fresh, Replayed, TooOld };

  Verdict check(std::uint64_t index) const;
  // Only after the packet proved authentic, and only if check() said Fresh.
  void accept(std::uint64_t index);
  bool empty() const { return !started_; }
  std::uint64_t highest() const { return highest_; }
  // Of the bits that the next packets set.
  void prefetch() const { __builtin_prefetch(&words_[word_of(highest_ + 1)]); }

 private:
  static_assert(kReplayWindow % 64 == 0);
  bool seen(std::uint64_t index) const { return (words_[word_of(index)] >> (index % 64) & 1) != 0; }
  static std::size_t word_of(std::uint64_t index) { return index / 64 % (kReplayWindow / 64); }
  void advance(std::uint64_t index);

  std::uint64_t highest_ = 0;
  bool started_ = false;
  std::array<std::uint64_t, kReplayWindow / 64> words_{};  // a ring: bit i is index i modulo kReplayWindow
};

}  // namespace webrtc::srtp

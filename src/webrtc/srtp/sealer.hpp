// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sending direction of SRTP and SRTCP.

#include <memory>

#include "base/bytes.hpp"
#include "webrtc/srtp/profile.hpp"

namespace webrtc::srtp {

// Encrypts in place and appends the tag. One per peer, on the peer's shard; contexts are keyed once, here.
//
// A sequence number sealed twice must have the same bytes both times (a repair without RTX repeats the identical
// packet): two different packets under one index would break the cipher.
class Sealer {
 public:
  Sealer(Profile profile, base::ByteView master_key, base::ByteView master_salt, Engine engine = Engine::Best);
  ~Sealer();
  Sealer(Sealer&&) noexcept;
  Sealer& operator=(Sealer&&) noexcept;

  // False if `packet` is no RTP (RTCP) packet or kMaxStreams SSRCs are in use already; it is then unchanged.
  // Packets of one SSRC come in order, except repairs at most 2^15 behind.
  [[nodiscard]] bool seal_rtp(base::Bytes& packet);
  // The same where the packet lies: `packet` ends with tag_size(profile) bytes for the tag.
  [[nodiscard]] bool seal_rtp_in_place(base::MutableByteView packet);
  [[nodiscard]] bool seal_rtcp(base::Bytes& packet);
  Profile profile() const;

  // As Opener's.
  void prefetch_state() const;
  void prefetch_keys() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace webrtc::srtp

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The receiving direction of SRTP and SRTCP.

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.hpp"
#include "webrtc/srtp/profile.hpp"

namespace webrtc::srtp {

struct OpenStats {
  std::uint64_t opened = 0;
  std::uint64_t malformed = 0;         // shorter than its own header says
  std::uint64_t replayed = 0;          // this index was opened before (duplicates of the network, needless repairs)
  std::uint64_t too_old = 0;           // behind the replay window
  std::uint64_t not_authentic = 0;     // the tag is wrong
  std::uint64_t too_many_streams = 0;  // authentic, but kMaxStreams SSRCs are known already
};

// Authenticates and decrypts in place. One per peer, on the peer's shard; contexts are keyed once, here.
class Opener {
 public:
  // Keys of the sizes in profile.hpp (kKeySize, salt_size), as DTLS exported them.
  Opener(Profile profile, base::ByteView master_key, base::ByteView master_salt, Engine engine = Engine::Best);
  ~Opener();
  Opener(Opener&&) noexcept;
  Opener& operator=(Opener&&) noexcept;

  // The plain packet, a prefix of `packet`; nothing if it was dropped (and counted). A dropped packet's bytes are
  // undefined afterwards.
  std::optional<base::MutableByteView> open_rtp(base::MutableByteView packet);
  std::optional<base::MutableByteView> open_rtcp(base::MutableByteView packet);

  // Fetch into the cache what the next packet needs: first the state, then, when that is there, what it points to.
  void prefetch_state() const;
  void prefetch_keys() const;
  void prefetch_windows() const;

  // Of the RTP packets that were opened, in the order in which each was first heard; good until the next call.
  std::span<const std::uint32_t> rtp_ssrcs() const;
  const OpenStats& rtp_stats() const;
  const OpenStats& rtcp_stats() const;

 private:
  friend class OpenBatch;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace webrtc::srtp

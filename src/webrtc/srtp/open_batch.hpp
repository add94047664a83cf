// SPDX-License-Identifier: Apache-2.0
#pragma once
// The RTP packets of a tick, of many peers, opened together.

#include <span>
#include <vector>

#include "webrtc/srtp/cm_lanes.hpp"
#include "webrtc/srtp/opener.hpp"

namespace webrtc::srtp {

// Gives what Opener::open_rtp() of each packet, one after the other, would give, for less: HMAC-SHA1 is computed for
// many packets at once. (Only a forgery of a packet in the same batch may be counted as what the other one is: replayed
// or not authentic.) AES-GCM gains nothing by that and is opened as it comes. One per shard; its buffers are reused.
class OpenBatch {
 public:
  OpenBatch();
  ~OpenBatch();
  OpenBatch(const OpenBatch&) = delete;
  OpenBatch& operator=(const OpenBatch&) = delete;

  // `opener` and the packet's bytes stay where they are until open() returns. The packets of one stream come in order.
  void add(Opener& opener, base::MutableByteView packet);
  void open();
  // After open(), in the order of add(): the plain packet, or nothing where one was dropped (and counted).
  std::span<const base::ByteView> packets() const { return packets_; }
  std::size_t size() const { return packets_.size(); }
  void clear();

 private:
  struct Waiting;
  void open_some(std::span<const Waiting> some);

  std::vector<base::ByteView> packets_;
  std::vector<Waiting> waiting_;
  std::vector<CmLaneJob> jobs_;
};

}  // namespace webrtc::srtp

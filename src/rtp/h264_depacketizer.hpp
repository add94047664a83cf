// SPDX-License-Identifier: Apache-2.0
#pragma once
// RTP payloads of RFC 6184 (non-interleaved mode) into access units.

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"
#include "codecs/frame.hpp"

namespace rtp {

// One payload in sequence order, as the reorder buffer hands it on.
struct OrderedPayload {
  std::int64_t timestamp = 0;  // unwrapped
  bool marker = false;
  base::ByteView bytes;
  base::Instant arrived{};
};

struct DepacketizedFrame {
  bool whole = true;  // false: a part was lost or malformed, and `frame` is empty
  codecs::Frame frame;
  std::int64_t timestamp = 0;
  base::Instant arrived{};  // of the packet that came first
};

// Takes single NAL units, STAP-A and FU-A. An access unit ends at the marker, or where the timestamp changes; a sender
// that sets the marker elsewhere is noticed and its markers are ignored from then on. Parameter sets sent ahead of
// their picture under a timestamp of their own join that picture. Owned by a Receiver.
class H264Depacketizer {
 public:
  // `buffers`: where access units are gathered; may be null.
  explicit H264Depacketizer(std::shared_ptr<base::BufferPool> buffers = nullptr) : buffers_(std::move(buffers)) {}

  // Appends the access units that end with or before this payload: none, one, or two.
  void push(const OrderedPayload& payload, std::vector<DepacketizedFrame>& out);
  // Packets before the next payload are missing for good.
  void lose();
  // No more payloads: an access unit that only lacked its marker is complete.
  void finish(std::vector<DepacketizedFrame>& out);

  // A part of an access unit is here.
  bool is_open() const { return open_; }

  // Payloads refused since the last call.
  std::uint64_t take_malformed();
  // True for a payload that no packet of the same access unit precedes: an AUD, or an aggregate that starts with one
  // or with an SPS.
  static bool surely_starts_access_unit(base::ByteView payload);

 private:
  void begin(const OrderedPayload& payload, bool after_loss);
  void complete(std::vector<DepacketizedFrame>& out);
  void append(base::ByteView payload);
  void append_single(base::ByteView nal);
  void append_aggregate(base::ByteView payload);
  void append_fragment(base::ByteView payload);
  void note_nal(std::uint8_t nal_header);
  void reject();
  bool fits(std::size_t bytes);

  std::shared_ptr<base::BufferPool> buffers_;
  base::Bytes unit_;
  std::int64_t timestamp_ = 0;
  base::Instant arrived_{};
  std::optional<std::size_t> fragment_at_;  // offset of the length of the NAL unit whose fragments are coming
  std::optional<std::int64_t> ended_by_marker_;
  bool open_ = false;
  bool broken_ = false;
  bool has_slice_ = false;
  bool has_idr_ = false;
  bool has_sei_ = false;
  bool loss_pending_ = false;
  bool trust_marker_ = true;
  std::size_t expected_size_ = 0;  // of the next access unit: as the last one that was no key frame
  std::uint64_t malformed_ = 0;
};

}  // namespace rtp

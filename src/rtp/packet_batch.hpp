// SPDX-License-Identifier: Apache-2.0
#pragma once
// Outgoing packets, written one after the other into one buffer that is allocated once for all of them.

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace rtp {

// Each packet is followed by `room` bytes for what will protect it, so that it can be sealed where it lies.
class PacketBatch {
 public:
  struct Place {
    std::size_t begin;
    std::size_t size;  // without the room
  };

  explicit PacketBatch(std::size_t room = 0) : room_(room) {}

  std::size_t room() const { return room_; }
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }
  // The packet that is being written is appended here; end_packet() says that it is whole.
  base::Bytes& bytes() { return bytes_; }
  std::size_t begin_of_packet() const { return begin_; }
  void end_packet() {
    places_.push_back({begin_, bytes_.size() - begin_});
    bytes_.resize(bytes_.size() + room_);
    begin_ = bytes_.size();
  }

  std::span<const Place> places() const { return places_; }
  base::ByteView packet(const Place& place) const { return base::ByteView(bytes_).subspan(place.begin, place.size); }
  base::MutableByteView with_room(const Place& place) {
    return base::MutableByteView(bytes_).subspan(place.begin, place.size + room_);
  }

  void clear() {
    bytes_.clear();
    places_.clear();
    begin_ = 0;
  }
  // Hands over the buffer; the batch is empty then.
  base::Bytes take() {
    places_.clear();
    begin_ = 0;
    return std::exchange(bytes_, {});
  }

 private:
  std::size_t room_;
  base::Bytes bytes_;
  std::vector<Place> places_;
  std::size_t begin_ = 0;
};

}  // namespace rtp

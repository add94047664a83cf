// SPDX-License-Identifier: Apache-2.0
#pragma once
// Datagrams on a byte stream, each with its length before it in 16 bits (RFC 4571 2). No sockets here.

#include <cstddef>
#include <optional>

#include "base/bytes.hpp"

namespace net {

// Cuts the datagrams out of what a stream gives. Ask next() until it gives nothing, then fill space() and add().
class DatagramCutter {
 public:
  // As UdpPort::kMaxDatagram: a longer one is no media, and the stream is bad from there on.
  static constexpr std::size_t kMaxDatagram = 2048;

  // Where the next bytes of the stream go; never empty once next() has given nothing.
  base::MutableByteView space();
  // So many of them are there now.
  void add(std::size_t bytes);

  // The next whole datagram, in place: good until space(), and may be changed. Empty ones are skipped.
  std::optional<base::MutableByteView> next();
  // The same datagram, to be given by next() again.
  std::optional<base::ByteView> peek();
  // A length was over kMaxDatagram: there is no way to find the next one.
  bool is_bad() const { return is_bad_; }

 private:
  bool has_whole_datagram();

  base::Bytes buffer_ = base::Bytes(std::size_t{8} * kMaxDatagram);
  std::size_t begin_ = 0;  // of the first length not yet given
  std::size_t end_ = 0;
  std::size_t length_ = 0;  // of the datagram that has_whole_datagram() found
  bool is_bad_ = false;
};

// Appends the length and the datagram. CHECKs that it has at most 65,535 bytes.
void append_framed(base::Bytes& out, base::ByteView datagram);

}  // namespace net

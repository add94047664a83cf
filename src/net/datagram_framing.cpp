// SPDX-License-Identifier: Apache-2.0
#include "net/datagram_framing.hpp"

#include <cstring>

#include "base/check.hpp"

namespace net {
namespace {

constexpr std::size_t kLengthBytes = 2;

}  // namespace

base::MutableByteView DatagramCutter::space() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return base::MutableByteView(buffer_).subspan(end_);
}

void DatagramCutter::add(std::size_t bytes) {
  CHECK(bytes <= buffer_.size() - end_);
  end_ += bytes;
}

bool DatagramCutter::has_whole_datagram() {
  while (!is_bad_ && end_ - begin_ >= kLengthBytes) {
    length_ = std::size_t{buffer_[begin_]} << 8 | buffer_[begin_ + 1];
    if (length_ == 0) {
      begin_ += kLengthBytes;
      continue;
    }
    is_bad_ = length_ > kMaxDatagram;
    return !is_bad_ && end_ - begin_ >= kLengthBytes + length_;
  }
  return false;
}

std::optional<base::MutableByteView> DatagramCutter::next() {
  if (!has_whole_datagram()) return std::nullopt;
  const auto datagram = base::MutableByteView(buffer_).subspan(begin_ + kLengthBytes, length_);
  begin_ += kLengthBytes + length_;
  return datagram;
}

std::optional<base::ByteView> DatagramCutter::peek() {
  if (!has_whole_datagram()) return std::nullopt;
  return base::ByteView(buffer_).subspan(begin_ + kLengthBytes, length_);
}

void append_framed(base::Bytes& out, base::ByteView datagram) {
  CHECK(datagram.size() <= 0xffff);
  out.push_back(static_cast<std::uint8_t>(datagram.size() >> 8));
  out.push_back(static_cast<std::uint8_t>(datagram.size() & 0xff));
  base::append(out, datagram);
}

}  // namespace net

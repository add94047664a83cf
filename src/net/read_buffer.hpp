// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the net room: bytes received and not yet parsed.

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/bytes.hpp"

namespace net {

// Its memory is taken at the first read and given back when empty between messages. Most connections wait for their
// next message most of the time: what waits for its beginning has room for a usual request, and no more.
class ReadBuffer {
 public:
  static constexpr std::size_t kFirstRead = std::size_t{2} * 1024;
  static constexpr std::size_t kReadSize = std::size_t{16} * 1024;

  base::ByteView view() const { return base::ByteView(storage_).subspan(begin_, end_ - begin_); }
  std::size_t size() const { return end_ - begin_; }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Room for one read; commit() says how much of it was filled.
  base::MutableByteView prepare() {
    if (begin_ > 0) {
      std::memmove(storage_.data(), storage_.data() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    }
    if (storage_.empty()) {
      storage_.resize(kFirstRead);
    } else if (storage_.size() - end_ < kReadSize / 2) {
      storage_.resize(end_ + kReadSize);
    }
    return base::MutableByteView(storage_).subspan(end_);
  }
  void commit(std::size_t count) { end_ += count; }
  void release_if_empty() {
    if (size() == 0) base::Bytes().swap(storage_);
  }

 private:
  base::Bytes storage_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace net

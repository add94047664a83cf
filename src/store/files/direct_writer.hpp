// SPDX-License-Identifier: Apache-2.0
#pragma once
// Large writes that go around the page cache.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "store/files/descriptor.hpp"

namespace store {

// Of one file that is open for writing elsewhere; used by its writer only. A server that records a thousand cameras
// writes a page and hardly ever reads it again from there, so that finding, filling and giving back pages of the cache
// is most of what its disk costs the processor. Small groups of records go through the cache: they are cheap, and on a
// small server what is played is found there.
//
// Pieces are gathered in a buffer of its own, since their addresses and sizes are none that a device takes, and only
// whole blocks of them are written. What is written is durable by the fdatasync of the file, as ever.
class DirectWriter {
 public:
  static constexpr std::size_t kAlignment = 4096;       // of offsets, sizes and memory: what any disk here takes
  static constexpr std::size_t kLeast = 512U << 10U;    // bytes
  static constexpr std::size_t kAtOnce = 1024U << 10U;  // bytes

  explicit DirectWriter(std::string path) : path_(std::move(path)) {}

  // How much of `pieces` was written, as by pwritev, or -1 with errno: at most kAtOnce, and of a last block that is not
  // full nothing. No value when this is not to be written here: it is less than kLeast and not the rest of a
  // group that began here, or it does not begin at a block, or the file system has no such writes.
  std::optional<std::int64_t> write_at(std::uint64_t offset, std::span<const base::ByteView> pieces);

  // What is written from now on is another group's.
  void end_group() { group_so_far_.reset(); }

 private:
  struct Free {
    void operator()(std::uint8_t* memory) const;
  };
  bool is_open();
  std::size_t gather(std::span<const base::ByteView> pieces);

  std::string path_;
  std::optional<Descriptor> file_;  // from the first write on, unless such writes are refused
  bool is_refused_ = false;
  std::optional<std::uint64_t> group_so_far_;  // to where it was written here
  std::unique_ptr<std::uint8_t[], Free> buffer_;
};

}  // namespace store

// SPDX-License-Identifier: Apache-2.0
#include "store/files/direct_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/check.hpp"

namespace store {

void DirectWriter::Free::operator()(std::uint8_t* memory) const {
  std::free(memory);
}

bool DirectWriter::is_open() {
  if (file_ || is_refused_) return file_.has_value();
  const int fd = ::open(path_.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC);
  is_refused_ = fd < 0;
  if (is_refused_) return false;
  file_.emplace(fd);
  buffer_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(kAlignment, kAtOnce)));
  return true;
}

// As many as there is room for; how many bytes.
std::size_t DirectWriter::gather(std::span<const base::ByteView> pieces) {
  CHECK(buffer_ != nullptr);
  std::size_t size = 0;
  for (const base::ByteView piece : pieces) {
    const base::ByteView part = piece.first(std::min(piece.size(), kAtOnce - size));
    if (!part.empty()) std::memcpy(buffer_.get() + size, part.data(), part.size());
    size += part.size();
    if (size == kAtOnce) break;
  }
  return size;
}

std::optional<std::int64_t> DirectWriter::write_at(std::uint64_t offset, std::span<const base::ByteView> pieces) {
  if (offset % kAlignment != 0) return std::nullopt;
  std::size_t given = 0;
  for (const base::ByteView piece : pieces) given += piece.size();
  if (given < (offset == group_so_far_ ? kAlignment : kLeast) || !is_open()) return std::nullopt;
  const std::size_t whole_blocks = gather(pieces) / kAlignment * kAlignment;
  const ssize_t written = ::pwrite(file_->get(), buffer_.get(), whole_blocks, static_cast<off_t>(offset));
  if (written > 0) group_so_far_ = offset + static_cast<std::uint64_t>(written);
  if (written >= 0 || errno != EINVAL) return written;
  is_refused_ = true;  // this disk wants other sizes
  file_.reset();
  buffer_.reset();
  return std::nullopt;
}

}  // namespace store

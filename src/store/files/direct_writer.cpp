// SPDX-License-Identifier: Apache-2.0
#include "store/files/direct_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.hpp"

namespace store {

DirectWriter::~DirectWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void DirectWriter::Free::operator()(std::uint8_t* memory) const {
  std::free(memory);
}

bool DirectWriter::is_open() {
  if (fd_ >= 0 || is_refused_) return fd_ >= 0;
  fd_ = ::open(path_.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC);
  is_refused_ = fd_ < 0;
  if (!is_refused_) buffer_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(kAlignment, kAtOnce)));
  return !is_refused_;
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
  if (given < kLeast || !is_open()) return std::nullopt;
  const std::size_t size = gather(pieces);
  const std::size_t whole = (size + kAlignment - 1) / kAlignment * kAlignment;
  std::memset(buffer_.get() + size, 0, whole - size);
  while (true) {
    const ssize_t written = ::pwrite(fd_, buffer_.get(), whole, static_cast<off_t>(offset));
    if (written >= 0) return std::min(static_cast<std::int64_t>(written), static_cast<std::int64_t>(size));
    if (errno == EINTR) continue;
    if (errno != EINVAL) return -1;
    is_refused_ = true;  // this disk wants other sizes
    ::close(std::exchange(fd_, -1));
    buffer_.reset();
    return std::nullopt;
  }
}

}  // namespace store

// SPDX-License-Identifier: Apache-2.0
#include "ingest/raw_log.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.hpp"

namespace ingest {
namespace {

constexpr std::uint64_t kStep = 256 << 20;
constexpr std::size_t kPieces = 256;  // of one pwritev

}  // namespace

RawLog::RawLog(const std::string& path) : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600)) {
  CHECK(fd_ >= 0);
  thread_ = std::thread([this] { run(); });
}

RawLog::~RawLog() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
  close(fd_);
}

base::Bytes RawLog::append(base::Bytes fragment) {
  bytes_ += fragment.size();
  base::Bytes next;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(fragment));
    if (!spare_.empty()) {
      next = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  changed_.notify_one();
  next.clear();
  return next;
}

void RawLog::run() {
  std::vector<base::Bytes> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      for (base::Bytes& each : batch) spare_.push_back(std::move(each));
      batch.clear();
      changed_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      batch.swap(waiting_);
    }
    for (std::size_t at = 0; at < batch.size(); at += kPieces) {
      std::vector<iovec> pieces;
      std::uint64_t size = 0;
      for (std::size_t i = at; i < std::min(at + kPieces, batch.size()); ++i) {
        pieces.push_back({batch[i].data(), batch[i].size()});
        size += batch[i].size();
      }
      while (end_ + size > allocated_) {
        CHECK(posix_fallocate(fd_, static_cast<off_t>(allocated_), kStep) == 0);
        allocated_ += kStep;
      }
      CHECK(pwritev(fd_, pieces.data(), static_cast<int>(pieces.size()), static_cast<off_t>(end_)) ==
            static_cast<ssize_t>(size));
      end_ += size;
    }
    CHECK(fdatasync(fd_) == 0);
  }
}

}  // namespace ingest

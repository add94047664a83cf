// SPDX-License-Identifier: Apache-2.0
#pragma once
// One log file, one thread that writes it: what waits is written together and made durable by one fdatasync.

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.hpp"

namespace ingest {

class RawLog {
 public:
  explicit RawLog(const std::string& path);
  ~RawLog();
  RawLog(const RawLog&) = delete;
  RawLog& operator=(const RawLog&) = delete;

  // Gives back an empty buffer for the next fragment.
  base::Bytes append(base::Bytes fragment);
  std::uint64_t bytes() const { return bytes_; }

 private:
  void run();

  int fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<base::Bytes> waiting_;  // guarded, as the next two
  std::vector<base::Bytes> spare_;
  bool ended_ = false;
  std::uint64_t bytes_ = 0;
  std::uint64_t allocated_ = 0;
  std::uint64_t end_ = 0;
  std::thread thread_;
};

}  // namespace ingest

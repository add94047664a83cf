// SPDX-License-Identifier: Apache-2.0
#include "app/progress_bar.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/byte_count.hpp"

namespace app {
namespace {

constexpr int kCells = 30;

}  // namespace

ProgressBar::ProgressBar(std::string what, std::uint64_t all_bytes, bool quiet)
    : what_(std::move(what)),
      all_(std::max<std::uint64_t>(all_bytes, 1)),
      is_terminal_(::isatty(STDERR_FILENO) == 1),
      quiet_(quiet) {
  advance(0);
}

ProgressBar::~ProgressBar() {
  if (is_terminal_ && !quiet_) fmt::print(stderr, "\n");
}

void ProgressBar::advance(std::uint64_t bytes) {
  done_ += bytes;
  const int percent = static_cast<int>(std::min<std::uint64_t>(done_ * 100 / all_, 100));
  const int step = is_terminal_ ? 1 : 10;
  if (quiet_ || percent / step == shown_ / step) return;
  shown_ = percent;
  show(percent);
}

void ProgressBar::show(int percent) {
  if (!is_terminal_) {
    fmt::print(stderr, "{}: {} %\n", what_, percent);
    return;
  }
  const int full = percent * kCells / 100;
  fmt::print(stderr, "\r{} [{}{}] {:3} %  {} of {}  ", what_, std::string(static_cast<std::size_t>(full), '#'),
             std::string(static_cast<std::size_t>(kCells - full), ' '), percent, base::to_byte_count_text(done_),
             base::to_byte_count_text(all_));
  std::fflush(stderr);
}

}  // namespace app

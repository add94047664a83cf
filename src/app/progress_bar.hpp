// SPDX-License-Identifier: Apache-2.0
#pragma once
// How far a command is, on stderr: a bar that moves on a terminal, else one line for each tenth.

#include <cstdint>
#include <string>

namespace app {

class ProgressBar {
 public:
  // `what` names the work; nothing is shown when `quiet`.
  ProgressBar(std::string what, std::uint64_t all_bytes, bool quiet);
  ~ProgressBar();  // ends the line of a bar
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void advance(std::uint64_t bytes);

 private:
  void show(int percent);

  const std::string what_;
  const std::uint64_t all_;
  const bool is_terminal_;
  const bool quiet_;
  std::uint64_t done_ = 0;
  int shown_ = -100;
};

}  // namespace app

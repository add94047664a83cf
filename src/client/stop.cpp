// SPDX-License-Identifier: Apache-2.0
#include "client/stop.hpp"

#include <atomic>
#include <csignal>

namespace client {
namespace {

std::atomic<bool> stop_flag = false;

}  // namespace

bool is_stopped() {
  return stop_flag.load(std::memory_order_relaxed);
}
void request_stop() {
  stop_flag.store(true, std::memory_order_relaxed);
}
void clear_stop() {
  stop_flag.store(false, std::memory_order_relaxed);
}

void stop_on_signals() {
  const auto stop = [](int) { request_stop(); };
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
}

}  // namespace client

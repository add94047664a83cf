// SPDX-License-Identifier: Apache-2.0
#include "app/serve.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "app/server.hpp"
#include "base/log.hpp"

namespace app {
namespace {

// Blocks the signals in this thread and, because it comes first, in every thread that is started later; so they are
// delivered to sigwait() alone.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

}  // namespace

int run_serve(Configuration configuration) {
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t stop_signals = block_stop_signals();
  base::set_log_level(configuration.log_level);
  auto server = Server::start(std::move(configuration));
  if (!server) {
    fmt::print(stderr, "tidegate: {}\n", server.error().message);
    return 1;
  }
  for (const std::string& line : (*server)->greeting()) fmt::print("{}\n", line);
  std::fflush(stdout);

  int signal = 0;
  sigwait(&stop_signals, &signal);
  base::log_info("{}: finishing open fragments", signal == SIGTERM ? "SIGTERM" : "SIGINT");
  (*server)->stop();
  base::log_info("stopped");
  return 0;
}

}  // namespace app

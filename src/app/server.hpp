// SPDX-License-Identifier: Apache-2.0
#pragma once
// Everything that `tidegate serve` starts, in order, and stops in the opposite order.

#include <memory>
#include <string>
#include <vector>

#include "app/configuration.hpp"
#include "base/result.hpp"

namespace app {

// Made, started and stopped by the main thread.
class Server {
 public:
  // Opens the data directory, the media ports and the listeners; serves when it returns. Errors say what to do.
  static base::Result<std::unique_ptr<Server>> start(Configuration configuration);
  ~Server();

  // The lines a person needs after a start: addresses, where things are, and a new access key's secret (once).
  std::vector<std::string> greeting() const;

  // Stop accepting, send GO_AWAY, finish and commit open fragments. Blocks for at most some seconds.
  void stop();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace app

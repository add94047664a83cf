// SPDX-License-Identifier: Apache-2.0
#pragma once
// One HTTP request and its answer, by libcurl. Blocks: for threads that may.

#include <atomic>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace delivery {

struct HttpCall {
  std::string method;  // "PUT"
  std::string url;     // its path is sent as it stands
  std::vector<std::pair<std::string, std::string>> headers;
  base::Bytes body;
};

struct HttpAnswer {
  int status = 0;
  std::string body;  // its first kilobytes, for messages
};

struct HttpClientOptions {
  std::string ca_file;  // PEM; empty: the system's
  // A server that hangs must not hold a worker (a restarting object store does).
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
};

// Any thread; each keeps its own connection for the next call. Outlives the calls.
class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options);

  // Unavailable when there was no answer. Follows no redirects.
  base::Result<HttpAnswer> send(const HttpCall& call) const;
  // Calls under way and all later ones end with Cancelled within a second or two.
  void stop() { stopped_ = true; }

 private:
  HttpClientOptions options_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace delivery

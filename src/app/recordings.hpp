// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where the commands that read recordings take them from: a data directory, or a running server.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/recording_answers.hpp"
#include "api/session_answers.hpp"
#include "base/result.hpp"
#include "client/kvs_api.hpp"

namespace app {

struct StreamSummary {
  std::string name;
  std::string arn;
  std::uint32_t retention_hours = 0;
  // Only a data directory tells.
  std::optional<std::uint64_t> fragments;
  std::optional<std::uint64_t> bytes;
};

struct Window {
  std::optional<base::WallTime> from;
  std::optional<base::WallTime> to;
};

// One thread; every call blocks. Errors say what to do.
class Recordings {
 public:
  virtual ~Recordings() = default;
  virtual base::Result<std::vector<StreamSummary>> streams() = 0;
  // Everything in the window, however many answers of the server that takes.
  virtual base::Result<api::CoverageAnswer> coverage(const std::string& stream, const Window& window) = 0;
  // One page of those that start in the window, by producer time; the token of the page before, or empty.
  virtual base::Result<api::FragmentsAnswer> fragments(const std::string& stream, const Window& window,
                                                       const std::string& token) = 0;
  // A fragment with its sound rendered to AAC, as GetMediaForFragmentList gives it.
  virtual base::Result<base::Bytes> rendered(const std::string& stream, const std::string& fragment_number) = 0;
  // A fragment as it is stored: every participant's own packets. Unsupported from a server, whose API has no such call.
  virtual base::Result<base::Bytes> stored(const std::string& stream, const std::string& fragment_number) = 0;
  virtual bool gives_stored() const = 0;
  // One page of joins, newest first, of one channel or (empty) all. Unsupported from a data directory: they are kept in
  // a running server's memory only.
  virtual base::Result<api::SessionsAnswer> sessions(const std::string& channel, const std::string& token) = 0;
};

base::Result<std::unique_ptr<Recordings>> open_recordings_of_directory(const std::string& directory);
std::unique_ptr<Recordings> open_recordings_of_server(client::ApiOptions options);

}  // namespace app

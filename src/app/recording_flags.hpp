// SPDX-License-Identifier: Apache-2.0
#pragma once
// What every command that reads recordings understands.

#include <memory>
#include <string>
#include <string_view>

#include "app/cli_app.hpp"
#include "app/recordings.hpp"
#include "base/result.hpp"

namespace app {

// Where the recordings are: --data-dir, or --endpoint with an access key.
class RecordingFlags {
 public:
  void add_to(CLI::App& command);
  base::Result<std::unique_ptr<Recordings>> open() const;
  // For what only a running server knows; `what` says so: "sessions are in a running server's memory only".
  base::Result<std::unique_ptr<Recordings>> open_server(std::string_view what) const;

 private:
  std::string data_dir_ = "tidegate-data";
  std::string endpoint_;
  std::string region_ = "us-east-1";
  std::string access_key_;
  std::string secret_key_;
  std::string session_token_;
  std::string ca_file_;
  bool insecure_ = false;
};

// Which part: --from and --to.
class WindowFlags {
 public:
  void add_to(CLI::App& command);
  base::Result<Window> window() const;

 private:
  std::string from_;
  std::string to_;
};

// "tidegate: MESSAGE" on stderr; the exit code 2.
int report_failure(const base::Error& error);

// For people: "2 h 03 min 05 s", "2026-11-23 08:11:02.123".
std::string to_duration_text(std::chrono::microseconds duration);
std::string to_time_text(base::WallTime time);

}  // namespace app

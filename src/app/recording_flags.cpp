// SPDX-License-Identifier: Apache-2.0
#include "app/recording_flags.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "app/credentials.hpp"
#include "async/secure_random.hpp"
#include "net/tls_context.hpp"

namespace app {
namespace {

base::Result<std::optional<base::WallTime>> read_time(const char* flag, const std::string& text) {
  if (text.empty()) return std::optional<base::WallTime>();
  if (const auto time = base::parse_time(text)) return time;
  return base::fail(
      base::Errc::InvalidArgument,
      fmt::format("{} is a time: UTC such as 2026-11-23T08:11:02Z, or epoch seconds such as 1795421462.123; "
                  "\"{}\" is neither",
                  flag, text));
}

}  // namespace

void RecordingFlags::add_to(CLI::App& command) {
  command.add_option("--data-dir", data_dir_, "read this data directory; a server may be running on it")
      ->type_name("DIR")
      ->capture_default_str();
  command.add_option("--endpoint", endpoint_, "ask this server instead; --data-dir then gives access key and CA only")
      ->type_name("URL");
  command.add_option("--region", region_, "region of the signatures")->type_name("NAME")->capture_default_str();
  command
      .add_option("--access-key", access_key_, "access key id (default: AWS_ACCESS_KEY_ID, else the data directory's)")
      ->type_name("ID")
      ->envname("AWS_ACCESS_KEY_ID");
  command.add_option("--secret-key", secret_key_, "its secret (default: AWS_SECRET_ACCESS_KEY)")
      ->type_name("SECRET")
      ->envname("AWS_SECRET_ACCESS_KEY");
  command.add_option("--session-token", session_token_, "of temporary credentials")->envname("AWS_SESSION_TOKEN");
  command.add_option("--ca", ca_file_, "certificate authority to trust, PEM")->type_name("FILE");
  command.add_flag("--insecure", insecure_, "accept any certificate");
}

base::Result<std::unique_ptr<Recordings>> RecordingFlags::open() const {
  return endpoint_.empty() ? open_recordings_of_directory(data_dir_) : open_server("");
}

base::Result<std::unique_ptr<Recordings>> RecordingFlags::open_server(std::string_view what) const {
  if (endpoint_.empty()) {
    return base::fail(base::Errc::InvalidArgument,
                      fmt::format("{}: name it with --endpoint (http://127.0.0.1:8080 unless it was told otherwise); "
                                  "--data-dir then gives access key and CA",
                                  what));
  }
  client::ApiOptions options;
  options.endpoint = endpoint_;
  options.region = region_;
  options.timeout = std::chrono::seconds(60);
  options.credentials = {access_key_, secret_key_, session_token_};
  std::string ca = ca_file_;
  if (ca.empty() && std::filesystem::exists(data_dir_ + "/tls/ca.pem")) ca = data_dir_ + "/tls/ca.pem";
  if (access_key_.empty() && std::filesystem::exists(data_dir_ + "/credentials")) {
    async::SecureRandom random;
    TRY(const AccessKey key, ensure_access_key(data_dir_, random));
    options.credentials = {key.id, key.secret, ""};
  }
  if (options.credentials.access_key_id.empty() || options.credentials.secret_access_key.empty()) {
    return base::fail(
        base::Errc::InvalidArgument,
        "no access key: give --access-key and --secret-key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "--data-dir of a server on this machine");
  }
  TRY(options.tls, net::TlsContext::make_client({ca, insecure_}));
  return open_recordings_of_server(std::move(options));
}

void WindowFlags::add_to(CLI::App& command) {
  command.add_option("--from", from_, "from this time on, UTC (2026-11-23T08:11:02Z) or epoch seconds")
      ->type_name("TIME");
  command.add_option("--to", to_, "up to this time")->type_name("TIME");
}

base::Result<Window> WindowFlags::window() const {
  Window window;
  TRY(window.from, read_time("--from", from_));
  TRY(window.to, read_time("--to", to_));
  if (window.from && window.to && *window.to <= *window.from) {
    return base::fail(base::Errc::InvalidArgument, "--to must be after --from");
  }
  return window;
}

int report_failure(const base::Error& error) {
  std::fflush(stdout);
  fmt::print(stderr, "tidegate: {}\n", error.message);
  return 2;
}

std::string to_duration_text(std::chrono::microseconds duration) {
  const auto tenths = (duration.count() + 50'000) / 100'000;
  const auto seconds = tenths / 10;
  if (seconds < 60) return fmt::format("{}.{} s", seconds, tenths % 10);
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} min {:02} s", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string to_time_text(base::WallTime time) {
  std::string text = base::to_iso8601(time);
  text[10] = ' ';
  text.pop_back();
  return text;
}

}  // namespace app

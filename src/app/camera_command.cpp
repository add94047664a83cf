// SPDX-License-Identifier: Apache-2.0
#include "app/camera_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>

#include "app/credentials.hpp"
#include "async/secure_random.hpp"

namespace app {

void CameraFlags::add_to(CLI::App& command) {
  client::CameraOptions& o = options_;
  command.add_option("--endpoint", o.endpoint, "control plane to publish to")->type_name("URL")->capture_default_str();
  command.add_option("--region", o.region, "region of the signatures")->type_name("NAME")->capture_default_str();
  command.add_option("--access-key", o.access_key, "access key id (default: AWS_ACCESS_KEY_ID)")
      ->type_name("ID")
      ->envname("AWS_ACCESS_KEY_ID");
  command.add_option("--secret-key", o.secret_key, "its secret (default: AWS_SECRET_ACCESS_KEY)")
      ->type_name("SECRET")
      ->envname("AWS_SECRET_ACCESS_KEY");
  command.add_option("--session-token", o.session_token, "of temporary credentials")->envname("AWS_SESSION_TOKEN");
  command
      .add_option("--data-dir", data_dir_, "a server's data directory on this machine: takes access key and CA from it")
      ->type_name("DIR");
  command.add_option("--ca", o.ca_file, "certificate authority to trust, PEM")->type_name("FILE");
  command.add_flag("--insecure", o.insecure, "accept any certificate");
  command.add_option("--channel", o.channel, "signaling channel")->type_name("NAME")->capture_default_str();
  command.add_option("--stream", o.stream, "video stream (default: named as the channel)")->type_name("NAME");
  command.add_flag("--create", o.create, "make channel, stream and mapping where they are missing");
  command.add_option("--retention-hours", o.retention_hours, "of a stream made here")->capture_default_str();
  command.add_option("--h264", o.h264_file, "Annex B file (default: a test picture with a clock)")->type_name("FILE");
  command.add_option("--opus", o.opus_file, "Ogg Opus file (default: a tone with the test picture)")->type_name("FILE");
  command.add_flag("--no-audio", no_audio_, "video only");
  command.add_option("--frame-rate", o.frame_rate, "of the H.264 file (default: as it says, else 25)");
  command.add_option("--width", o.width, "of the test picture")->check(CLI::Range(64, 1920))->capture_default_str();
  command.add_option("--height", o.height, "of the test picture")->check(CLI::Range(64, 1920))->capture_default_str();
  command.add_option("--picture-rate", o.picture_rate, "frames a second of the test picture")
      ->check(CLI::Range(1, 120))
      ->capture_default_str();
  command.add_option("--bitrate-kbps", o.bitrate_kbps, "of the test picture")
      ->check(CLI::Range(50, 20000))
      ->capture_default_str();
  command.add_option("--duration", duration_seconds_, "stop after so many seconds (default: at the end of the file)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 1e7));
  command.add_option("--count", o.count, "so many cameras, named NAME-1, NAME-2, ...")->check(CLI::Range(1, 5000));
  command.add_option("--threads", o.threads, "that send for them")->check(CLI::Range(1, 64));
  command.add_flag("--like-c-sdk", o.like_c_sdk, "answer and behave as webrtc-sdk-c does");
  command.add_flag("--json", o.json, "print the result as one line of JSON");
  command.add_flag("--quiet", o.quiet, "no progress lines");
}

base::Result<client::CameraOptions> CameraFlags::finish() const {
  client::CameraOptions options = options_;
  options.audio = !no_audio_;
  if (duration_seconds_ > 0) {
    options.duration = std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(duration_seconds_));
  }
  if (!data_dir_.empty()) {
    async::SecureRandom random;
    TRY(const AccessKey key, ensure_access_key(data_dir_, random));
    if (options.access_key.empty()) {
      options.access_key = key.id;
      options.secret_key = key.secret;
    }
    if (options.ca_file.empty()) options.ca_file = data_dir_ + "/tls/ca.pem";
  }
  if (options.access_key.empty() || options.secret_key.empty()) {
    return base::fail(
        base::Errc::InvalidArgument,
        "no access key: give --access-key and --secret-key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "--data-dir of a server on this machine");
  }
  return options;
}

int CameraFlags::run() {
  const auto options = finish();
  if (!options) {
    fmt::print(stderr, "tidegate: {}\n", options.error().message);
    return 2;
  }
  return client::run_camera(*options);
}

}  // namespace app

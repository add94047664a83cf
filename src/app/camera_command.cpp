// SPDX-License-Identifier: Apache-2.0
#include "app/camera_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>

namespace app {

void CameraFlags::add_to(CLI::App& command) {
  client::CameraOptions& o = options_;
  service_.add_to(command, o);
  command.add_option("--channel", o.channel, "signaling channel")->type_name("NAME")->capture_default_str();
  command.add_option("--stream", o.stream, "video stream (default: named as the channel)")->type_name("NAME");
  command.add_flag("--create", o.create, "make channel, stream and mapping where they are missing");
  command.add_option("--retention-hours", o.retention_hours, "of a stream made here")->capture_default_str();
  command.add_option("--h264", o.h264_file, "Annex B file (default: a test picture with a clock)")->type_name("FILE");
  command
      .add_option("--low-h264", o.low_h264_file, "the same pictures at a lower bit rate, sent when REMB asks for less")
      ->type_name("FILE");
  command.add_option("--low-for", low_seconds_, "send those for so long in any case")->type_name("SECONDS");
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
  command.add_option("--joins-at-once", o.joins_at_once, "of each thread")->check(CLI::Range(1, 1000));
  command.add_option("--srtp-profile", o.srtp_profile, "aes-gcm or aes-cm (default: what the server likes best)")
      ->check(CLI::IsMember({"aes-gcm", "aes-cm"}));
  command.add_option("--manifest", o.manifest, "write there what was sent: SHA-256 of every frame")->type_name("FILE");
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
  options.low_for = std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(low_seconds_));
  TRY_VOID(service_.complete(options));
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

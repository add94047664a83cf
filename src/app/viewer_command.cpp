// SPDX-License-Identifier: Apache-2.0
#include "app/viewer_command.hpp"

#include <CLI/CLI.hpp>
#include <chrono>

#include "app/recording_flags.hpp"

namespace app {

void ViewerFlags::add_to(CLI::App& command) {
  client::ViewingOptions& o = options_;
  service_.add_to(command, o);
  command.add_option("--channel", o.channel, "signaling channel")->type_name("NAME")->capture_default_str();
  command.add_option("--client-id", o.client_id, "of the viewer; of many NAME-1, NAME-2, ...")
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--viewers", o.viewers, "so many viewers")->check(CLI::Range(1, 5000));
  command.add_option("--threads", o.threads, "that receive for them")->check(CLI::Range(1, 64));
  command.add_flag("--no-audio", no_audio_, "video only");
  command.add_flag("--talk", o.talk, "each says the test tone");
  command.add_option("--duration", duration_seconds_, "stop after so many seconds (default: when told to)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 1e7));
  command.add_flag("--json", o.json, "print the result as one line of JSON");
  command.add_flag("--quiet", o.quiet, "no progress lines");
}

int ViewerFlags::run() {
  client::ViewingOptions options = options_;
  options.audio = !no_audio_;
  if (duration_seconds_ > 0)
    options.duration = std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(duration_seconds_));
  if (const auto completed = service_.complete(options); !completed) return report_failure(completed.error());
  return client::run_viewer(options);
}

}  // namespace app

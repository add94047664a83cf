// SPDX-License-Identifier: Apache-2.0
// The command line: subcommands and their flags. Behaviour lives elsewhere.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "app/camera_command.hpp"
#include "app/configuration.hpp"
#include "app/export_command.hpp"
#include "app/fragments_command.hpp"
#include "app/fsck_command.hpp"
#include "app/key_command.hpp"
#include "app/recording_flags.hpp"
#include "app/serve.hpp"
#include "app/sessions_command.hpp"
#include "app/streams_command.hpp"
#include "app/viewer_command.hpp"

namespace {

using app::Settings;

base::Result<Settings> read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return base::fail(base::Errc::NotFound, fmt::format("cannot read the configuration file {}", path));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return app::parse_toml(text, path);
}

// Flags of `serve` come from the same table as everything else that configures it.
struct ServeFlags {
  std::string config;
  Settings values;

  void add_to(CLI::App& command) {
    command.add_option("--config", config, "configuration file (default: tidegate.toml here, if there is one)")
        ->type_name("FILE");
    for (const auto& key : app::configuration_keys()) {
      auto* option = command.add_option(app::flag_name(key), values[std::string(key.name)], std::string(key.help));
      option->type_name(std::string(key.placeholder));
      if (key.is_list) {
        option->take_all();
      } else {
        option->expected(1);
      }
    }
  }

  base::Result<app::Configuration> configuration() {
    std::vector<std::pair<std::string, Settings>> sources;
    const bool has_default_file = config.empty() && std::ifstream("tidegate.toml").good();
    if (!config.empty() || has_default_file) {
      const std::string path = config.empty() ? "tidegate.toml" : config;
      TRY(auto settings, read_file(path));
      sources.emplace_back(path, std::move(settings));
    }
    TRY(auto variables, app::read_environment(environ));
    sources.emplace_back("environment", std::move(variables));
    std::erase_if(values, [](const auto& entry) { return entry.second.empty(); });
    sources.emplace_back("flags", values);
    return app::make_configuration(sources);
  }
};

int run_command(int argc, char** argv) {
  CLI::App tidegate("Self-hosted Kinesis Video Streams with WebRTC ingestion and storage", "tidegate");
  tidegate.set_version_flag("--version", "tidegate 0.1.0");
  tidegate.require_subcommand(1);

  CLI::App* serve = tidegate.add_subcommand("serve", "Run the server");
  ServeFlags serve_flags;
  serve_flags.add_to(*serve);

  CLI::App* camera =
      tidegate.add_subcommand("camera", "Publish a file, a test picture or many cameras over real WebRTC");
  app::CameraFlags camera_flags;
  camera_flags.add_to(*camera);
  CLI::App* viewer = tidegate.add_subcommand("viewer", "Watch a channel as one or many viewers and measure it");
  app::ViewerFlags viewer_flags;
  viewer_flags.add_to(*viewer);

  CLI::App* streams = tidegate.add_subcommand("streams", "List streams and what they have recorded");
  app::StreamsCommand streams_command;
  streams_command.add_to(*streams);
  CLI::App* fragments = tidegate.add_subcommand("fragments", "List the fragments of a stream");
  app::FragmentsCommand fragments_command;
  fragments_command.add_to(*fragments);
  CLI::App* sessions = tidegate.add_subcommand("sessions", "List joins of a running server, and why they ended");
  app::SessionsCommand sessions_command;
  sessions_command.add_to(*sessions);
  CLI::App* export_app = tidegate.add_subcommand("export", "Write a part of a stream into one playable file");
  app::ExportCommand export_command;
  export_command.add_to(*export_app);

  CLI::App* fsck = tidegate.add_subcommand("fsck", "Verify every checksum of a data directory, and its index");
  app::FsckCommand fsck_command;
  fsck_command.add_to(*fsck);

  CLI::App* key = tidegate.add_subcommand("key", "Access keys, their policies, and temporary credentials");
  app::KeyCommand key_command;
  key_command.add_to(*key);

  CLI11_PARSE(tidegate, argc, argv);
  if (camera->parsed()) return camera_flags.run();
  if (viewer->parsed()) return viewer_flags.run();
  if (streams->parsed()) return streams_command.run();
  if (fragments->parsed()) return fragments_command.run();
  if (sessions->parsed()) return sessions_command.run();
  if (export_app->parsed()) return export_command.run();
  if (fsck->parsed()) return fsck_command.run();
  if (key->parsed()) return key_command.run();
  auto configuration = serve_flags.configuration();
  if (!configuration) return app::report_failure(configuration.error());
  return app::run_serve(*std::move(configuration));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_command(argc, argv);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "tidegate: %s\n", error.what());
    return 70;  // sysexits.h: EX_SOFTWARE
  }
}

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/recording_flags.hpp"
#include "streams/media_file.hpp"

namespace app {

// `tidegate export STREAM -o FILE`: whole fragments that reach into the window, as one file. Holes are cut out.
//   .mkv from a data directory   H.264 and each participant's Opus, packet for packet as recorded
//   .mkv from a server, .mp4     H.264, and the sound rendered to one AAC track
class ExportCommand {
 public:
  void add_to(CLI::App& command);
  // The exit code.
  int run();

 private:
  base::Result<streams::MediaFileKind> check_output() const;
  base::Result<std::vector<api::FragmentAnswer>> choose(Recordings& recordings) const;
  base::Result<base::Bytes> document(Recordings& recordings, const api::FragmentAnswer& fragment) const;
  base::Result<std::vector<container::Track>> find_tracks(Recordings& recordings,
                                                          const std::vector<api::FragmentAnswer>& fragments) const;
  base::Result<void> write();
  base::Result<void> close_sound(Recordings& recordings, const api::FragmentAnswer& last,
                                 streams::MediaFileWriter& file) const;
  void print(const streams::MediaFileReport& report, std::size_t fragments) const;

  RecordingFlags source_;
  WindowFlags window_;
  std::string stream_;
  std::string output_;
  bool force_ = false;
  bool json_ = false;
  bool quiet_ = false;
  bool wants_stored_ = false;
};

}  // namespace app

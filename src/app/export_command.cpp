// SPDX-License-Identifier: Apache-2.0
#include "app/export_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "app/progress_bar.hpp"
#include "aws/json.hpp"

namespace app {
namespace {

using base::Errc;
using base::fail;

// A fragment that began so long before the window may reach into it: more than the longest that there is.
constexpr auto kLongestFragment = std::chrono::seconds(60);

// Fragments further apart do not join.
constexpr auto kLongestHole = std::chrono::milliseconds(50);

volatile std::sig_atomic_t stop_requested = 0;

base::WallTime end_of(const api::FragmentAnswer& fragment) {
  return fragment.producer_timestamp + std::chrono::microseconds(fragment.duration_microseconds);
}

bool has_flag(const api::FragmentAnswer& fragment, std::string_view name) {
  return std::ranges::find(fragment.flags, name) != fragment.flags.end();
}

}  // namespace

void ExportCommand::add_to(CLI::App& command) {
  command.add_option("STREAM", stream_, "name of the stream")->required();
  command.add_option("-o,--output", output_, "file to write, .mkv or .mp4")->type_name("FILE")->required();
  window_.add_to(command);
  source_.add_to(command);
  command.add_flag("--force", force_, "replace the file if it exists");
  command.add_flag("--json", json_, "print the result as one line of JSON");
  command.add_flag("--quiet", quiet_, "no progress");
}

base::Result<streams::MediaFileKind> ExportCommand::check_output() const {
  const std::filesystem::path path(output_);
  const std::string suffix = path.extension().string();
  if (suffix != ".mkv" && suffix != ".mp4") return fail(Errc::InvalidArgument, "--output ends with .mkv or .mp4");
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !force_) {
    return fail(Errc::AlreadyExists, fmt::format("{} exists: choose another name, or --force", output_));
  }
  return suffix == ".mkv" ? streams::MediaFileKind::Matroska : streams::MediaFileKind::Mp4;
}

// What overlaps the window, beginning with a key frame.
base::Result<std::vector<api::FragmentAnswer>> ExportCommand::choose(Recordings& recordings) const {
  TRY(const Window window, window_.window());
  Window asked = window;
  if (asked.from) asked.from = std::max(*asked.from - kLongestFragment, base::WallTime{});
  std::vector<api::FragmentAnswer> chosen;
  std::string token;
  do {
    TRY(auto page, recordings.fragments(stream_, asked, token));
    for (api::FragmentAnswer& fragment : page.fragments) {
      if (window.from && end_of(fragment) <= *window.from) continue;
      if (window.to && fragment.producer_timestamp >= *window.to) continue;
      chosen.push_back(std::move(fragment));
    }
    token = page.next_token.value_or("");
  } while (!token.empty());
  const auto first = std::ranges::find_if(chosen, [](const auto& each) { return !has_flag(each, "dependent"); });
  chosen.erase(chosen.begin(), first);
  if (chosen.empty()) {
    return fail(Errc::NotFound, fmt::format("{} has nothing recorded there: `tidegate fragments {}` shows what it has",
                                            stream_, stream_));
  }
  return chosen;
}

base::Result<base::Bytes> ExportCommand::document(Recordings& recordings, const api::FragmentAnswer& fragment) const {
  if (wants_stored_) return recordings.stored(stream_, fragment.fragment_number);
  return recordings.rendered(stream_, fragment.fragment_number);
}

// Stored documents differ in who took part, so all are looked at; rendered ones have the tracks of the first.
base::Result<std::vector<container::Track>> ExportCommand::find_tracks(
    Recordings& recordings, const std::vector<api::FragmentAnswer>& fragments) const {
  std::vector<container::Track> tracks;
  for (const api::FragmentAnswer& fragment : fragments) {
    TRY(const base::Bytes bytes, document(recordings, fragment));
    TRY_VOID(streams::collect_tracks(bytes, tracks));
    if (!wants_stored_) break;
    if (stop_requested != 0) return fail(Errc::Cancelled, "stopped");
  }
  const bool has_sound = std::ranges::any_of(tracks, [](const auto& track) { return track.is_audio(); });
  const bool renders = std::ranges::any_of(
      fragments, [](const auto& each) { return has_flag(each, "audio") && !has_flag(each, "producer_document"); });
  if (!wants_stored_ && !has_sound && renders) tracks.push_back(streams::make_rendered_track());
  return tracks;
}

// The last sound that was made beside the pictures of the last fragment is in the next one, if that joins (ADR 12).
base::Result<void> ExportCommand::close_sound(Recordings& recordings, const api::FragmentAnswer& last,
                                              streams::MediaFileWriter& file) const {
  if (wants_stored_) return {};
  const Window around{end_of(last) - kLongestHole, end_of(last) + kLongestHole};
  TRY(const api::FragmentsAnswer page, recordings.fragments(stream_, around, ""));
  const auto next = std::ranges::find_if(
      page.fragments, [&](const auto& other) { return other.fragment_number > last.fragment_number; });
  if (next == page.fragments.end()) return {};
  TRY(const base::Bytes bytes, document(recordings, *next));
  return file.add_closing_sound(next->producer_timestamp, bytes);
}

base::Result<void> ExportCommand::write() {
  TRY(const streams::MediaFileKind kind, check_output());
  TRY(const auto recordings, source_.open());
  TRY(const auto fragments, choose(*recordings));
  wants_stored_ = kind == streams::MediaFileKind::Matroska && recordings->gives_stored();
  TRY(auto tracks, find_tracks(*recordings, fragments));
  TRY(const auto file, streams::create_media_file(output_, kind, std::move(tracks)));
  std::uint64_t bytes = 0;
  for (const api::FragmentAnswer& fragment : fragments) bytes += static_cast<std::uint64_t>(fragment.size_in_bytes);
  {
    ProgressBar progress(fmt::format("exporting {}", stream_), bytes, quiet_);
    for (const api::FragmentAnswer& fragment : fragments) {
      if (stop_requested != 0) return fail(Errc::Cancelled, "stopped; nothing was written");
      TRY(const base::Bytes one, document(*recordings, fragment));
      TRY_VOID(file->add(fragment.producer_timestamp, end_of(fragment), one));
      progress.advance(static_cast<std::uint64_t>(fragment.size_in_bytes));
    }
    TRY_VOID(close_sound(*recordings, fragments.back(), *file));
  }
  TRY(const streams::MediaFileReport report, file->finish());
  print(report, fragments.size());
  return {};
}

void ExportCommand::print(const streams::MediaFileReport& report, std::size_t fragments) const {
  if (json_) {
    std::string file;
    aws::write_value(file, output_);
    std::string cuts;
    for (const streams::MediaFileCut& cut : report.cuts) {
      cuts += fmt::format("{}{{\"atMicroseconds\":{},\"missingMicroseconds\":{}}}", cuts.empty() ? "" : ",",
                          cut.at.count(), cut.missing.count());
    }
    fmt::print(
        "{{\"file\":{},\"fragments\":{},\"videoFrames\":{},\"audioFrames\":{},\"durationMicroseconds\":{},\"cuts\":[{}]"
        "}}\n",
        file, fragments, report.video_frames, report.audio_frames, report.duration.count(), cuts);
    return;
  }
  fmt::print("{}: {}, {} fragments, {} pictures\n", output_, to_duration_text(report.duration), fragments,
             report.video_frames);
  for (const streams::MediaFileCut& cut : report.cuts) {
    fmt::print("  at {}: {} are missing in the recording\n", to_duration_text(cut.at), to_duration_text(cut.missing));
  }
}

int ExportCommand::run() {
  const auto stop = [](int) { stop_requested = 1; };
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
  const auto written = write();
  return written ? 0 : report_failure(written.error());
}

}  // namespace app

// SPDX-License-Identifier: Apache-2.0
#include "client/camera_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "client/report_values.hpp"

namespace client {
namespace {

struct Timing {
  const char* name;
  const char* label;
  std::optional<base::Duration> CameraTimings::* value;
};
constexpr std::array kTimings = {
    Timing{"join", "join", &CameraTimings::join},
    Timing{"offer", "offer", &CameraTimings::offer},
    Timing{"ice", "ICE", &CameraTimings::ice},
    Timing{"dtls", "DTLS", &CameraTimings::dtls},
    Timing{"first_fragment", "first fragment durable", &CameraTimings::first_fragment},
};

std::string timings_json(const CameraTimings& timings) {
  std::string out;
  for (const Timing& timing : kTimings) {
    out += fmt::format("{}\"{}\":{}", out.empty() ? "" : ",", timing.name, number_or_null(timings.*timing.value));
  }
  return "{" + out + "}";
}

std::string camera_json(const CameraResult& result) {
  return fmt::format(
      R"({{"channel":{},"error":{},"timings_ms":{},"joins":{},"video_frames":{},"audio_frames":{},"packets_sent":{},)"
      R"("packets_resent":{},"key_frame_requests":{},"remb_least_kbps":{},"late_frames":{},"published_ms":{:.0f}}})",
      quoted(result.channel), result.error.empty() ? "null" : quoted(result.error), timings_json(result.timings),
      result.joins, result.video_frames, result.audio_frames, result.packets_sent, result.packets_resent,
      result.key_frame_requests, result.remb_least / 1000, result.late_frames, to_milliseconds(result.published));
}

std::string camera_line(const CameraResult& result) {
  std::string line = result.channel + ":";
  for (const Timing& timing : kTimings) {
    if (const auto value = result.timings.*timing.value)
      line += fmt::format(" {} {:.0f} ms,", timing.label, to_milliseconds(*value));
  }
  line += fmt::format(" {} pictures, {} sound packets, {} packets ({} resent)", result.video_frames,
                      result.audio_frames, result.packets_sent, result.packets_resent);
  if (!result.error.empty()) line += "\n  FAILED: " + result.error;
  return line;
}

std::string median_line(const std::vector<CameraResult>& results, const Timing& timing) {
  std::vector<double> values;
  for (const CameraResult& result : results) {
    if (const auto value = result.timings.*timing.value) values.push_back(to_milliseconds(*value));
  }
  if (values.empty()) return fmt::format("{}: never\n", timing.label);
  std::sort(values.begin(), values.end());
  return fmt::format("{}: median {:.0f} ms, slowest {:.0f} ms, {} of {} cameras\n", timing.label,
                     values[values.size() / 2], values.back(), values.size(), results.size());
}

std::size_t count_failed(const std::vector<CameraResult>& results) {
  return static_cast<std::size_t>(
      std::count_if(results.begin(), results.end(), [](const CameraResult& result) { return !result.error.empty(); }));
}

}  // namespace

std::string to_json(const std::vector<CameraResult>& results) {
  std::string cameras;
  for (const CameraResult& result : results) cameras += (cameras.empty() ? "" : ",") + camera_json(result);
  return fmt::format(R"({{"cameras":[{}],"failed":{}}})", cameras, count_failed(results));
}

std::string to_lines(const std::vector<CameraResult>& results) {
  std::string out;
  if (results.size() <= kListedOneByOne) {
    for (const CameraResult& result : results) out += (out.empty() ? "" : "\n") + camera_line(result);
    return out;
  }
  std::uint64_t pictures = 0;
  std::uint64_t packets = 0;
  for (const CameraResult& result : results) {
    pictures += result.video_frames;
    packets += result.packets_sent;
    if (!result.error.empty()) out += camera_line(result) + "\n";
  }
  for (const Timing& timing : kTimings) out += median_line(results, timing);
  return out + fmt::format("{} cameras, {} failed, {} pictures, {} packets", results.size(), count_failed(results),
                           pictures, packets);
}

}  // namespace client

// SPDX-License-Identifier: Apache-2.0
#include "client/viewer_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "client/report_values.hpp"

namespace client {
namespace {

struct Timing {
  const char* name;
  const char* label;
  std::optional<base::Duration> ViewerTimings::* value;
};
constexpr std::array kTimings = {
    Timing{"join", "join", &ViewerTimings::join},
    Timing{"offer", "offer", &ViewerTimings::offer},
    Timing{"ice", "ICE", &ViewerTimings::ice},
    Timing{"dtls", "DTLS", &ViewerTimings::dtls},
    Timing{"first_frame", "first picture", &ViewerTimings::first_frame},
};

// All that can be added up, so that one viewer and all of them are told in the same words.
struct Sum {
  std::uint64_t pictures = 0, sounds = 0, sounds_sent = 0, lost = 0, repaired = 0, dropped = 0, freezes = 0,
                unreadable = 0;
  base::Duration frozen{};
  double bits_per_second = 0;
  AgeTable ages;

  void add(const ViewerResult& one) {
    pictures += one.pictures;
    sounds += one.sounds;
    sounds_sent += one.sounds_sent;
    lost += one.packets_lost;
    repaired += one.packets_repaired;
    dropped += one.pictures_dropped;
    freezes += one.freezes;
    frozen += one.frozen;
    unreadable += one.unreadable;
    bits_per_second += one.bits_per_second;
    ages.add(one.ages);
  }

  std::string json() const {
    return fmt::format(
        R"("video_frames":{},"audio_packets":{},"audio_packets_sent":{},"packets_lost":{},"packets_repaired":{},)"
        R"("frames_dropped":{},"freezes":{},"frozen_ms":{:.0f},"bitrate_kbps":{:.0f},"latency_ms":{{"median":{},"p95":{},"max":{},)"
        R"("pictures":{},"unreadable":{}}})",
        pictures, sounds, sounds_sent, lost, repaired, dropped, freezes, to_milliseconds(frozen),
        bits_per_second / 1000, number_or_null(ages.quantile(0.5)), number_or_null(ages.quantile(0.95)),
        number_or_null(ages.quantile(1)), ages.count(), unreadable);
  }

  std::string text() const {
    std::string out = fmt::format("{} pictures, {} sound packets, {} packets lost, {} freezes, {:.0f} kbit/s", pictures,
                                  sounds, lost, freezes, bits_per_second / 1000);
    if (const auto median = ages.quantile(0.5))
      out += fmt::format(", camera to here {:.0f} ms at the median, {:.0f} ms at most", to_milliseconds(*median),
                         to_milliseconds(*ages.quantile(1)));
    return out;
  }
};

Sum sum_of(const std::vector<ViewerResult>& results) {
  Sum sum;
  for (const ViewerResult& result : results) sum.add(result);
  return sum;
}

std::vector<base::Duration> values_of(const std::vector<ViewerResult>& results, const Timing& timing) {
  std::vector<base::Duration> values;
  for (const ViewerResult& result : results) {
    if (const auto value = result.timings.*timing.value) values.push_back(*value);
  }
  std::ranges::sort(values);
  return values;
}

std::string viewer_json(const ViewerResult& result) {
  std::string timings;
  for (const Timing& timing : kTimings)
    timings += fmt::format(R"({}"{}":{})", timings.empty() ? "" : ",", timing.name,
                           number_or_null(result.timings.*timing.value));
  return fmt::format(R"({{"client_id":{},"error":{},"timings_ms":{{{}}},"joins":{},"key_frames":{},{}}})",
                     quoted(result.client_id), result.error.empty() ? "null" : quoted(result.error), timings,
                     result.joins, result.key_frames, sum_of({result}).json());
}

std::string viewer_line(const ViewerResult& result) {
  std::string line = result.client_id + ":";
  for (const Timing& timing : kTimings) {
    if (const auto value = result.timings.*timing.value)
      line += fmt::format(" {} {:.0f} ms,", timing.label, to_milliseconds(*value));
  }
  line += " " + sum_of({result}).text();
  if (!result.error.empty()) line += "\n  FAILED: " + result.error;
  return line;
}

std::size_t count_failed(const std::vector<ViewerResult>& results) {
  return static_cast<std::size_t>(std::ranges::count_if(results, [](const auto& r) { return !r.error.empty(); }));
}

}  // namespace

std::string to_json(const std::vector<ViewerResult>& results) {
  std::string viewers;
  for (const ViewerResult& result : results) viewers += (viewers.empty() ? "" : ",") + viewer_json(result);
  std::string timings;
  for (const Timing& timing : kTimings) {
    const auto values = values_of(results, timing);
    if (values.empty()) continue;
    timings += fmt::format(R"({}"{}":{{"median":{},"max":{},"viewers":{}}})", timings.empty() ? "" : ",", timing.name,
                           number_or_null(values[values.size() / 2]), number_or_null(values.back()), values.size());
  }
  return fmt::format(R"({{"viewers":[{}],"all":{{"timings_ms":{{{}}},{}}},"failed":{}}})", viewers, timings,
                     sum_of(results).json(), count_failed(results));
}

std::string to_lines(const std::vector<ViewerResult>& results) {
  std::string out;
  const bool few = results.size() <= kListedOneByOne;
  for (const ViewerResult& result : results) {
    if (few || !result.error.empty()) out += viewer_line(result) + "\n";
  }
  for (const Timing& timing : kTimings) {
    const auto values = values_of(results, timing);
    if (few || values.empty()) continue;
    out += fmt::format("{}: median {:.0f} ms, slowest {:.0f} ms, {} of {} viewers\n", timing.label,
                       to_milliseconds(values[values.size() / 2]), to_milliseconds(values.back()), values.size(),
                       results.size());
  }
  return out + fmt::format("{} viewers, {} failed, {}", results.size(), count_failed(results), sum_of(results).text());
}

}  // namespace client

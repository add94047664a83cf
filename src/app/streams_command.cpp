// SPDX-License-Identifier: Apache-2.0
#include "app/streams_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "aws/json.hpp"
#include "base/byte_count.hpp"

namespace app {
namespace {

// One line of the list, as --json writes it.
struct StreamLine {
  std::string stream_name;
  std::string stream_arn;
  std::int64_t retention_hours = 0;
  std::optional<std::int64_t> fragments;
  std::optional<std::int64_t> size_in_bytes;
  std::optional<base::WallTime> start;
  std::optional<base::WallTime> end;
  std::int64_t recorded_microseconds = 0;
  std::int64_t gaps = 0;
  bool live = false;
  static constexpr auto fields() {
    return std::tuple(
        aws::field("streamName", &StreamLine::stream_name), aws::field("streamARN", &StreamLine::stream_arn),
        aws::field("retentionHours", &StreamLine::retention_hours), aws::field("fragments", &StreamLine::fragments),
        aws::field("sizeInBytes", &StreamLine::size_in_bytes), aws::field("start", &StreamLine::start),
        aws::field("end", &StreamLine::end), aws::field("recordedMicroseconds", &StreamLine::recorded_microseconds),
        aws::field("gaps", &StreamLine::gaps), aws::field("live", &StreamLine::live));
  }
};

StreamLine make_line(const StreamSummary& stream, const api::CoverageAnswer& coverage) {
  StreamLine line;
  line.stream_name = stream.name;
  line.stream_arn = stream.arn;
  line.retention_hours = stream.retention_hours;
  if (stream.fragments) line.fragments = static_cast<std::int64_t>(*stream.fragments);
  if (stream.bytes) line.size_in_bytes = static_cast<std::int64_t>(*stream.bytes);
  if (!coverage.ranges.empty()) {
    line.start = coverage.ranges.front().start;
    line.end = coverage.ranges.back().end;
  }
  for (const api::RangeAnswer& range : coverage.ranges) line.recorded_microseconds += (range.end - range.start).count();
  line.gaps = std::ranges::count_if(coverage.gaps, [](const api::GapAnswer& gap) { return !gap.open; });
  line.live = coverage.live;
  return line;
}

void print_table(const std::vector<StreamLine>& lines) {
  std::size_t width = 6;
  for (const StreamLine& line : lines) width = std::max(width, line.stream_name.size());
  fmt::print("{:{}}  {:>9}  {:>9}  {:23}  {:23}  {:>17}  {:>4}  {}\n", "STREAM", width, "RETENTION", "SIZE",
             "FIRST (UTC)", "LAST (UTC)", "RECORDED", "GAPS", "LIVE");
  for (const StreamLine& line : lines) {
    fmt::print(
        "{:{}}  {:>7} h  {:>9}  {:23}  {:23}  {:>17}  {:>4}  {}\n", line.stream_name, width, line.retention_hours,
        line.size_in_bytes ? base::to_byte_count_text(static_cast<std::uint64_t>(*line.size_in_bytes)) : "-",
        line.start ? to_time_text(*line.start) : "-", line.end ? to_time_text(*line.end) : "-",
        to_duration_text(std::chrono::microseconds(line.recorded_microseconds)), line.gaps, line.live ? "yes" : "no");
  }
}

}  // namespace

void StreamsCommand::add_to(CLI::App& command) {
  source_.add_to(command);
  command.add_flag("--json", json_, "one JSON object a line");
}

base::Result<void> StreamsCommand::list() {
  TRY(const auto recordings, source_.open());
  TRY(const auto streams, recordings->streams());
  std::vector<StreamLine> lines;
  for (const StreamSummary& stream : streams) {
    TRY(const auto coverage, recordings->coverage(stream.name, {}));
    lines.push_back(make_line(stream, coverage));
  }
  if (!json_) print_table(lines);
  for (const StreamLine& line : lines) {
    if (json_) fmt::print("{}\n", aws::encode(line));
  }
  return {};
}

int StreamsCommand::run() {
  const auto listed = list();
  return listed ? 0 : report_failure(listed.error());
}

}  // namespace app

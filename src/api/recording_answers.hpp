// SPDX-License-Identifier: Apache-2.0
#pragma once
// The answers of our own reads (docs/api.md), as the server writes them and the command line reads them.

#include <string>
#include <tuple>
#include <vector>

#include "aws/field.hpp"
#include "base/time.hpp"
#include "streams/coverage.hpp"

namespace api {

struct RangeAnswer {
  base::WallTime start;
  base::WallTime end;
  static constexpr auto fields() {
    return std::tuple(aws::field("start", &RangeAnswer::start, {.required = true}),
                      aws::field("end", &RangeAnswer::end, {.required = true}));
  }
};

struct GapAnswer {
  base::WallTime start;
  base::WallTime end;
  std::string reason;       // "publisher_left"
  std::string reason_text;  // "publisher left"
  bool open = false;
  static constexpr auto fields() {
    return std::tuple(aws::field("start", &GapAnswer::start, {.required = true}),
                      aws::field("end", &GapAnswer::end, {.required = true}),
                      aws::field("reason", &GapAnswer::reason, {.required = true}),
                      aws::field("reasonText", &GapAnswer::reason_text, {.required = true}),
                      aws::field("open", &GapAnswer::open, {.required = true}));
  }
};

struct CoverageAnswer {
  std::string stream_name;
  std::vector<RangeAnswer> ranges;
  std::vector<GapAnswer> gaps;
  bool live = false;
  std::optional<std::string> next_token;
  static constexpr auto fields() {
    return std::tuple(aws::field("streamName", &CoverageAnswer::stream_name, {.required = true}),
                      aws::field("ranges", &CoverageAnswer::ranges, {.required = true, .write_empty = true}),
                      aws::field("gaps", &CoverageAnswer::gaps, {.required = true, .write_empty = true}),
                      aws::field("live", &CoverageAnswer::live, {.required = true}),
                      aws::field("nextToken", &CoverageAnswer::next_token));
  }
};

struct FragmentAnswer {
  std::string fragment_number;
  base::WallTime producer_timestamp;
  base::WallTime server_timestamp;
  std::int64_t duration_microseconds = 0;
  std::int64_t size_in_bytes = 0;
  std::vector<std::string> flags;
  std::optional<GapAnswer> gap_before;
  std::optional<std::string> ended_by;
  static constexpr auto fields() {
    return std::tuple(aws::field("fragmentNumber", &FragmentAnswer::fragment_number, {.required = true}),
                      aws::field("producerTimestamp", &FragmentAnswer::producer_timestamp, {.required = true}),
                      aws::field("serverTimestamp", &FragmentAnswer::server_timestamp, {.required = true}),
                      aws::field("durationMicroseconds", &FragmentAnswer::duration_microseconds, {.required = true}),
                      aws::field("sizeInBytes", &FragmentAnswer::size_in_bytes, {.required = true}),
                      aws::field("flags", &FragmentAnswer::flags, {.required = true, .write_empty = true}),
                      aws::field("gapBefore", &FragmentAnswer::gap_before),
                      aws::field("endedBy", &FragmentAnswer::ended_by));
  }
};

struct FragmentsAnswer {
  std::string stream_name;
  std::vector<FragmentAnswer> fragments;
  std::optional<std::string> next_token;
  static constexpr auto fields() {
    return std::tuple(aws::field("streamName", &FragmentsAnswer::stream_name, {.required = true}),
                      aws::field("fragments", &FragmentsAnswer::fragments, {.required = true, .write_empty = true}),
                      aws::field("nextToken", &FragmentsAnswer::next_token));
  }
};

CoverageAnswer describe(const std::string& stream_name, const streams::Coverage& coverage);
FragmentAnswer describe(const streams::StoredFragment& stored);

}  // namespace api

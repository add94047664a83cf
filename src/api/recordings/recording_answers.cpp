// SPDX-License-Identifier: Apache-2.0
#include "api/recording_answers.hpp"

#include <array>

namespace api {
namespace {

struct FlagName {
  std::uint32_t bit;
  const char* name;
};
constexpr std::array<FlagName, 5> kFlagNames = {{{streams::kDependent, "dependent"},
                                                 {streams::kArrivalClock, "arrival_clock"},
                                                 {streams::kClockReplaced, "clock_replaced"},
                                                 {streams::kAudio, "audio"},
                                                 {streams::kProducerDocument, "producer_document"}}};

GapAnswer describe_gap(base::WallTime start, base::WallTime end, streams::GapReason reason, bool is_open) {
  return {start, end, streams::gap_reason_name(reason), streams::gap_reason_text(reason), is_open};
}

}  // namespace

CoverageAnswer describe(const std::string& stream_name, const streams::Coverage& coverage) {
  CoverageAnswer answer;
  answer.stream_name = stream_name;
  answer.live = coverage.is_live;
  for (const auto& range : coverage.ranges) answer.ranges.push_back({range.start, range.end});
  for (const auto& gap : coverage.gaps) {
    answer.gaps.push_back(describe_gap(gap.start, gap.end, gap.reason, gap.is_open));
  }
  if (!coverage.next_token.empty()) answer.next_token = coverage.next_token;
  return answer;
}

FragmentAnswer describe(const streams::StoredFragment& stored) {
  const streams::FragmentHeader& header = stored.header;
  FragmentAnswer answer;
  answer.fragment_number = header.number.text();
  answer.producer_timestamp = header.producer_time;
  answer.server_timestamp = header.server_time;
  answer.duration_microseconds = header.duration.count();
  answer.size_in_bytes = stored.payload_size;
  for (const FlagName& flag : kFlagNames) {
    if ((header.flags & flag.bit) != 0) answer.flags.emplace_back(flag.name);
  }
  if (const auto& gap = header.gap_before) answer.gap_before = describe_gap(gap->from, gap->to, gap->reason, false);
  if (header.ended_by) answer.ended_by = streams::gap_reason_name(*header.ended_by);
  return answer;
}

}  // namespace api

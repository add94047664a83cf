// SPDX-License-Identifier: Apache-2.0
#include "api/session_reads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "api/session_answers.hpp"
#include "aws/json.hpp"

namespace api {
namespace {

constexpr std::size_t kMostResults = 1000;
constexpr std::size_t kUsualResults = 100;
// A client may name a hundred addresses; the pairs that tell most come first.
constexpr std::size_t kMostPairs = 16;

using Json = async::Task<aws::Outcome<std::string>>;

using Place = sessions::RecordPlace;

base::Result<std::optional<Place>> read_token(const ReadRequest& request) {
  const auto token = request.find("nextToken");
  if (!token) return std::optional<Place>();
  std::int64_t joined_us = 0;
  const char* const last = token->data() + token->size();
  const auto [end, error] = std::from_chars(token->data(), last, joined_us);
  if (error != std::errc() || end == last || *end != '-') {
    return base::fail(base::Errc::InvalidArgument, "nextToken is none that this read gave");
  }
  return std::optional(Place{base::from_microseconds(joined_us), std::string(end + 1, last)});
}

Json read_sessions(const ListSessions list, ReadRequest request) {
  CO_TRY_VOID(request.allow({"channelName", "maxResults", "nextToken"}));
  CO_TRY(const std::size_t limit, request.count("maxResults", kUsualResults, kMostResults));
  CO_TRY(const auto after, read_token(request));
  const auto records = co_await list(request.find("channelName"));
  SessionsAnswer answer;
  for (const sessions::SessionRecord& record : records) {
    if (after && record.place() >= *after) continue;
    if (answer.sessions.size() == limit) {
      const SessionAnswer& last = answer.sessions.back();
      answer.next_token = fmt::format("{}-{}", base::to_microseconds(last.joined_at), last.session_id);
      break;
    }
    answer.sessions.push_back(describe(record));
  }
  co_return aws::encode(answer);
}

std::string_view state_of(const sessions::SessionRecord& record) {
  using sessions::Step;
  if (record.end) return "ended";
  if (record.steps.has(Step::DtlsConnected)) return "connected";
  if (record.steps.has(Step::Answered)) return "connecting";
  if (record.steps.has(Step::OfferSent)) return "offered";
  return "waiting";
}

std::vector<PairAnswer> describe_pairs(std::vector<webrtc::PairReport> pairs) {
  std::ranges::sort(pairs, std::greater(), [](const webrtc::PairReport& pair) {
    return std::tuple(pair.selected, pair.answered, pair.heard_request, pair.checks_sent);
  });
  if (pairs.size() > kMostPairs) pairs.resize(kMostPairs);
  std::vector<PairAnswer> answers;
  for (const webrtc::PairReport& pair : pairs) {
    answers.push_back({pair.flow.local.text(), pair.flow.remote.text(), static_cast<std::int64_t>(pair.checks_sent),
                       pair.answered, pair.heard_request, pair.selected});
  }
  return answers;
}

SessionNumbersAnswer describe_numbers(const sessions::SessionNumbers& numbers) {
  const auto count = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  SessionNumbersAnswer answer;
  answer.video_packets = count(numbers.video_packets);
  answer.video_bytes = count(numbers.video_bytes);
  answer.video_frames = count(numbers.video_frames);
  answer.video_lost = count(numbers.video_lost);
  answer.video_repaired = count(numbers.video_repaired);
  answer.nacks = count(numbers.nacks);
  answer.plis = count(numbers.plis);
  answer.audio_packets = count(numbers.audio_packets);
  answer.audio_bytes = count(numbers.audio_bytes);
  answer.audio_lost = count(numbers.audio_lost);
  const auto microseconds = [](const std::optional<base::Duration>& time) {
    if (!time) return std::optional<std::int64_t>();
    return std::optional<std::int64_t>(std::chrono::duration_cast<std::chrono::microseconds>(*time).count());
  };
  answer.round_trip_microseconds = microseconds(numbers.round_trip);
  answer.video_jitter_microseconds = microseconds(numbers.video_jitter);
  answer.audio_jitter_microseconds = microseconds(numbers.audio_jitter);
  if (numbers.skew) answer.skew_microseconds = numbers.skew->count();
  return answer;
}

}  // namespace

SessionAnswer describe(const sessions::SessionRecord& record) {
  SessionAnswer answer;
  answer.session_id = record.id;
  answer.channel_name = record.channel_name;
  answer.role = record.client_id.empty() ? "MASTER" : "VIEWER";
  if (!record.client_id.empty()) answer.client_id = record.client_id;
  answer.state = state_of(record);
  answer.joined_at = record.joined_at;
  answer.ended_at = record.ended_at;
  if (record.end) {
    answer.reason = std::string(end_reason_name(record.end->reason));
    answer.reason_text = record.end->text;
  }
  for (const sessions::ReachedStep& reached : record.steps.in_order()) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(reached.since_join);
    answer.steps.push_back({std::string(step_name(reached.step)), elapsed.count()});
  }
  answer.local_candidates = record.local_candidates;
  answer.remote_candidates = record.path.remote_candidates.lines;
  answer.pairs = describe_pairs(record.path.pairs);
  if (record.numbers) answer.numbers = describe_numbers(*record.numbers);
  return answer;
}

void add_session_reads(Handlers& handlers, ListSessions list) {
  handlers.add_read("/api/v1/sessions", "", [list = std::move(list)](const Call&, ReadRequest request) {
    return read_sessions(list, std::move(request));
  });
}

}  // namespace api

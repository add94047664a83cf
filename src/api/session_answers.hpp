// SPDX-License-Identifier: Apache-2.0
#pragma once
// The answer of GET /api/v1/sessions (docs/api.md), as the server writes it and the command line reads it.

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "aws/field.hpp"
#include "base/time.hpp"
#include "sessions/session_history.hpp"

namespace api {

struct StepAnswer {
  std::string step;
  std::int64_t milliseconds = 0;  // since the join
  static constexpr auto fields() {
    return std::tuple(aws::field("step", &StepAnswer::step, {.required = true}),
                      aws::field("milliseconds", &StepAnswer::milliseconds, {.required = true}));
  }
};

struct PairAnswer {
  std::string local;
  std::string remote;
  std::int64_t checks_sent = 0;
  bool answered = false;
  bool remote_checked = false;
  bool selected = false;
  static constexpr auto fields() {
    return std::tuple(aws::field("local", &PairAnswer::local, {.required = true}),
                      aws::field("remote", &PairAnswer::remote, {.required = true}),
                      aws::field("checksSent", &PairAnswer::checks_sent, {.required = true}),
                      aws::field("answered", &PairAnswer::answered, {.required = true}),
                      aws::field("remoteChecked", &PairAnswer::remote_checked, {.required = true}),
                      aws::field("selected", &PairAnswer::selected, {.required = true}));
  }
};

struct SessionNumbersAnswer {
  std::int64_t video_packets = 0;
  std::int64_t video_bytes = 0;
  std::int64_t video_frames = 0;
  std::int64_t video_lost = 0;
  std::int64_t video_repaired = 0;
  std::int64_t nacks = 0;
  std::int64_t plis = 0;
  std::int64_t audio_packets = 0;
  std::int64_t audio_bytes = 0;
  std::int64_t audio_lost = 0;
  std::optional<std::int64_t> round_trip_microseconds;
  std::optional<std::int64_t> video_jitter_microseconds;
  std::optional<std::int64_t> audio_jitter_microseconds;
  std::optional<std::int64_t> skew_microseconds;
  static constexpr auto fields() {
    return std::tuple(aws::field("videoPackets", &SessionNumbersAnswer::video_packets, {.required = true}),
                      aws::field("videoBytes", &SessionNumbersAnswer::video_bytes, {.required = true}),
                      aws::field("videoFrames", &SessionNumbersAnswer::video_frames, {.required = true}),
                      aws::field("videoLost", &SessionNumbersAnswer::video_lost, {.required = true}),
                      aws::field("videoRepaired", &SessionNumbersAnswer::video_repaired, {.required = true}),
                      aws::field("nacks", &SessionNumbersAnswer::nacks, {.required = true}),
                      aws::field("plis", &SessionNumbersAnswer::plis, {.required = true}),
                      aws::field("audioPackets", &SessionNumbersAnswer::audio_packets, {.required = true}),
                      aws::field("audioBytes", &SessionNumbersAnswer::audio_bytes, {.required = true}),
                      aws::field("audioLost", &SessionNumbersAnswer::audio_lost, {.required = true}),
                      aws::field("roundTripMicroseconds", &SessionNumbersAnswer::round_trip_microseconds),
                      aws::field("videoJitterMicroseconds", &SessionNumbersAnswer::video_jitter_microseconds),
                      aws::field("audioJitterMicroseconds", &SessionNumbersAnswer::audio_jitter_microseconds),
                      aws::field("skewMicroseconds", &SessionNumbersAnswer::skew_microseconds));
  }
};

struct SessionAnswer {
  std::string session_id;
  std::string channel_name;
  std::string role;  // MASTER, VIEWER
  std::optional<std::string> client_id;
  std::string state;
  base::WallTime joined_at;
  std::optional<base::WallTime> ended_at;
  std::optional<std::string> reason;       // "no_path"
  std::optional<std::string> reason_text;  // in plain words, with the remedy
  std::vector<StepAnswer> steps;
  std::vector<std::string> local_candidates;
  std::vector<std::string> remote_candidates;
  std::vector<PairAnswer> pairs;
  std::optional<SessionNumbersAnswer> numbers;
  static constexpr auto fields() {
    return std::tuple(
        aws::field("sessionId", &SessionAnswer::session_id, {.required = true}),
        aws::field("channelName", &SessionAnswer::channel_name, {.required = true}),
        aws::field("role", &SessionAnswer::role, {.required = true}), aws::field("clientId", &SessionAnswer::client_id),
        aws::field("state", &SessionAnswer::state, {.required = true}),
        aws::field("joinedAt", &SessionAnswer::joined_at, {.required = true}),
        aws::field("endedAt", &SessionAnswer::ended_at), aws::field("reason", &SessionAnswer::reason),
        aws::field("reasonText", &SessionAnswer::reason_text),
        aws::field("steps", &SessionAnswer::steps, {.required = true, .write_empty = true}),
        aws::field("localCandidates", &SessionAnswer::local_candidates, {.required = true, .write_empty = true}),
        aws::field("remoteCandidates", &SessionAnswer::remote_candidates, {.required = true, .write_empty = true}),
        aws::field("pairs", &SessionAnswer::pairs, {.required = true, .write_empty = true}),
        aws::field("numbers", &SessionAnswer::numbers));
  }
};

struct SessionsAnswer {
  std::vector<SessionAnswer> sessions;
  std::optional<std::string> next_token;
  static constexpr auto fields() {
    return std::tuple(aws::field("sessions", &SessionsAnswer::sessions, {.required = true, .write_empty = true}),
                      aws::field("nextToken", &SessionsAnswer::next_token));
  }
};

SessionAnswer describe(const sessions::SessionRecord& record);

}  // namespace api

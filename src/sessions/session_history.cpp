// SPDX-License-Identifier: Apache-2.0
#include "sessions/session_history.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"

namespace sessions {
namespace {

std::string name_of(const SessionRecord& record) {
  const std::string viewer = record.client_id.empty() ? "" : fmt::format(", viewer {}", record.client_id);
  return fmt::format("session {} of channel {}{}", record.id, record.channel_name, viewer);
}

}  // namespace

SessionTrace::~SessionTrace() {
  if (record_ != nullptr) end(last_seen_, {EndReason::ServerStopped, "the server is stopping"});
}

void SessionTrace::restart(base::Instant now, base::WallTime wall) {
  record_->joined = last_seen_ = now;
  record_->joined_at = wall;
  record_->steps = SessionSteps(now);
}

void SessionTrace::reach(base::Instant now, Step step) {
  if (record_->end || !record_->steps.reach(now, step)) return;
  last_seen_ = std::max(last_seen_, now);
  SessionOutcomes& outcomes = history_->outcomes_;
  const base::Duration elapsed = now - record_->joined;
  if (step == Step::IceConnected) outcomes.join_to_ice.count(elapsed);
  if (step == Step::FirstFrame) outcomes.join_to_frame.count(elapsed);
  if (step == Step::FirstFragmentDurable) outcomes.join_to_durable.count(elapsed);
}

void SessionTrace::note_path(webrtc::PathReport path) {
  if (record_->end) return;
  reach(path.remote_candidates.first, Step::FirstCandidate);
  base::Instant first_check = base::kNever;
  for (const webrtc::PairReport& pair : path.pairs) first_check = std::min(first_check, pair.first_check);
  reach(first_check, Step::FirstCheck);
  reach(path.first_media, Step::FirstRtp);
  record_->path = std::move(path);
}

void SessionTrace::note_local_candidates(std::vector<std::string> lines) {
  record_->local_candidates = std::move(lines);
}

void SessionTrace::note_numbers(SessionNumbers numbers) {
  if (!record_->end) record_->numbers = numbers;
}

void SessionTrace::end(base::Instant now, SessionEnd how) {
  if (record_->end) return;
  SessionRecord& record = *record_;
  record.end = std::move(how);
  const base::Duration lived = std::max(now - record.joined, base::Duration::zero());
  record.ended_at = record.joined_at + std::chrono::floor<std::chrono::microseconds>(lived);
  base::log_info("{}: ended after {:.1f} s, {}: {} ({})", name_of(record), std::chrono::duration<double>(lived).count(),
                 end_reason_name(record.end->reason), record.end->text, record.steps.text());
  history_->finish(number_);
}

SessionTrace SessionHistory::begin(base::Instant now, base::WallTime wall, std::string channel_name,
                                   std::string client_id) {
  const auto record = std::make_shared<SessionRecord>();
  record->id = fmt::format("{:016x}", random_.u64());
  record->channel_name = std::move(channel_name);
  record->client_id = std::move(client_id);
  record->joined_at = wall;
  record->joined = now;
  record->steps = SessionSteps(now);
  const std::uint64_t number = next_number_++;
  live_.emplace(number, record);
  SessionTrace trace(*this, number, record);
  trace.last_seen_ = now;
  return trace;
}

void SessionHistory::finish(std::uint64_t number) {
  const auto node = live_.extract(number);
  const std::shared_ptr<SessionRecord>& record = node.mapped();
  ++outcomes_.ends[static_cast<std::size_t>(record->end->reason)];
  make_room(record->channel_name);
  ended_.push_back(record);
}

void SessionHistory::make_room(const std::string& channel_name) {
  const auto is_of_channel = [&](const auto& record) { return record->channel_name == channel_name; };
  if (static_cast<std::size_t>(std::ranges::count_if(ended_, is_of_channel)) >= kMaxEndedOfChannel) {
    ended_.erase(std::ranges::find_if(ended_, is_of_channel));
  } else if (ended_.size() >= kMaxEnded) {
    ended_.pop_front();
  }
}

std::vector<SessionRecord> SessionHistory::list(const std::optional<std::string>& channel_name) const {
  std::vector<SessionRecord> found;
  const auto take = [&](const SessionRecord& record) {
    if (!channel_name || record.channel_name == *channel_name) found.push_back(record);
  };
  for (const auto& [number, record] : live_) take(*record);
  for (const auto& record : ended_) take(*record);
  std::ranges::sort(found, std::greater(), &SessionRecord::place);
  return found;
}

}  // namespace sessions

// SPDX-License-Identifier: Apache-2.0
#include "streams/producer_session.hpp"

#include <algorithm>
#include <utility>

namespace streams {
namespace {

using container::StreamFault;
namespace event = container::stream_event;

constexpr auto kSmallestGap = std::chrono::milliseconds(500);
constexpr std::int64_t kLatestProducerTime = 253'402'300'799'000'000;  // the end of year 9999, microseconds

ProducerError error_of(StreamFault fault) {
  switch (fault) {
    case StreamFault::Malformed:
      return ProducerError::InvalidMatroska;
    case StreamFault::FragmentTooLong:
      return ProducerError::FragmentTooLarge;
    case StreamFault::TagsTooLong:
      return ProducerError::TooMuchMetadata;
    case StreamFault::TimeOutOfRange:
      return ProducerError::InvalidProducerTimestamp;
  }
  return ProducerError::Internal;
}

}  // namespace

ProducerSession::ProducerSession(ProducerSettings settings, ProducerLimits limits, std::shared_ptr<FragmentLog> log,
                                 base::Instant now)
    : settings_(settings),
      limits_(limits),
      log_(std::move(log)),
      outcome_(std::make_shared<Outcome>()),
      stream_(limits.stream),
      began_(now),
      byte_at_(now),
      idle_ack_at_(now + limits.idle_ack) {}

ProducerSession::~ProducerSession() {
  give_number_back();
}

void ProducerSession::handle_bytes(base::ByteView bytes, base::Instant now, base::WallTime wall) {
  take_answers();
  if (over_) return;
  byte_at_ = now;
  idle_ack_at_ = now + limits_.idle_ack;
  stats_.bytes += bytes.size();
  stream_.push(bytes);
  handle_events(now, wall);
}

void ProducerSession::handle_end(bool whole, base::Instant now, base::WallTime wall) {
  if (over_) return;
  is_ending_ = true;
  stream_.finish(whole);
  handle_events(now, wall);
  if (open_) fail(ProducerError::StreamRead);
  over_ = true;
}

void ProducerSession::handle_events(base::Instant now, base::WallTime wall) {
  while (!over_) {
    auto next = stream_.poll_event();
    if (!next) return;
    if (std::get_if<event::Header>(&*next)) rules_.emplace(limits_.rules, stream_.tracks());
    if (std::get_if<event::FragmentBegan>(&*next)) open_ = Open{.server_time = wall, .began = now};
    if (const auto* time = std::get_if<event::FragmentTime>(&*next)) handle(*time);
    if (const auto* frame = std::get_if<event::Frame>(&*next)) judge(rules_->add_frame(*frame));
    if (const auto* tags = std::get_if<event::FragmentTags>(&*next)) judge(rules_->add_tags(tags->tags));
    if (auto* complete = std::get_if<event::FragmentComplete>(&*next)) handle(*complete, now, wall);
    if (const auto* fault = std::get_if<event::Fault>(&*next)) fail(error_of(fault->kind));
  }
}

base::WallTime ProducerSession::producer_time(std::int64_t timestamp_ns) const {
  const base::WallTime zero = settings_.absolute ? base::WallTime() : settings_.start;
  return zero + std::chrono::floor<std::chrono::microseconds>(std::chrono::nanoseconds(timestamp_ns));
}

// The number is taken here, some bytes after the first: the acknowledgement names the time.
void ProducerSession::handle(const event::FragmentTime& time) {
  open_->timestamp_ns = time.timestamp_ns;
  open_->number = log_->open_fragment(open_->server_time);
  acknowledge(ProducerAckKind::Buffering);
  if (log_->deleted()) return fail(ProducerError::StreamNotActive);
  const std::int64_t at = base::to_microseconds(producer_time(time.timestamp_ns));
  if (at < 0 || at > kLatestProducerTime) return fail(ProducerError::InvalidProducerTimestamp);
  judge(rules_->begin_fragment(time.timestamp_ns));
}

void ProducerSession::handle(event::FragmentComplete& complete, base::Instant now, base::WallTime wall) {
  ProducerFragmentFacts facts;
  if (const auto verdict = rules_->complete_fragment(is_ending_, facts)) return fail(*verdict);
  if (!open_->number) {  // it was given back: the fragment counts as one that begins now
    open_->server_time = wall;
    open_->number = log_->open_fragment(wall);
    ++stats_.renumbered;
    acknowledge(ProducerAckKind::Buffering);
  }
  acknowledge(ProducerAckKind::Received);
  paused_until_ = now + fragment_rate_.reserve(now, limits_.fragments_per_second, 1);
  is_paused_ = paused_until_ > now;
  commit(std::move(complete.document), facts);
}

void ProducerSession::commit(base::Bytes document, const ProducerFragmentFacts& facts) {
  FragmentDraft draft;
  draft.producer_time = producer_time(*open_->timestamp_ns);
  draft.server_time = open_->server_time;
  draft.duration = facts.duration;
  draft.flags = kProducerDocument;
  if (facts.dependent) draft.flags |= kDependent;
  draft.codec_fingerprint = rules_->fingerprint();
  draft.pictures_after = facts.pictures_after;
  draft.sound_after = facts.sound_after;
  draft.sound_length = facts.sound_length;
  draft.gap_before = gap_before(draft.producer_time, facts);
  end_ = draft.producer_time + draft.duration;
  Answer answer{.ack = make_ack(ProducerAckKind::Persisted), .bytes = document.size(), .error = {}};
  uncommitted_bytes_ += answer.bytes;
  ++uncommitted_fragments_;
  draft.payload = std::make_shared<const base::Bytes>(std::move(document));
  const FragmentNumber number = *open_->number;
  open_.reset();
  log_->commit(number, std::move(draft),
               [outcome = outcome_, answer = std::move(answer)](base::Result<StoredFragment> result) mutable {
                 if (result) {
                   answer.durable = result->is_durable();
                 } else {
                   answer.error = std::move(result).error();
                 }
                 {
                   const std::lock_guard lock(outcome->mutex);
                   outcome->answers.push_back(std::move(answer));
                 }
                 outcome->changed.notify_all();
               });
  take_answers();  // a full store refuses at once
}

// The producer's clock says what is missing: nobody else knows what it recorded.
std::optional<Gap> ProducerSession::gap_before(base::WallTime start, const ProducerFragmentFacts& facts) const {
  const std::optional<RecordingEnd> before = end_ ? RecordingEnd{*end_} : log_->recorded_until();
  if (!before) return {};
  const auto tolerance = std::max<std::chrono::microseconds>(kSmallestGap, facts.frame_time * 3 / 2);
  if (start - before->producer_end <= tolerance) return {};
  return Gap{before->gap_reason, before->producer_end, start};
}

void ProducerSession::take_answers() {
  std::vector<Answer> answers;
  {
    const std::lock_guard lock(outcome_->mutex);
    answers.swap(outcome_->answers);
  }
  for (Answer& answer : answers) {
    uncommitted_bytes_ -= answer.bytes;
    --uncommitted_fragments_;
    if (!answer.error) {
      ++stats_.fragments;
      if (answer.durable && settings_.wants_acks) acks_.push_back(answer.ack);
      continue;
    }
    const bool gone = answer.error->code == base::Errc::NotFound;
    answer.ack.kind = ProducerAckKind::Error;
    answer.ack.error = gone ? ProducerError::StreamNotActive : ProducerError::Archival;
    acks_.push_back(answer.ack);
    drop_open();
    over_ = true;
  }
}

std::optional<ProducerAck> ProducerSession::poll_ack() {
  take_answers();
  if (acks_.empty()) return std::nullopt;
  const ProducerAck ack = acks_.front();
  acks_.pop_front();
  return ack;
}

bool ProducerSession::accepts_bytes() const {
  return !over_ && !is_paused_ && uncommitted_fragments_ < limits_.uncommitted_fragments &&
         uncommitted_bytes_ < limits_.uncommitted_bytes && acks_.size() < limits_.unsent_acks;
}

base::Instant ProducerSession::number_due() const {
  if (!open_ || !open_->number) return base::kNever;
  return std::min(byte_at_ + limits_.number_unused, open_->began + limits_.number_held);
}

base::Instant ProducerSession::next_time() const {
  if (over_) return base::kNever;
  base::Instant next = number_due();
  if (is_paused_) next = std::min(next, paused_until_);
  if (limits_.connection.count() > 0) next = std::min(next, began_ + limits_.connection);
  if (accepts_bytes()) next = std::min({next, idle_ack_at_, byte_at_ + limits_.idle});
  return next;
}

void ProducerSession::handle_time(base::Instant now, base::WallTime wall) {
  take_answers();
  if (over_) return;
  if (now >= paused_until_) is_paused_ = false;
  if (!accepts_bytes()) byte_at_ = now;  // it is we who do not read
  if (now >= number_due()) give_number_back();
  if (limits_.connection.count() > 0 && now >= began_ + limits_.connection) {
    return fail(ProducerError::ConnectionTooLong);
  }
  if (!accepts_bytes()) return;
  if (now >= byte_at_ + limits_.idle) return handle_end(false, now, wall);
  if (now < idle_ack_at_) return;
  idle_ack_at_ = now + limits_.idle_ack;
  if (log_->deleted()) return fail(ProducerError::StreamNotActive);
  if (settings_.wants_acks) acks_.push_back({.kind = ProducerAckKind::Idle});
}

ProducerAck ProducerSession::make_ack(ProducerAckKind kind) const {
  ProducerAck ack{.kind = kind};
  if (!open_) return ack;
  if (open_->timestamp_ns) ack.timecode_ms = *open_->timestamp_ns / 1'000'000;
  ack.number = open_->number;
  return ack;
}

void ProducerSession::acknowledge(ProducerAckKind kind) {
  if (settings_.wants_acks) acks_.push_back(make_ack(kind));
}

void ProducerSession::judge(ProducerRules::Verdict verdict) {
  if (verdict) fail(*verdict);
}

void ProducerSession::fail(ProducerError error) {
  ProducerAck ack = make_ack(ProducerAckKind::Error);
  ack.error = error;
  acks_.push_back(ack);
  drop_open();
  over_ = true;
}

void ProducerSession::give_number_back() {
  if (open_ && open_->number) log_->abandon(*std::exchange(open_->number, std::nullopt));
}

void ProducerSession::drop_open() {
  give_number_back();
  open_.reset();
}

}  // namespace streams

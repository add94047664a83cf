// SPDX-License-Identifier: Apache-2.0
#include "recorded_call.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "times.hpp"
#include "webrtc/dtls/fake_wall_clock.hpp"

namespace impairments {
namespace {

constexpr base::Duration kConnectLimit = 20s;
constexpr base::Duration kRepairTime = 4s;  // after the last picture: more than a repair deadline
constexpr base::Duration kConsentIsLost = 30s;
constexpr int kMostStepsAtOnce = 10'000;

}  // namespace

RecordedCall::RecordedCall(const Cell& cell, std::uint64_t seed)
    : cell_(cell),
      random_(seed),
      wire_(cell_, random_),
      server_certificate_(webrtc::Certificate::make(kToday).value()),
      camera_certificate_(webrtc::Certificate::make(kToday).value()),
      sounds_(cell.dtx) {}

Result RecordedCall::run(const std::function<void(int minute, const Ledger&)>& each_minute) {
  move_clock(now_);
  join();
  tick();
  const base::Instant limit = now_ + kConnectLimit;
  while (!filming_since_ && now_ < limit) run_until(now_ + 10ms);
  if (filming_since_) schedule_event();
  const base::Instant end = filming_since_.value_or(now_) + cell_.length;
  for (int minute = 1; now_ < end; ++minute) {
    run_until(std::min(end, now_ + 60s));
    if (each_minute) each_minute(minute, ledger_);
    if (cell_.length > 300s) ledger_.forget_before(now_ - 120s);
  }
  run_until(end + kRepairTime);
  camera_->close(now_);
  run_until(now_ + 2s);
  if (recorder_) end_connection("the test is over");
  take_stored();
  decoder_.flush();
  ledger_.fill(result_, wire_.lost_media());
  result_.decoded = decoder_.pictures();
  result_.decode_errors = decoder_.errors();
  if (light_again_) {
    if (const auto taken = ledger_.first_picture_after(*light_again_)) result_.picture_taken = *taken - *light_again_;
  }
  return result_;
}

void RecordedCall::schedule_event() {
  const base::Instant when = *filming_since_ + kEventAt;
  if (cell_.new_address) at(when, [this] { wire_.change_address(); });
  if (cell_.new_ssrc || cell_.new_payload_type) at(when, [this] { change_source(); });
  if (cell_.new_size) at(when, [this] { pictures_.change_size(); });
  if (cell_.blackout == cell_.blackout.zero()) return;
  at(when, [this] { wire_.set_dark(true); });
  at(when + cell_.blackout, [this] {
    wire_.set_dark(false);
    light_again_ = now_;
    if (cell_.blackout > kConsentIsLost) join();
  });
}

void RecordedCall::move_clock(base::Instant to) {
  now_ = to;
  webrtc::dtls::set_fake_wall_clock(to);
}

base::Instant RecordedCall::next_step() const {
  base::Instant next = std::min(server_->next_timeout(), camera_->next_timeout());
  if (const auto arrival = wire_.next()) next = std::min(next, *arrival);
  if (!actions_.empty()) next = std::min(next, actions_.begin()->first);
  return next;
}

void RecordedCall::run_until(base::Instant end) {
  for (;;) {
    settle();
    const base::Instant next = next_step();
    if (next > end) break;
    steps_now_ = next <= now_ ? steps_now_ + 1 : 0;
    CHECK(steps_now_ <= kMostStepsAtOnce);  // a timer that is always due: the server would spin
    move_clock(std::max(now_, next));
    deliver();
    while (!actions_.empty() && actions_.begin()->first <= now_) {
      const auto action = std::move(actions_.extract(actions_.begin()).mapped());
      action();
    }
    for (webrtc::Peer* peer : {server_.get(), camera_.get()}) {
      if (peer->next_timeout() <= now_) peer->handle_timeout(now_);
    }
  }
  move_clock(end);
}

// What arrives at one moment is one batch.
void RecordedCall::deliver() {
  std::vector<Arrival> arrivals[2];
  while (auto arrival = wire_.take_due(now_)) arrivals[arrival->at_server ? 1 : 0].push_back(*std::move(arrival));
  for (const bool at_server : {false, true}) {
    std::vector<base::Datagram> batch;
    for (Arrival& arrival : arrivals[at_server ? 1 : 0]) batch.push_back({arrival.flow, arrival.payload});
    if (batch.empty()) continue;
    (at_server ? *server_ : *camera_).handle_datagrams(now_, batch);
  }
  settle();
  if (!arrivals[1].empty()) handle_batch_end();
}

void RecordedCall::settle() {
  while (auto event = server_->poll_event()) handle_server_event(*std::move(event));
  while (auto event = camera_->poll_event()) handle_camera_event(*event);
  while (auto transmit = server_->poll_transmit()) wire_.send(now_, *std::move(transmit), false);
  while (auto transmit = camera_->poll_transmit()) wire_.send(now_, *std::move(transmit), true);
  take_stored();
}

void RecordedCall::take_stored() {
  for (const streams::FragmentDraft& draft : log_->drafts) {
    ledger_.note_stored(draft);
    decoder_.add(*draft.payload);
    log_->recording_end = {draft.producer_time + draft.duration, streams::GapReason::PublisherLeft};
  }
  log_->drafts.clear();
}

}  // namespace impairments

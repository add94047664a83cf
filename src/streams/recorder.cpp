// SPDX-License-Identifier: Apache-2.0
#include "streams/recorder.hpp"

#include "async/shard.hpp"
#include "streams/recorder_session.hpp"

namespace streams {

Recorder::Recorder(RecorderOptions options, std::shared_ptr<FragmentLog> log, base::Instant now, base::WallTime wall)
    : session_(std::make_unique<Session>(options, std::move(log), now, wall)) {}
Recorder::~Recorder() = default;

void Recorder::set_sdp_parameter_sets(const std::vector<base::Bytes>& nal_units) {
  session_->set_sdp_parameter_sets(nal_units);
}
void Recorder::add_audio(const std::string& participant) {
  session_->add_audio(session_->participant(participant));
}

void Recorder::end_audio(base::Instant now, const std::string& participant) {
  session_->end_audio(now, participant);
}

void Recorder::write_frame(const std::string& participant, const ArrivedFrame& frame) {
  if (frame.kind == MediaKind::Audio) {
    Participant& from = session_->participant(participant);
    session_->add_audio(from);
    session_->write_audio(from, frame);
  } else if (participant.empty()) {
    session_->write_video(frame);
  }
  session_->show(frame.arrived);
  session_->commit_waiting(frame.arrived);
}

void Recorder::prefetch(int step) const {
  session_->prefetch(step);
}
void Recorder::handle_sender_report(const std::string& participant, const ClockReport& report) {
  session_->handle_report(session_->participant(participant), report);
}
void Recorder::handle_timeout(base::Instant now, base::WallTime wall) {
  session_->handle_timeout(now, wall);
}
void Recorder::restart_media(base::Instant now) {
  session_->restart_media(now);
}
void Recorder::shed(base::Instant now) {
  session_->interrupt(now, GapReason::Overload);
}
bool Recorder::wants_key_frame(base::Instant now) const {
  return session_->wants_key_frame(now);
}
std::vector<Recorder::RecentPicture> Recorder::since_key_frame() const {
  return session_->since_key_frame();
}
void Recorder::finish(base::Instant now, GapReason reason) {
  session_->finish(now, reason);
}
RecorderStats Recorder::stats() const {
  return session_->stats();
}
std::optional<std::chrono::microseconds> Recorder::skew() const {
  return session_->skew();
}

async::Task<void> Recorder::wait_until_durable(base::Duration timeout) {
  const auto outcome = session_->outcome();
  const base::Instant deadline = async::now() + timeout;
  while (true) {
    const std::uint64_t ticket = outcome->answered.ticket();
    {
      const std::lock_guard lock(outcome->mutex);
      if (outcome->uncommitted == 0) co_return;
    }
    const bool in_time = co_await outcome->answered.wait(ticket, deadline);
    if (!in_time) co_return;
  }
}

async::Task<bool> Recorder::wait_for_fragment(std::uint64_t ordinal) {
  const auto outcome = session_->outcome();
  while (true) {
    const std::uint64_t ticket = outcome->answered.ticket();
    {
      const std::lock_guard lock(outcome->mutex);
      if (outcome->newest_durable >= ordinal) co_return true;
      if (outcome->recorder_is_gone && outcome->uncommitted == 0) co_return false;
    }
    co_await outcome->answered.wait(ticket, base::kNever);
  }
}

}  // namespace streams

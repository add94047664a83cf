// SPDX-License-Identifier: Apache-2.0
// The server's side of a call, as sessions::StorageSession does it: which event goes where, and when a key frame is
// asked for.
#include "base/check.hpp"
#include "recorded_call.hpp"
#include "times.hpp"

namespace impairments {
namespace {

streams::MediaKind to_stream_kind(webrtc::MediaKind kind) {
  return kind == webrtc::MediaKind::Video ? streams::MediaKind::Video : streams::MediaKind::Audio;
}

std::uint32_t clock_of(webrtc::MediaKind kind) {
  return kind == webrtc::MediaKind::Video ? 90'000 : 48'000;
}

}  // namespace

// A new connection of both sides. Descriptions take half a round trip each.
void RecordedCall::join() {
  if (server_ && recorder_) end_connection("replaced");
  wire_.clear();
  history_ = std::make_shared<rtp::PacketHistory>();
  webrtc::PeerOptions options;
  options.role = webrtc::PeerOptions::Role::Offerer;
  options.certificate = server_certificate_;
  options.local_addresses = {base::SocketAddress::parse("192.0.2.1:8443").value()};
  options.video_history = history_;
  server_ = std::make_unique<webrtc::Peer>(now_, random_, options);

  options.role = webrtc::PeerOptions::Role::Answerer;
  options.certificate = camera_certificate_;
  options.local_addresses = {base::SocketAddress::parse("198.51.100.7:50000").value()};
  options.video_history = nullptr;
  options.video = options.audio = webrtc::Direction::SendOnly;
  camera_ = std::make_unique<webrtc::Peer>(now_, random_, options);
  ++connection_;
  const std::string offer = server_->create_offer(now_);
  at(now_ + cell_.round_trip / 2, [this, offer] {
    auto answer = camera_->accept_offer(now_, offer);
    CHECK(answer);
    at(now_ + cell_.round_trip / 2,
       [this, text = with_second_payload_type(*std::move(answer))] { CHECK(server_->set_answer(now_, text)); });
  });
}

void RecordedCall::handle_server_event(webrtc::PeerEvent event) {
  if (auto* frame = std::get_if<webrtc::FrameReceived>(&event)) {
    record(std::move(*frame));
  } else if (const auto* report = std::get_if<webrtc::SenderReportReceived>(&event)) {
    if (recorder_) {
      recorder_->handle_sender_report(
          "", {to_stream_kind(report->kind), report->ntp, report->rtp_timestamp, clock_of(report->kind)});
    }
  } else if (std::holds_alternative<webrtc::DtlsConnected>(event)) {
    activate();
  } else if (std::holds_alternative<webrtc::RemoteClosed>(event)) {
    end_connection("the client closed the connection");
  } else if (const auto* failed = std::get_if<webrtc::Failed>(&event)) {
    end_connection(failed->reason);
  }
}

void RecordedCall::activate() {
  recorder_ = std::make_unique<streams::Recorder>(streams::RecorderOptions{}, log_, now_, server_wall(now_));
  recorder_->set_sdp_parameter_sets(server_->sdp_parameter_sets());
  if (server_->receives(webrtc::MediaKind::Audio)) recorder_->add_audio("");
}

void RecordedCall::record(webrtc::FrameReceived event) {
  if (!recorder_) return;
  streams::ArrivedFrame frame;
  frame.kind = to_stream_kind(event.kind);
  frame.frame = std::move(event.frame.frame);
  frame.rtp_timestamp = event.frame.rtp_timestamp;
  frame.clock_rate = clock_of(event.kind);
  frame.arrived = event.frame.arrived;
  frame.after_loss = event.frame.after_loss;
  const std::uint64_t before = recorder_->stats().video_frames;
  recorder_->write_frame("", std::move(frame));
  if (!light_again_ || result_.picture_back || recorder_->stats().video_frames == before) return;
  const auto taken = ledger_.taken(event.frame.rtp_timestamp);
  if (taken && *taken >= *light_again_) result_.picture_back = now_ - *light_again_;
}

void RecordedCall::handle_batch_end() {
  history_->forget_fresh();
  if (recorder_ && recorder_->wants_key_frame(now_)) {
    server_->request_key_frame(now_);
    settle();
  }
}

// What waited for a repair comes out when the peer is closed.
void RecordedCall::end_connection(const std::string& reason) {
  if (result_.ended.empty()) result_.ended = reason;
  server_->close(now_);
  while (auto event = server_->poll_event()) {
    if (auto* frame = std::get_if<webrtc::FrameReceived>(&*event)) record(std::move(*frame));
  }
  if (!recorder_) return;
  recorder_->finish(now_, streams::GapReason::PublisherLeft);
  recorder_.reset();
}

void RecordedCall::tick() {
  if (recorder_) recorder_->handle_timeout(now_, server_wall(now_));
  at(now_ + 1s, [this] { tick(); });
}

}  // namespace impairments

// SPDX-License-Identifier: Apache-2.0
// The camera's side of a call: it films from its first connection on, whether anybody listens or not.
#include <cmath>

#include "recorded_call.hpp"
#include "times.hpp"

namespace impairments {
namespace {

using std::chrono::nanoseconds;

constexpr std::int64_t kPictureTicks = 90'000 / kFramesPerSecond;
constexpr std::uint8_t kSecondPayloadType = 97;
// The camera's clock is that much ahead of the server's when it starts.
constexpr auto kCameraLead = std::chrono::milliseconds(700);

nanoseconds scaled(nanoseconds time, int ppm) {
  return nanoseconds(std::llround(static_cast<long double>(time.count()) / (1.0L + ppm * 1e-6L)));
}

}  // namespace

void RecordedCall::handle_camera_event(const webrtc::PeerEvent& event) {
  if (std::holds_alternative<webrtc::DtlsConnected>(event)) {
    picture_rtp_ = random_.u32();
    sound_rtp_ = random_.u32();
    if (!filming_since_) start_filming();
  } else if (std::holds_alternative<webrtc::KeyFrameRequested>(event)) {
    pictures_.request_key_frame();
  }
}

void RecordedCall::start_filming() {
  filming_since_ = now_;
  at(now_, [this] { film(0); });
  at(now_, [this] { hear(0); });
}

base::Instant RecordedCall::true_time(nanoseconds camera_time) const {
  return *filming_since_ + scaled(camera_time, cell_.camera_ppm);
}

base::WallTime RecordedCall::camera_wall(webrtc::MediaKind kind, nanoseconds camera_time) const {
  const auto since = std::chrono::floor<std::chrono::microseconds>(camera_time);
  if (cell_.reports == Reports::OldClock) return base::WallTime() + since;
  base::WallTime wall = server_wall(*filming_since_) + kCameraLead + since;
  if (cell_.reports == Reports::ClockSteps && camera_time >= kEventAt) wall -= std::chrono::hours(1);
  if (cell_.reports == Reports::VideoAhead && kind == webrtc::MediaKind::Video) wall += 10s;
  return wall;
}

void RecordedCall::film(std::int64_t number) {
  const nanoseconds captured = nanoseconds(1s) * number / kFramesPerSecond;
  const codecs::Frame frame = pictures_.next();
  if (camera_->connected()) {
    const auto rtp = static_cast<std::uint32_t>(picture_rtp_ + number * kPictureTicks);
    ledger_.note_sent(codecs::MediaKind::Video, rtp,
                      {connection_, std::chrono::floor<std::chrono::microseconds>(captured), now_}, frame.payload);
    camera_->send_frame(now_, webrtc::MediaKind::Video, frame, rtp, camera_wall(webrtc::MediaKind::Video, captured));
  }
  const base::Instant next = true_time(nanoseconds(1s) * (number + 1) / kFramesPerSecond);
  if (next < *filming_since_ + cell_.length) at(next, [this, number] { film(number + 1); });
}

void RecordedCall::hear(std::int64_t number) {
  const nanoseconds captured = scaled(number * nanoseconds(20ms), cell_.sound_ppm);
  const auto frame = sounds_.next();
  if (frame && camera_->connected()) {
    const auto rtp = static_cast<std::uint32_t>(sound_rtp_ + number * SoundSource::kSamples);
    ledger_.note_sent(codecs::MediaKind::Audio, rtp,
                      {connection_, std::chrono::floor<std::chrono::microseconds>(captured), now_}, frame->payload);
    camera_->send_frame(now_, webrtc::MediaKind::Audio, *frame, rtp, camera_wall(webrtc::MediaKind::Audio, captured));
  }
  const base::Instant next = true_time(scaled((number + 1) * nanoseconds(20ms), cell_.sound_ppm));
  if (next < *filming_since_ + cell_.length) at(next, [this, number] { hear(number + 1); });
}

// An answer that leaves two payload types lets the camera change between them.
std::string RecordedCall::with_second_payload_type(std::string answer) const {
  if (!cell_.new_payload_type) return answer;
  const std::size_t line = answer.find("m=video");
  const std::size_t line_end = answer.find("\r\n", line);
  answer.insert(line_end, " 97");
  const std::size_t next_section = std::min(answer.find("m=", line_end), answer.size());
  answer.insert(next_section,
                "a=rtpmap:97 H264/90000\r\n"
                "a=fmtp:97 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
                "a=rtcp-fb:97 nack\r\na=rtcp-fb:97 nack pli\r\n");
  return answer;
}

void RecordedCall::change_source() {
  if (cell_.new_payload_type) camera_->change_payload_type(webrtc::MediaKind::Video, kSecondPayloadType);
  if (!cell_.new_ssrc) return;
  camera_->restart_source(webrtc::MediaKind::Video);
  picture_rtp_ = random_.u32();
  pictures_.request_key_frame();
}

}  // namespace impairments

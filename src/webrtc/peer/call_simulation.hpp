// SPDX-License-Identifier: Apache-2.0
#pragma once
// For tests: a storage session's peer and a camera's, joined by a wire with faults, in virtual time. Same seed, same
// packets (but for the bytes of the DTLS handshake). The test binary owns OpenSSL's clock by fake_wall_clock.hpp.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "webrtc/peer/peer.hpp"

namespace webrtc::simulation {

struct WireOptions {
  base::Duration delay = std::chrono::milliseconds(20);
  base::Duration jitter{};  // added uniformly: reorders
  unsigned loss_permille = 0;
  unsigned duplicate_permille = 0;
  // A copy with one byte changed overtakes the original. DTLS is left alone until both ends are connected: its
  // handshake is not authenticated before its end.
  unsigned forged_permille = 0;
};

// One end: a peer and all that it said.
struct End {
  std::unique_ptr<Peer> peer;
  std::vector<FrameReceived> frames;
  std::vector<SenderReportReceived> reports;
  std::vector<std::string> milestones;  // "ice", "dtls", "closed", "failed: why", "key frame requested", ...
  std::uint64_t lost = 0;               // packets, by PacketsLost
  std::optional<base::Instant> connected_at;

  bool reached(std::string_view milestone) const;
  std::vector<FrameReceived> frames_of(MediaKind kind) const;
};

struct SentFrame {
  codecs::Frame frame;
  std::uint32_t rtp_timestamp;
};

class Call {
 public:
  explicit Call(std::uint64_t seed, WireOptions wire_options = {});

  // To be changed before start().
  PeerOptions server_options;
  PeerOptions camera_options;
  base::Duration offer_delay = std::chrono::milliseconds(50);
  base::Duration answer_delay = std::chrono::milliseconds(50);
  std::function<std::string(std::string)> change_offer = [](std::string sdp) { return sdp; };
  std::function<std::string(std::string)> change_answer = [](std::string sdp) { return sdp; };
  bool trickle_candidates = false;  // hand over candidate lines beside the descriptions, 30 ms later each
  WireOptions wire;

  void start();
  void run_for(base::Duration duration);
  // Sends `seconds` of video (30 per second, a key frame each second) and audio (if the camera sends it), starting now.
  void stream(int seconds);

  base::Instant now() const { return now_; }
  base::Random& random() { return random_; }
  End server, camera;
  std::vector<SentFrame> video_sent, audio_sent;
  std::optional<base::Error> answer_error, offer_error;
  std::uint64_t forged_to_server = 0, forged_to_camera = 0;
  std::string answer_text;

 private:
  struct Delivery {
    bool to_server;
    base::Transmit transmit;
  };

  void move_clock(base::Instant to);
  void settle();
  void drain(End& end, bool to_server);
  void note(End& end, PeerEvent event);
  void put_on_wire(base::Transmit transmit, bool to_server);
  void deliver(Delivery delivery);
  void at(base::Instant when, std::function<void()> action);
  void exchange_descriptions();
  void pass_candidates(End& from, End& to);
  void send_video(int index);
  void send_audio(int index);

  base::SeededRandom random_;
  base::Instant now_ = base::Instant{} + std::chrono::seconds(10);
  std::multimap<base::Instant, Delivery> wire_;
  std::multimap<base::Instant, std::function<void()>> actions_;
};

// An access unit of plausible NAL units with random bytes: key frames have SPS, PPS and several slices.
codecs::Frame make_video_frame(base::Random& random, bool key_frame);
codecs::Frame make_audio_frame(base::Random& random);

}  // namespace webrtc::simulation

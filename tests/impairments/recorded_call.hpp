// SPDX-License-Identifier: Apache-2.0
#pragma once
// One camera, one impaired network, and what the server does with what arrives: the very Peer and Recorder of a storage
// session, real DTLS and SRTP, joined as sessions::StorageSession joins them. Only the clock and the wire are
// simulated.

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "base/random.hpp"
#include "camera.hpp"
#include "cell.hpp"
#include "decoder.hpp"
#include "ledger.hpp"
#include "streams/held_log.hpp"
#include "streams/recorder.hpp"
#include "webrtc/peer/peer.hpp"
#include "wire.hpp"

namespace impairments {

class RecordedCall {
 public:
  RecordedCall(const Cell& cell, std::uint64_t seed);

  // Joins, films for the cell's length, and leaves. Not twice. `each_minute` is told the minutes filmed.
  Result run(const std::function<void(int minute, const Ledger&)>& each_minute = {});

 private:
  // recorded_call.cpp: time and the wire.
  void at(base::Instant when, std::function<void()> action) { actions_.emplace(when, std::move(action)); }
  void move_clock(base::Instant to);
  void run_until(base::Instant end);
  base::Instant next_step() const;
  void deliver();
  void settle();
  void take_stored();
  void schedule_event();

  // storage_side.cpp: the server.
  void join();
  void handle_server_event(webrtc::PeerEvent event);
  void handle_batch_end();
  void activate();
  void record(webrtc::FrameReceived event);
  void end_connection(const std::string& reason);
  void tick();

  // camera_side.cpp: the camera.
  void handle_camera_event(const webrtc::PeerEvent& event);
  void start_filming();
  void film(std::int64_t number);
  void hear(std::int64_t number);
  base::Instant true_time(std::chrono::nanoseconds camera_time) const;
  base::WallTime camera_wall(webrtc::MediaKind kind, std::chrono::nanoseconds camera_time) const;
  std::string with_second_payload_type(std::string answer) const;
  void change_source();

  const Cell cell_;
  base::SeededRandom random_;
  Wire wire_;
  base::Instant now_ = base::Instant{} + 10s;
  int steps_now_ = 0;
  std::multimap<base::Instant, std::function<void()>> actions_;

  std::shared_ptr<const webrtc::Certificate> server_certificate_, camera_certificate_;
  std::unique_ptr<webrtc::Peer> server_, camera_;
  std::shared_ptr<rtp::PacketHistory> history_;
  std::shared_ptr<streams::HeldLog> log_ = std::make_shared<streams::HeldLog>();
  std::unique_ptr<streams::Recorder> recorder_;

  PictureSource pictures_;
  SoundSource sounds_;
  std::optional<base::Instant> filming_since_;
  int connection_ = 0;
  std::uint32_t picture_rtp_ = 0, sound_rtp_ = 0;  // of the first picture and sound

  Ledger ledger_;
  Decoder decoder_;
  Result result_;
  std::optional<base::Instant> light_again_;  // the blackout's end, or the rejoin after it
};

}  // namespace impairments

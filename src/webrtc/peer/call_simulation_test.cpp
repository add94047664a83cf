// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/call_simulation.hpp"

#include <algorithm>

#include "webrtc/dtls/fake_wall_clock.hpp"
#include "webrtc/peer/packet_class.hpp"

namespace webrtc::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::WallTime kToday = base::WallTime(seconds(1'795'000'000));
constexpr int kFramesPerSecond = 30;
constexpr int kPacketsPerSecond = 50;  // Opus, 20 ms each

void append_nal(base::Bytes& payload, base::ByteView nal) {
  base::ByteWriter writer(payload);
  writer.u32(nal.size());
  writer.bytes(nal);
}

void append_random_nal(base::Bytes& payload, base::Random& random, std::uint8_t header, std::uint8_t first,
                       std::size_t size) {
  base::Bytes nal(size);
  random.fill(nal);
  nal[0] = header;
  nal[1] = first;
  append_nal(payload, nal);
}

}  // namespace

codecs::Frame make_video_frame(base::Random& random, bool key_frame) {
  codecs::Frame frame;
  frame.codec = codecs::CodecId::H264;
  frame.key_frame = key_frame;
  append_nal(frame.payload, base::Bytes{0x09, static_cast<std::uint8_t>(key_frame ? 0x10 : 0x30)});
  if (key_frame) {
    append_nal(frame.payload, base::parse_hex("6742c01eda0280bfe5c044000003000400000300f23c58ba80").value());
    append_nal(frame.payload, base::parse_hex("68ce3c80").value());
  }
  const std::size_t slices = key_frame ? 3 : 1;
  for (std::size_t i = 0; i < slices; ++i) {
    const std::size_t size = key_frame ? 2000 + random.below(8000) : 20 + random.below(4000);
    // The first bit of a slice header is first_mb_in_slice = 0; later slices have another.
    append_random_nal(frame.payload, random, key_frame ? 0x65 : 0x41, i == 0 ? 0x88 : 0x48, size);
  }
  return frame;
}

codecs::Frame make_audio_frame(base::Random& random) {
  codecs::Frame frame;
  frame.codec = codecs::CodecId::Opus;
  frame.key_frame = true;
  frame.payload.resize(40 + random.below(120));
  random.fill(frame.payload);
  frame.payload[0] = 0xfc;  // CELT, fullband, 20 ms, stereo, one frame
  return frame;
}

bool End::reached(std::string_view milestone) const {
  return std::ranges::find(milestones, milestone) != milestones.end();
}

std::vector<FrameReceived> End::frames_of(MediaKind kind) const {
  std::vector<FrameReceived> chosen;
  std::ranges::copy_if(frames, std::back_inserter(chosen), [&](const auto& frame) { return frame.kind == kind; });
  return chosen;
}

Call::Call(std::uint64_t seed, WireOptions wire_options) : wire(wire_options), random_(seed) {
  server_options.role = PeerOptions::Role::Offerer;
  server_options.certificate = Certificate::make(kToday).value();
  server_options.local_addresses = {base::SocketAddress::parse("192.0.2.1:8443").value()};
  camera_options.role = PeerOptions::Role::Answerer;
  camera_options.certificate = Certificate::make(kToday).value();
  camera_options.local_addresses = {base::SocketAddress::parse("198.51.100.7:50000").value()};
  camera_options.video = Direction::SendOnly;
  camera_options.audio = Direction::SendOnly;
}

void Call::start() {
  move_clock(now_);
  server.peer = std::make_unique<Peer>(now_, random_, server_options);
  camera.peer = std::make_unique<Peer>(now_, random_, camera_options);
  exchange_descriptions();
  settle();
}

void Call::exchange_descriptions() {
  const std::string offer = change_offer(server.peer->create_offer(now_));
  at(now_ + offer_delay, [this, offer] {
    auto answer = camera.peer->accept_offer(now_, offer);
    if (!answer) {
      offer_error = answer.error();
      return;
    }
    answer_text = change_answer(*answer);
    at(now_ + answer_delay, [this] {
      const auto taken = server.peer->set_answer(now_, answer_text);
      if (!taken) answer_error = taken.error();
    });
    if (trickle_candidates) {
      pass_candidates(server, camera);
      pass_candidates(camera, server);
    }
  });
}

void Call::pass_candidates(End& from, End& to) {
  base::Instant when = now_;
  for (const std::string& line : from.peer->local_candidates()) {
    when += milliseconds(30);
    at(when, [this, line, &to] { ASSERT_TRUE(to.peer->add_remote_candidate(now_, line)); });
  }
}

void Call::at(base::Instant when, std::function<void()> action) {
  actions_.emplace(when, std::move(action));
}

void Call::move_clock(base::Instant to) {
  now_ = to;
  dtls::set_fake_wall_clock(to);
}

void Call::run_for(base::Duration duration) {
  const base::Instant end = now_ + duration;
  for (;;) {
    settle();
    base::Instant next = std::min(server.peer->next_timeout(), camera.peer->next_timeout());
    if (!wire_.empty()) next = std::min(next, wire_.begin()->first);
    if (!actions_.empty()) next = std::min(next, actions_.begin()->first);
    if (next > end) break;
    move_clock(std::max(now_, next));
    while (!wire_.empty() && wire_.begin()->first <= now_) {
      deliver(std::move(wire_.extract(wire_.begin()).mapped()));
    }
    while (!actions_.empty() && actions_.begin()->first <= now_) {
      const auto action = std::move(actions_.extract(actions_.begin()).mapped());
      action();
    }
    for (End* end_point : {&server, &camera}) {
      if (end_point->peer->next_timeout() <= now_) end_point->peer->handle_timeout(now_);
    }
  }
  move_clock(end);
}

void Call::settle() {
  drain(server, false);
  drain(camera, true);
}

void Call::drain(End& end, bool to_server) {
  while (auto transmit = end.peer->poll_transmit()) put_on_wire(*std::move(transmit), to_server);
  while (auto event = end.peer->poll_event()) note(end, *std::move(event));
}

void Call::put_on_wire(base::Transmit transmit, bool to_server) {
  const auto arrival = [&] {
    return now_ + wire.delay +
           base::Duration(
               static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(wire.jitter.count()) + 1)));
  };
  const bool connected = server.peer->connected() && camera.peer->connected();
  const bool is_dtls = classify(transmit.payload) == PacketClass::Dtls;
  if (random_.below(1000) < wire.forged_permille && (connected || !is_dtls)) {
    base::Transmit forged = transmit;
    forged.payload[random_.below(forged.payload.size())] ^= static_cast<std::uint8_t>(1 + random_.below(255));
    ++(to_server ? forged_to_server : forged_to_camera);
    wire_.emplace(now_, Delivery{to_server, std::move(forged)});
  }
  if (random_.below(1000) < wire.loss_permille) return;
  if (random_.below(1000) < wire.duplicate_permille) wire_.emplace(arrival(), Delivery{to_server, transmit});
  wire_.emplace(arrival(), Delivery{to_server, std::move(transmit)});
}

void Call::deliver(Delivery delivery) {
  End& end = delivery.to_server ? server : camera;
  const base::Flow& sent = delivery.transmit.flow;
  end.peer->handle_datagram(now_, {{sent.remote, sent.local}, delivery.transmit.payload});
}

void Call::note(End& end, PeerEvent event) {
  if (auto* frame = std::get_if<FrameReceived>(&event)) {
    end.frames.push_back(std::move(*frame));
  } else if (const auto* report = std::get_if<SenderReportReceived>(&event)) {
    end.reports.push_back(*report);
  } else if (const auto* lost = std::get_if<PacketsLost>(&event)) {
    end.lost += lost->count;
  } else if (std::holds_alternative<IceConnected>(event)) {
    end.milestones.emplace_back("ice");
  } else if (const auto* dtls = std::get_if<DtlsConnected>(&event)) {
    end.milestones.push_back("dtls " + std::string(dtls::name(dtls->profile)));
    end.connected_at = now_;
  } else if (std::holds_alternative<KeyFrameRequested>(event)) {
    end.milestones.emplace_back("key frame requested");
  } else if (std::holds_alternative<SourceEnded>(event)) {
    end.milestones.emplace_back("source ended");
  } else if (std::holds_alternative<RemoteClosed>(event)) {
    end.milestones.emplace_back("closed");
  } else if (const auto* failed = std::get_if<Failed>(&event)) {
    end.milestones.push_back("failed: " + failed->reason);
  }
}

void Call::stream(int duration_seconds) {
  const base::Instant begin = now_;
  for (int i = 0; i < duration_seconds * kFramesPerSecond; ++i) {
    at(begin + i * base::Duration(seconds(1)) / kFramesPerSecond, [this, i] { send_video(i); });
  }
  if (sends(camera_options.audio)) {
    for (int i = 0; i < duration_seconds * kPacketsPerSecond; ++i) {
      at(begin + i * milliseconds(20), [this, i] { send_audio(i); });
    }
  }
}

void Call::send_video(int index) {
  video_sent.push_back({make_video_frame(random_, index % kFramesPerSecond == 0),
                        4'294'900'000U + static_cast<std::uint32_t>(index) * 3000});
  camera.peer->send_frame(now_, MediaKind::Video, video_sent.back().frame, video_sent.back().rtp_timestamp,
                          kToday + std::chrono::duration_cast<std::chrono::microseconds>(now_.time_since_epoch()));
}

void Call::send_audio(int index) {
  audio_sent.push_back({make_audio_frame(random_), 1000 + static_cast<std::uint32_t>(index) * 960});
  camera.peer->send_frame(now_, MediaKind::Audio, audio_sent.back().frame, audio_sent.back().rtp_timestamp,
                          kToday + std::chrono::duration_cast<std::chrono::microseconds>(now_.time_since_epoch()));
}

}  // namespace webrtc::simulation

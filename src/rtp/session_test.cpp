// SPDX-License-Identifier: Apache-2.0
#include "rtp/session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "codecs/annex_b_reader.hpp"
#include "codecs/h264_nal.hpp"
#include "rtp/packet.hpp"
#include "rtp/rtcp.hpp"

namespace rtp {
namespace {

using codecs::MediaKind;
using std::chrono::milliseconds;

constexpr std::uint8_t kH264 = 102;
constexpr std::uint8_t kRtx = 103;
constexpr std::uint8_t kOpus = 111;
constexpr std::uint32_t kVideoSsrc = 0x1000;
constexpr std::uint32_t kAudioSsrc = 0x2000;

struct WireOptions {
  base::Duration delay = milliseconds(50);
  base::Duration jitter = milliseconds(20);  // added: 0 to this
  unsigned loss_per_mille = 50;
  unsigned duplicate_per_mille = 10;
};

struct CallOptions {
  bool rtx = true;
  bool transport_cc = true;
  bool reduced_size = true;
  bool aggregate = true;
  std::uint8_t leading_padding = 4;
  bool answer_nacks = true;
  WireOptions wire{};
  int frames = 300;  // at 25 a second
  int key_interval = 50;
};

// A camera and a server in virtual time, with a wire that loses, delays, overtakes and repeats. Same seed, same run.
class Call {
 public:
  Call(std::uint64_t seed, CallOptions options)
      : options_(options),
        random_(seed),
        camera_(now_, random_, camera_options()),
        server_(now_, random_, server_options()) {}

  void run() {
    make_frames();
    const base::Instant start = now_;
    std::size_t video = 0;
    std::size_t audio = 0;
    base::Instant padding_at = base::kNever;
    int padding_left = 20;
    const base::Instant end = start + milliseconds(40 * options_.frames + 6000);
    while (now_ < end) {
      while (video < video_.size() && start + milliseconds(40 * video) <= now_) {
        camera_.send_frame(now_, video_[video], static_cast<std::uint32_t>(0xfffff000 + 3600 * video),
                           wall(40 * video));
        if (++video == video_.size()) padding_at = now_;
      }
      while (audio < audio_.size() && start + milliseconds(20 * audio) <= now_) {
        camera_.send_frame(now_, audio_[audio], static_cast<std::uint32_t>(960 * audio), wall(20 * audio));
        ++audio;
      }
      if (padding_at <= now_ && padding_left > 0) {
        camera_.send_padding(now_, MediaKind::Video);
        camera_.send_padding(now_, MediaKind::Audio);
        padding_at = --padding_left > 0 ? now_ + milliseconds(100) : base::kNever;
      }
      step();
    }
    server_.finish(now_);
    drain(server_, to_camera_, server_events);
  }

  // What the server got, against what the camera sent.
  void expect_everything() const {
    std::size_t video = 0;
    std::size_t audio = 0;
    for (const SessionEvent& event : server_events) {
      const auto* received = std::get_if<ReceivedFrame>(&event.what);
      if (received == nullptr) continue;
      EXPECT_FALSE(received->after_loss);
      if (event.kind == MediaKind::Video) {
        ASSERT_LT(video, video_.size());
        ASSERT_EQ(received->frame.payload, video_[video].payload) << "video frame " << video;
        EXPECT_EQ(received->frame.key_frame, video_[video].key_frame);
        EXPECT_EQ(received->rtp_timestamp, std::int64_t{0xfffff000} + 3600 * static_cast<std::int64_t>(video));
        ++video;
      } else {
        ASSERT_LT(audio, audio_.size());
        ASSERT_EQ(received->frame.payload, audio_[audio].payload) << "audio frame " << audio;
        EXPECT_EQ(received->rtp_timestamp, 960 * static_cast<std::int64_t>(audio));
        ++audio;
      }
    }
    EXPECT_EQ(video, video_.size());
    EXPECT_EQ(audio, audio_.size());
    EXPECT_EQ(server_.receiver_stats(MediaKind::Video)->lost, 0U);
    EXPECT_EQ(server_.receiver_stats(MediaKind::Audio)->lost, 0U);
  }

  template <class What>
  std::vector<What> all(MediaKind kind) const {
    std::vector<What> found;
    for (const SessionEvent& event : server_events) {
      if (event.kind != kind) continue;
      if (const auto* what = std::get_if<What>(&event.what)) found.push_back(*what);
    }
    return found;
  }
  const ReceiverStats& video_stats() const { return *server_.receiver_stats(MediaKind::Video); }
  const ReceiverStats& audio_stats() const { return *server_.receiver_stats(MediaKind::Audio); }
  const SenderStats& camera_stats() const { return *camera_.sender_stats(MediaKind::Video); }
  Session& camera() { return camera_; }
  Session& server() { return server_; }
  base::Instant now() const { return now_; }

  std::vector<SessionEvent> server_events;
  std::vector<SessionEvent> camera_events;
  std::map<std::string, int> feedback;  // kinds of RTCP that the server sent
  // Decides about each RTP packet of the camera before chance does.
  std::function<bool(const RtpPacket&)> drop;

 private:
  using Wire = std::multimap<base::Instant, base::Bytes>;

  static base::WallTime wall(std::size_t milliseconds_since) {
    return base::from_microseconds(1'700'000'000'000'000 + 1000 * static_cast<std::int64_t>(milliseconds_since));
  }

  SessionOptions camera_options() {
    SenderOptions video;
    video.kind = MediaKind::Video;
    video.payload_type = kH264;
    video.ssrc = kVideoSsrc;
    if (options_.rtx) video.rtx_payload_type = kRtx;
    video.rtx_ssrc = kVideoSsrc + 1;
    video.mid = "0";
    video.first_sequence = 65500;  // wraps soon
    video.aggregate_parameter_sets = options_.aggregate;
    video.leading_padding_packets = options_.leading_padding;
    SenderOptions audio;
    audio.kind = MediaKind::Audio;
    audio.payload_type = kOpus;
    audio.clock_rate = 48000;
    audio.ssrc = kAudioSsrc;
    audio.mid = "1";
    audio.leading_padding_packets = options_.leading_padding;
    SessionOptions session;
    session.senders = {video, audio};
    session.mid_extension = 4;
    session.transport_cc_extension = 3;
    return session;
  }

  SessionOptions server_options() const {
    ReceiverOptions video;
    video.kind = MediaKind::Video;
    video.formats = {{kH264, codecs::CodecId::H264, std::nullopt}};
    if (options_.rtx) video.formats[0].rtx_payload_type = kRtx;
    ReceiverOptions audio;
    audio.kind = MediaKind::Audio;
    audio.formats = {{kOpus, codecs::CodecId::Opus, std::nullopt}};
    SessionOptions session;
    session.receivers = {video, audio};
    session.transport_cc = options_.transport_cc;
    session.transport_cc_extension = 3;
    session.reduced_size = options_.reduced_size;
    return session;
  }

  // Access units with parameter sets, several slices and sizes from 30 bytes to 30 kB; Opus packets with random bytes.
  void make_frames() {
    for (int i = 0; i < options_.frames; ++i) {
      codecs::Frame frame{codecs::CodecId::H264, i % options_.key_interval == 0, {}};
      const std::uint8_t slice = frame.key_frame ? 0x65 : 0x41;
      codecs::h264::append_nal(frame.payload, random_nal(0x09, 1));
      if (frame.key_frame) {
        codecs::h264::append_nal(frame.payload, random_nal(0x67, 20));
        codecs::h264::append_nal(frame.payload, random_nal(0x68, 5));
        codecs::h264::append_nal(frame.payload, random_nal(0x06, 30));
      }
      for (int s = 0; s < 1 + i % 3; ++s) {
        base::Bytes nal = random_nal(slice, 20 + random_.below(frame.key_frame ? 30'000 : 3'000));
        nal[1] = s == 0 ? 0x88 : 0x42;  // first_mb_in_slice 0, or 1
        codecs::h264::append_nal(frame.payload, nal);
      }
      video_.push_back(std::move(frame));
    }
    for (int i = 0; i < options_.frames * 2; ++i) {
      base::Bytes packet = random_nal(0xfc, 40 + random_.below(80));
      audio_.push_back({codecs::CodecId::Opus, true, std::move(packet)});
    }
  }

  base::Bytes random_nal(std::uint8_t header, std::uint64_t size) {
    base::Bytes nal(1 + size);
    random_.fill(nal);
    nal[0] = header;
    return nal;
  }

  void step() {
    drain(camera_, to_server_, camera_events);
    drain(server_, to_camera_, server_events);
    now_ += milliseconds(1);  // the tick of the UDP port
    deliver(to_server_, server_);
    deliver(to_camera_, camera_);
    if (camera_.next_timeout() <= now_) camera_.handle_timeout(now_);
    if (server_.next_timeout() <= now_) server_.handle_timeout(now_);
  }

  void drain(Session& session, Wire& wire, std::vector<SessionEvent>& events) {
    while (auto packet = session.poll_packet()) {
      if (&session == &server_) note_feedback(packet->bytes);
      if (&session == &camera_ && !packet->rtcp && drop && drop(*parse_rtp(packet->bytes))) continue;
      if (random_.below(1000) < options_.wire.loss_per_mille) continue;
      const unsigned copies = random_.below(1000) < options_.wire.duplicate_per_mille ? 2 : 1;
      for (unsigned copy = 0; copy < copies; ++copy) {
        const auto jitter =
            static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(options_.wire.jitter.count()) + 1));
        wire.emplace(now_ + options_.wire.delay + base::Duration(jitter), packet->bytes);
      }
    }
    while (auto event = session.poll_event()) events.push_back(std::move(*event));
  }

  void deliver(Wire& wire, Session& session) {
    std::vector<base::Bytes> batch;
    while (!wire.empty() && wire.begin()->first <= now_) {
      batch.push_back(std::move(wire.begin()->second));
      wire.erase(wire.begin());
    }
    if (&session == &camera_ && !options_.answer_nacks) {
      std::erase_if(batch, [](const base::Bytes& bytes) { return bytes[1] == 205; });
    }
    const std::vector<base::ByteView> views(batch.begin(), batch.end());
    if (!views.empty()) session.handle_packets(now_, views);
  }

  void note_feedback(base::ByteView bytes) {
    std::vector<RtcpPacket> packets;
    ASSERT_TRUE(parse_rtcp(bytes, packets));
    ASSERT_LE(bytes.size(), 1200U);
    constexpr const char* kNames[] = {"SR", "RR", "SDES", "BYE", "NACK", "PLI", "FIR", "REMB", "TWCC"};
    for (const RtcpPacket& packet : packets) ++feedback[kNames[packet.index()]];
    if (!options_.reduced_size) EXPECT_TRUE(std::holds_alternative<ReceiverReport>(packets.front()));
  }

  CallOptions options_;
  base::SeededRandom random_;
  base::Instant now_{std::chrono::hours(1)};
  Session camera_;
  Session server_;
  Wire to_server_, to_camera_;
  std::vector<codecs::Frame> video_;
  std::vector<codecs::Frame> audio_;
};

// Seeds per case: few in every build, more by TIDEGATE_SEEDS.
unsigned seed_count() {
  const char* asked = std::getenv("TIDEGATE_SEEDS");
  return asked == nullptr ? 5 : static_cast<unsigned>(std::max(1, std::atoi(asked)));
}

TEST(RtpCall, NothingIsMissingWithRtx) {
  for (unsigned seed = 1; seed <= seed_count(); ++seed) {
    SCOPED_TRACE(seed);
    Call call(seed, {});
    call.run();
    call.expect_everything();
    EXPECT_GT(call.video_stats().repaired, 10U);
    EXPECT_GT(call.video_stats().duplicates, 0U);
    EXPECT_LT(call.camera_stats().retransmitted, call.camera_stats().packets / 5);  // no storm
  }
}

TEST(RtpCall, NothingIsMissingWithIdenticalPacketsAndNoAggregates) {
  for (unsigned seed = 1; seed <= seed_count(); ++seed) {
    SCOPED_TRACE(seed);
    Call call(seed, {.rtx = false, .transport_cc = false, .reduced_size = false, .aggregate = false});
    call.run();
    call.expect_everything();
    EXPECT_EQ(call.feedback["TWCC"], 0);
  }
}

// As webrtc-sdk-c begins: nothing before the first packet. When that is the one lost, it is asked for on suspicion.
TEST(RtpCall, TheVeryFirstPacketIsRepaired) {
  for (const bool aggregate : {true, false}) {
    Call call(3, {.aggregate = aggregate, .leading_padding = 0, .wire = {.loss_per_mille = 0}});
    bool dropped[2] = {};
    call.drop = [&](const RtpPacket& packet) {
      return !std::exchange(dropped[packet.header.ssrc == kVideoSsrc ? 0 : 1], true);
    };
    call.run();
    call.expect_everything();
  }
}

TEST(RtpCall, NothingIsMissingAfterASecondOfDarkness) {
  Call call(5, {.wire = {.loss_per_mille = 20}});
  call.drop = [&](const RtpPacket&) {
    const auto time = call.now().time_since_epoch() - std::chrono::hours(1);
    return time > milliseconds(5000) && time < milliseconds(6000);
  };
  call.run();
  call.expect_everything();
}

// The negative proof: without repair the same wire leaves gaps, and they are told.
TEST(RtpCall, WithoutRepairTheGapIsHonest) {
  Call call(1, {.answer_nacks = false});
  call.run();
  const auto frames = call.all<ReceivedFrame>(MediaKind::Video);
  const auto losses = call.all<PacketsLost>(MediaKind::Video);
  const auto awaited = call.all<KeyFrameAwaited>(MediaKind::Video);
  EXPECT_FALSE(losses.empty());
  std::uint64_t lost = 0;
  for (const PacketsLost& loss : losses) lost += loss.count;
  EXPECT_EQ(lost, call.video_stats().lost);
  std::uint64_t skipped = 0;
  for (const KeyFrameAwaited& skip : awaited) skipped += skip.frames;
  EXPECT_EQ(skipped, call.video_stats().key_frame_awaited);
  EXPECT_GT(skipped, 0U);
  EXPECT_LT(frames.size(), 300U);
  // Whatever follows a loss starts with a key frame and says so.
  bool first = true;
  std::int64_t previous = 0;
  for (const ReceivedFrame& frame : frames) {
    if (first || frame.rtp_timestamp != previous + 3600) EXPECT_TRUE(frame.frame.key_frame);
    if (!first && frame.rtp_timestamp != previous + 3600) EXPECT_TRUE(frame.after_loss);
    previous = frame.rtp_timestamp;
    first = false;
  }
  // Sound goes on after its own losses.
  const auto sound = call.all<ReceivedFrame>(MediaKind::Audio);
  EXPECT_GT(sound.size(), 500U);
  EXPECT_TRUE(std::ranges::any_of(sound, &ReceivedFrame::after_loss));
}

TEST(RtpCall, OneLostPacketCostsTheFramesUpToTheNextKeyFrame) {
  Call call(1, {.answer_nacks = false, .wire = {.loss_per_mille = 0, .duplicate_per_mille = 0}});
  int frame = -1;
  std::uint32_t timestamp = 1;
  call.drop = [&](const RtpPacket& packet) {
    if (packet.header.ssrc != kVideoSsrc || packet.payload.empty()) return false;
    if (packet.header.timestamp != timestamp) ++frame, timestamp = packet.header.timestamp;
    return frame == 60 && packet.header.marker;
  };
  call.run();
  const auto frames = call.all<ReceivedFrame>(MediaKind::Video);
  ASSERT_EQ(frames.size(), 260U);  // 60 to 99 are gone
  EXPECT_TRUE(frames[60].after_loss);
  EXPECT_TRUE(frames[60].frame.key_frame);
  EXPECT_EQ(std::ranges::count_if(frames, &ReceivedFrame::after_loss), 1);
  ASSERT_EQ(call.all<PacketsLost>(MediaKind::Video).size(), 1U);
  EXPECT_EQ(call.all<PacketsLost>(MediaKind::Video)[0].count, 1U);
  EXPECT_EQ(call.video_stats().incomplete_frames, 1U);
  EXPECT_EQ(call.video_stats().key_frame_awaited, 39U);
  EXPECT_EQ(call.all<KeyFrameAwaited>(MediaKind::Video).size(), 1U);
  // Asked for while there was still hope, and again until it came.
  const auto requested = std::ranges::count_if(call.camera_events, [](const SessionEvent& event) {
    return std::holds_alternative<SessionEvent::KeyFrameRequested>(event.what);
  });
  EXPECT_GE(requested, 1);
  EXPECT_LE(requested, 5);
}

TEST(RtpCall, FeedbackIsRegular) {
  Call call(1, {.wire = {.loss_per_mille = 0}});
  call.run();
  // 18 s: a report each second, REMB twice a second, transport feedback ten times.
  EXPECT_NEAR(call.feedback["RR"], 18, 2);
  EXPECT_NEAR(call.feedback["SDES"], 18, 2);
  EXPECT_NEAR(call.feedback["REMB"], 36, 3);
  EXPECT_GT(call.feedback["TWCC"], 100);
  EXPECT_EQ(call.feedback["PLI"], 0);
  EXPECT_GE(call.server().stats().remb_bits_per_second, 3'000'000U);
  EXPECT_GE(call.camera().stats().remb_asked, 3'000'000U);
  EXPECT_GE(call.camera().stats().remb_asked_least, 3'000'000U);
  ASSERT_TRUE(call.camera().stats().round_trip);
  EXPECT_NEAR(static_cast<double>(call.camera().stats().round_trip->count()), 120e6, 30e6);  // 2 * (50 to 70 ms)
  const auto reports = call.all<SenderReportReceived>(MediaKind::Video);
  ASSERT_GE(reports.size(), 10U);
  // The camera's report maps capture time to timestamps of the frames.
  const std::int64_t since = base::to_microseconds(reports[5].ntp) - 1'700'000'000'000'000;
  EXPECT_NEAR(static_cast<double>(reports[5].rtp_timestamp - 0xfffff000), static_cast<double>(since) * 0.09, 2.0);
}

// A path that carries everything is told of half as often once the camera has found its rate.
TEST(RtpCall, TransportFeedbackIsSeldomWhileAllIsCalm) {
  CallOptions options{.wire = {.jitter = {}, .loss_per_mille = 0, .duplicate_per_mille = 0}, .frames = 1500};  // 60 s
  Call calm(1, options);
  calm.run();
  // Each interval begins with a packet, up to 20 ms after the one before, and ends up to 20 ms early.
  EXPECT_LE(calm.feedback["TWCC"], 10 * 11 + 51 * 5);
  EXPECT_GE(calm.feedback["TWCC"], 10 * 8 + 50 * 4);
  options.wire.loss_per_mille = 10;
  Call lossy(1, options);
  lossy.run();
  EXPECT_GE(lossy.feedback["TWCC"], 60 * 8);
}

// While packets come, no timer between them is needed for reports; when none come any more, the last are told of.
TEST(RtpSession, ReportsGoWithThePacketsThatCome) {
  base::SeededRandom random(1);
  const base::Instant begin(std::chrono::seconds(5));
  SenderOptions opus;
  opus.kind = MediaKind::Audio;
  opus.payload_type = kOpus;
  opus.clock_rate = 48000;
  Session camera(begin, random, {.senders = {opus}, .transport_cc_extension = 3});
  ReceiverOptions receiver;
  receiver.kind = MediaKind::Audio;
  receiver.formats = {{kOpus, codecs::CodecId::Opus, std::nullopt}};
  Session server(begin, random, {.receivers = {receiver}, .transport_cc_extension = 3, .transport_cc = true});

  int datagrams = 0, timers = 0;
  base::Instant now = begin;
  const auto drain = [&] {
    while (server.poll_event()) {
    }
    while (server.poll_packet()) ++datagrams;
  };
  for (std::uint32_t i = 0; i < 1000; ++i, now += milliseconds(30)) {  // by steps that deadlines fall between
    for (; server.next_timeout() < now; ++timers) server.handle_timeout(server.next_timeout());
    camera.send_frame(now, {codecs::CodecId::Opus, true, {0xfc, 1, 2}}, 960 * i, {});
    while (auto packet = camera.poll_packet()) server.handle_packet(now, packet->bytes);
    drain();
  }
  EXPECT_LE(timers, 1) << "beside the first report, which may come before any feedback";
  EXPECT_GE(datagrams, 30 * 4 - 10);  // in 30 s, four a second
  EXPECT_LE(datagrams, 30 * 5 + 60);  // ten of those seconds more often

  const int before = datagrams;
  const base::Instant last = now - milliseconds(30);
  while (datagrams == before && now < last + std::chrono::seconds(2)) {
    now = server.next_timeout();
    server.handle_timeout(now);
    drain();
  }
  EXPECT_LE(now, last + milliseconds(250 + 40));
}

TEST(RtpCall, RembFallsWhenTheWireIsBad) {
  Call call(1, {.wire = {.loss_per_mille = 300}});
  call.run();
  EXPECT_LT(call.server().stats().remb_bits_per_second, 1'000'000U);
  EXPECT_GE(call.server().stats().remb_bits_per_second, 300'000U);
  EXPECT_LT(call.camera().stats().remb_asked_least, 1'000'000U);
}

TEST(RtpCall, PublishesARealStreamBitForBit) {
  for (const char* name : {"high_aud_4slices_bframes.h264", "baseline_3slices.h264"}) {
    std::ifstream file(std::string(TIDEGATE_SOURCE_DIR) + "/tests/vectors/h264/" + name, std::ios::binary);
    const base::Bytes stream((std::istreambuf_iterator<char>(file)), {});
    codecs::h264::AnnexBReader reader(stream);
    base::SeededRandom random(1);
    const base::Instant now(std::chrono::seconds(5));
    SenderOptions video;
    video.payload_type = kH264;
    video.max_payload = 100;  // so that even these small slices are fragmented
    Session camera(now, random, {.senders = {video}});
    Session server(now, random, {.receivers = {{.formats = {{kH264, codecs::CodecId::H264, std::nullopt}}}}});
    base::Bytes joined;
    std::uint32_t timestamp = 0;
    while (auto frame = reader.next()) {
      camera.send_frame(now, *frame, timestamp += 3600, {});
      while (auto packet = camera.poll_packet()) server.handle_packet(now, packet->bytes);
      while (auto event = server.poll_event()) {
        base::append(joined, std::get<ReceivedFrame>(event->what).frame.payload);
      }
    }
    EXPECT_EQ(joined, codecs::h264::from_annex_b(stream));
  }
}

}  // namespace
}  // namespace rtp

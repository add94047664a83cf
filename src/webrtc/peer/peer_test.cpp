// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/peer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "webrtc/peer/call_simulation.hpp"

namespace webrtc {
namespace {

using simulation::Call;
using simulation::End;
using simulation::SentFrame;
using simulation::WireOptions;
using std::chrono::milliseconds;
using std::chrono::seconds;

const WireOptions kBadWire = {
    .delay = milliseconds(30), .jitter = milliseconds(30), .loss_permille = 50, .duplicate_permille = 10};

constexpr const char* kGcm = "dtls SRTP_AEAD_AES_128_GCM";
constexpr const char* kCm = "dtls SRTP_AES128_CM_SHA1_80";

// TIDEGATE_SEEDS widens what is tried.
std::uint64_t last_seed(std::uint64_t usual) {
  const char* wanted = std::getenv("TIDEGATE_SEEDS");
  return wanted == nullptr ? usual : std::max(usual, std::uint64_t{std::strtoul(wanted, nullptr, 10)});
}

// Every frame once, in order, bit for bit, with the sender's time steps.
void expect_all(const std::vector<SentFrame>& sent, const End& receiver, MediaKind kind) {
  const auto received = receiver.frames_of(kind);
  const rtp::ReceiverStats stats =
      kind == MediaKind::Video ? receiver.peer->stats().video_received : receiver.peer->stats().audio_received;
  SCOPED_TRACE(fmt::format("{}: lost {} late {} padding {} repaired {} malformed {} incomplete {} awaited {}",
                           kind == MediaKind::Video ? "video" : "audio", stats.lost, stats.late, stats.padding,
                           stats.repaired, stats.malformed, stats.incomplete_frames, stats.key_frame_awaited));
  ASSERT_EQ(received.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    ASSERT_TRUE(received[i].frame.frame.payload == sent[i].frame.payload) << "frame " << i;
    ASSERT_EQ(received[i].frame.frame.key_frame, sent[i].frame.key_frame) << "frame " << i;
    ASSERT_FALSE(received[i].frame.after_loss) << "frame " << i;
    if (i > 0) {
      ASSERT_EQ(received[i].frame.rtp_timestamp - received[i - 1].frame.rtp_timestamp,
                sent[i].rtp_timestamp - sent[i - 1].rtp_timestamp);
    }
  }
}

void expect_all_media(const Call& call) {
  expect_all(call.video_sent, call.server, MediaKind::Video);
  expect_all(call.audio_sent, call.server, MediaKind::Audio);
  EXPECT_EQ(call.server.lost, 0u);
}

void connect(Call& call) {
  call.start();
  for (int i = 0; i < 20 && !(call.server.connected_at && call.camera.connected_at); ++i) call.run_for(seconds(1));
  ASSERT_TRUE(call.server.connected_at && call.camera.connected_at);
}

// Connects, streams, waits for repairs, closes. The loss of the first and the last packets can be noticed only if
// others precede and follow them. Ours sends padding there; webrtc-sdk-c does not, and gets a wire with calm ends.
void run_whole_call(Call& call, int stream_seconds = 4, bool calm_ends = false) {
  ASSERT_NO_FATAL_FAILURE(connect(call));
  const unsigned loss = call.wire.loss_permille;
  if (calm_ends) call.wire.loss_permille = 0;
  call.stream(stream_seconds);
  call.run_for(milliseconds(100));
  call.wire.loss_permille = loss;
  call.run_for(seconds(stream_seconds) - milliseconds(200));
  if (calm_ends) call.wire.loss_permille = 0;
  call.run_for(milliseconds(200));
  call.wire.loss_permille = loss;
  call.run_for(seconds(3));
  call.camera.peer->close(call.now());
  call.run_for(seconds(1));
}

TEST(Peer, ConnectsWithinThreeTenthsOfASecondOfTheAnswer) {
  Call call(1);
  call.start();
  const base::Instant offered = call.now();
  call.run_for(seconds(2));
  EXPECT_EQ(call.server.milestones, (std::vector<std::string>{"ice", kGcm}));
  EXPECT_EQ(call.camera.milestones, (std::vector<std::string>{"ice", kGcm}));
  // 100 ms of signaling, then ICE and DTLS over a path of 40 ms.
  EXPECT_LT(*call.server.connected_at - offered, milliseconds(400));
  EXPECT_TRUE(call.server.peer->receives(MediaKind::Video) && call.server.peer->receives(MediaKind::Audio));
  EXPECT_TRUE(call.camera.peer->sends(MediaKind::Video) && call.camera.peer->sends(MediaKind::Audio));
  EXPECT_FALSE(call.server.peer->sends(MediaKind::Video) || call.server.peer->sends(MediaKind::Audio));
}

TEST(Peer, EveryFrameArrivesOverAGoodWire) {
  Call call(2);
  run_whole_call(call);
  expect_all_media(call);
  EXPECT_TRUE(call.server.reached("closed"));
  EXPECT_EQ(call.server.peer->stats().video_received.nacks_sent, 0u);
}

TEST(Peer, WhoIsSentNothingHasTheRoundTripOfItsConnectivityChecks) {
  Call call(2, {.delay = milliseconds(35)});
  ASSERT_NO_FATAL_FAILURE(connect(call));
  call.stream(2);
  call.run_for(seconds(2));
  const auto round_trip = call.server.peer->stats().rtp.round_trip;
  ASSERT_TRUE(round_trip);
  EXPECT_NEAR(static_cast<double>(round_trip->count()), 70e6, 3e6);
}

TEST(Peer, EveryFrameArrivesOverABadWireBySeeds) {
  std::uint64_t replayed = 0;
  for (std::uint64_t seed = 1; seed <= last_seed(8); ++seed) {
    SCOPED_TRACE(seed);
    Call call(seed, kBadWire);
    ASSERT_NO_FATAL_FAILURE(run_whole_call(call));
    ASSERT_NO_FATAL_FAILURE(expect_all_media(call));
    const PeerStats stats = call.server.peer->stats();
    EXPECT_GT(stats.video_received.repaired, 10u);
    replayed += stats.srtp.replayed;
    EXPECT_EQ(stats.srtp.not_authentic, 0u);
  }
  EXPECT_GT(replayed, 20u);
}

// The wire of the impairment proxy in tests/clients.
TEST(Peer, EveryFrameArrivesOverALongPathBySeeds) {
  for (std::uint64_t seed = 1; seed <= last_seed(4); ++seed) {
    SCOPED_TRACE(seed);
    Call call(seed,
              {.delay = milliseconds(30), .jitter = milliseconds(40), .loss_permille = 50, .duplicate_permille = 10});
    ASSERT_NO_FATAL_FAILURE(run_whole_call(call, 6));
    ASSERT_NO_FATAL_FAILURE(expect_all_media(call));
  }
}

TEST(Peer, VideoOnlySessionWaitsForNothing) {
  Call call(3, kBadWire);
  call.camera_options.audio = Direction::Inactive;
  run_whole_call(call);
  expect_all_media(call);
  EXPECT_FALSE(call.server.peer->receives(MediaKind::Audio));
  EXPECT_EQ(call.audio_sent.size(), 0u);
}

TEST(Peer, AnswerThatRejectsAudioIsAVideoOnlySession) {
  Call call(3);
  call.camera_options.audio = Direction::Inactive;
  call.change_answer = [](std::string sdp) {
    const std::size_t at = sdp.find("m=audio 9");
    EXPECT_NE(at, std::string::npos);
    return sdp.replace(at, 9, "m=audio 0");
  };
  run_whole_call(call, 2);
  expect_all_media(call);
  EXPECT_FALSE(call.server.peer->receives(MediaKind::Audio));
}

TEST(Peer, OfferWithoutAudioIsAVideoOnlySession) {
  Call call(3);
  call.server_options.audio = Direction::Inactive;
  run_whole_call(call, 2);
  expect_all(call.video_sent, call.server, MediaKind::Video);
  EXPECT_EQ(call.server.frames_of(MediaKind::Audio).size(), 0u);
  EXPECT_FALSE(call.camera.peer->sends(MediaKind::Audio));
}

TEST(Peer, CSdkLikeCameraBySeeds) {
  for (std::uint64_t seed = 1; seed <= last_seed(4); ++seed) {
    SCOPED_TRACE(seed);
    Call call(seed, kBadWire);
    play_c_sdk(call.camera_options);
    call.camera_options.certificate =
        Certificate::make(base::WallTime(seconds(1'795'000'000)), Certificate::Digest::Sha1).value();
    ASSERT_NO_FATAL_FAILURE(run_whole_call(call, 4, true));
    ASSERT_NO_FATAL_FAILURE(expect_all_media(call));
    EXPECT_EQ(call.answer_text.find("a=extmap"), std::string::npos);
    EXPECT_TRUE(call.server.reached(kCm));
    EXPECT_GT(call.server.peer->stats().video_received.repaired, 10u);
    call.server.peer->request_key_frame(call.now());
    EXPECT_FALSE(call.camera.reached("key frame requested"));
  }
}

// What the C client does with an offer that has transport-cc: no extmap line in the answer, and the extension in every
// packet all the same.
TEST(Peer, CSdkLikeCameraWithTransportSequenceNumbers) {
  Call call(5);
  play_c_sdk(call.camera_options);
  call.camera_options.header_extensions = call.camera_options.transport_cc = true;
  ASSERT_NO_FATAL_FAILURE(run_whole_call(call, 2));
  ASSERT_NO_FATAL_FAILURE(expect_all_media(call));
  EXPECT_EQ(call.answer_text.find("a=extmap"), std::string::npos);
  EXPECT_NE(call.answer_text.find("transport-cc"), std::string::npos);
  // Feedback comes several times a second, besides reports and REMB.
  EXPECT_GT(call.camera.peer->stats().srtcp.opened, 20u);
}

TEST(Peer, AesCmOnlyEitherWay) {
  for (const bool server_only : {true, false}) {
    Call call(5, kBadWire);
    (server_only ? call.server_options : call.camera_options).srtp_profiles = {SrtpProfile::Aes128CmSha1_80};
    ASSERT_NO_FATAL_FAILURE(run_whole_call(call, 2));
    ASSERT_NO_FATAL_FAILURE(expect_all_media(call));
    EXPECT_TRUE(call.server.reached(kCm));
  }
}

TEST(Peer, WithoutRtxTheIdenticalPacketRepairs) {
  Call call(6, kBadWire);
  call.camera_options.rtx = false;
  ASSERT_NO_FATAL_FAILURE(run_whole_call(call));
  expect_all_media(call);
  EXPECT_GT(call.server.peer->stats().video_received.repaired, 10u);
}

TEST(Peer, TrickledCandidatesOnly) {
  Call call(7, kBadWire);
  call.trickle_candidates = true;
  call.server_options.candidates_in_description = call.camera_options.candidates_in_description = false;
  ASSERT_NO_FATAL_FAILURE(run_whole_call(call, 2));
  expect_all_media(call);
  const PathReport path = call.server.peer->path();
  EXPECT_EQ(path.remote_candidates.lines, call.camera.peer->local_candidates());
  EXPECT_LT(path.remote_candidates.first, *call.server.connected_at);
  EXPECT_GT(path.first_media, *call.server.connected_at);
  EXPECT_LT(path.first_media, *call.server.connected_at + seconds(1));
  EXPECT_EQ(std::ranges::count_if(path.pairs, &PairReport::selected), 1);
}

TEST(Peer, CameraWithoutUsableCandidatesIsLearnt) {
  Call call(8);
  call.camera_options.candidates_in_description = false;
  ASSERT_NO_FATAL_FAILURE(run_whole_call(call, 2));
  expect_all_media(call);
}

TEST(Peer, AnswerLongAfterTheCamerasChecks) {
  Call call(9);
  call.answer_delay = seconds(4);
  ASSERT_NO_FATAL_FAILURE(run_whole_call(call, 2));
  expect_all_media(call);
}

TEST(Peer, AudioFlowsToTheCameraToo) {
  Call call(10);
  call.camera_options.audio = Direction::SendRecv;
  call.start();
  call.run_for(seconds(2));
  ASSERT_TRUE(call.server.peer->sends(MediaKind::Audio));
  std::vector<SentFrame> sent;
  for (std::uint32_t i = 0; i < 50; ++i) {
    sent.push_back({simulation::make_audio_frame(call.random()), i * 960});
    call.server.peer->send_frame(call.now(), MediaKind::Audio, sent.back().frame, sent.back().rtp_timestamp,
                                 base::WallTime(seconds(1'795'000'000)));
    call.run_for(milliseconds(20));
  }
  call.run_for(seconds(1));
  expect_all(sent, call.camera, MediaKind::Audio);
}

TEST(Peer, KeyFrameRequestsArriveAndAreCoalesced) {
  Call call(11);
  call.start();
  call.run_for(seconds(2));
  call.stream(1);
  call.run_for(milliseconds(500));
  for (int i = 0; i < 20; ++i) call.server.peer->request_key_frame(call.now());
  call.run_for(milliseconds(100));
  EXPECT_EQ(std::ranges::count(call.camera.milestones, "key frame requested"), 1);
}

TEST(Peer, SenderReportsMapTimestampsToTheCamerasClock) {
  Call call(12);
  run_whole_call(call, 5);
  ASSERT_GE(call.server.reports.size(), 4u);
  for (const MediaKind kind : {MediaKind::Video, MediaKind::Audio}) {
    const auto frames = call.server.frames_of(kind);
    const std::int64_t clock = kind == MediaKind::Video ? 90'000 : 48'000;
    std::optional<std::int64_t> first_offset;
    for (const auto& report : call.server.reports) {
      if (report.kind != kind) continue;
      const std::int64_t elapsed = report.rtp_timestamp - frames.front().frame.rtp_timestamp;
      const std::int64_t offset = base::to_microseconds(report.ntp) - elapsed * 1'000'000 / clock;
      if (!first_offset) first_offset = offset;
      EXPECT_NEAR(static_cast<double>(offset), static_cast<double>(*first_offset), 100);
    }
    EXPECT_TRUE(first_offset.has_value());
  }
}

// Someone on the path changes copies of packets and lets them overtake: all are counted, nothing else happens.
TEST(Peer, ForgedPacketsAreCountedAndTheSessionLives) {
  for (std::uint64_t seed = 1; seed <= last_seed(3); ++seed) {
    SCOPED_TRACE(seed);
    Call call(seed);
    call.wire.forged_permille = 300;
    if (seed == 2) call.server_options.srtp_profiles = {SrtpProfile::Aes128CmSha1_80};
    call.start();
    call.run_for(seconds(6));
    ASSERT_TRUE(call.server.connected_at && call.camera.connected_at);
    call.stream(4);
    call.run_for(seconds(8));
    expect_all_media(call);
    EXPECT_EQ(call.server.milestones.size(), 2u) << call.server.milestones.back();
    for (const bool to_server : {true, false}) {
      const PeerStats stats = (to_server ? call.server : call.camera).peer->stats();
      const PeerStats sender = (to_server ? call.camera : call.server).peer->stats();
      const auto dropped = [](const srtp::OpenStats& open) {
        return open.malformed + open.replayed + open.too_old + open.not_authentic + open.too_many_streams;
      };
      const std::uint64_t forged = to_server ? call.forged_to_server : call.forged_to_camera;
      // What is not dropped by SRTP came under another class: STUN, DTLS or none.
      const std::uint64_t taken = stats.srtp.opened + stats.srtcp.opened + stats.ice.requests_received +
                                  stats.ice.responses_received + stats.dtls.datagrams_received;
      EXPECT_GT(dropped(stats.srtp) + dropped(stats.srtcp), forged / 2);
      // A few are still under way.
      EXPECT_GE(stats.datagrams_received + 5, sender.datagrams_sent + forged);
      EXPECT_GE(taken + stats.early_media + 5, sender.datagrams_sent);
      EXPECT_LE(stats.srtp.opened + stats.srtcp.opened, sender.datagrams_sent);
    }
  }
}

TEST(Peer, FramesStillWaitingForRepairAreHandedOutWhenTheCameraCloses) {
  Call call(13);
  call.start();
  call.run_for(seconds(2));
  call.stream(1);
  call.run_for(milliseconds(900));
  call.wire.loss_permille = 1000;
  call.run_for(milliseconds(20));
  call.wire.loss_permille = 0;
  call.run_for(milliseconds(60));
  call.camera.peer->close(call.now());
  call.run_for(seconds(1));
  EXPECT_TRUE(call.server.reached("closed"));
  EXPECT_GE(call.server.frames_of(MediaKind::Video).size(), 25u);
}

TEST(Peer, WrongFingerprintFails) {
  Call call(14);
  call.change_answer = [](std::string sdp) {
    for (std::size_t at = 0; (at = sdp.find("a=fingerprint:sha-256 ", at)) != std::string::npos; ++at) {
      char& digit = sdp[at + 22];
      digit = digit == 'A' ? 'B' : 'A';
    }
    return sdp;
  };
  call.start();
  call.run_for(seconds(5));
  EXPECT_TRUE(call.server.reached("failed: the peer's certificate has none of the fingerprints in its SDP"));
  EXPECT_FALSE(call.server.peer->connected() || call.camera.peer->connected());
  EXPECT_EQ(call.server.peer->next_timeout(), base::kNever);
  EXPECT_EQ(call.server.peer->path().first_media, base::kNever);
}

TEST(Peer, OfferThatNobodyAnswersFails) {
  Call call(15);
  call.offer_delay = seconds(1000);
  call.start();
  call.run_for(seconds(29));
  EXPECT_TRUE(call.server.milestones.empty());
  call.run_for(seconds(2));
  ASSERT_EQ(call.server.milestones.size(), 1u);
  EXPECT_TRUE(call.server.milestones[0].starts_with("failed: ")) << call.server.milestones[0];
  EXPECT_EQ(call.server.peer->next_timeout(), base::kNever);
}

TEST(Peer, WireThatGoesDarkEndsTheSession) {
  Call call(16);
  call.start();
  call.run_for(seconds(2));
  call.wire.loss_permille = 1000;
  call.run_for(seconds(45));
  EXPECT_TRUE(call.server.milestones.back().starts_with("failed: ")) << call.server.milestones.back();
  EXPECT_TRUE(call.camera.milestones.back().starts_with("failed: ")) << call.camera.milestones.back();
  EXPECT_FALSE(call.server.peer->connected());
}

TEST(Peer, APeerThatRestsAsksForNothingAndGoesOnWithAKeyFrame) {
  Call call(7);
  call.start();
  call.run_for(seconds(1));
  call.stream(4);
  call.run_for(seconds(2));
  const auto before = call.server.frames_of(MediaKind::Video).size();
  EXPECT_GT(before, 40U);
  call.server.peer->rest(call.now());
  call.run_for(seconds(3));
  EXPECT_LE(call.server.frames_of(MediaKind::Video).size(), before);
  const PeerStats resting = call.server.peer->stats();
  EXPECT_GT(resting.rested, 100U);
  EXPECT_EQ(resting.video_received.nacks_sent, 0U);
  call.stream(3);
  call.run_for(seconds(1));
  call.server.peer->resume(call.now());
  call.run_for(seconds(3));
  const auto frames = call.server.frames_of(MediaKind::Video);
  ASSERT_GT(frames.size(), before + 30);
  EXPECT_TRUE(frames[before].frame.frame.key_frame);
  EXPECT_TRUE(frames[before].frame.after_loss) << "something is missing before it";
  const PeerStats after = call.server.peer->stats();
  EXPECT_EQ(after.video_received.nacks_sent, 0U);
  EXPECT_EQ(after.video_received.lost, 0U);
  EXPECT_EQ(after.srtp.not_authentic, 0U);
}

// Of a peer that rests its owner hands over one packet in 32: the sequence numbers go round more than once meanwhile.
TEST(Peer, APacketNowAndThenKeepsSrtpsCountWhileAPeerRests) {
  Call call(8);
  ASSERT_NO_FATAL_FAILURE(connect(call));
  call.stream(1);
  call.run_for(seconds(2));
  call.server.peer->rest(call.now());
  std::uint32_t sent = 50;
  const auto send = [&](unsigned one_in) {
    const codecs::Frame frame = simulation::make_audio_frame(call.random());
    call.camera.peer->send_frame(call.now(), MediaKind::Audio, frame, 1000 + sent * 960, {});
    while (auto transmit = call.camera.peer->poll_transmit()) {
      if (sent % one_in != 0) continue;
      call.server.peer->handle_datagram(call.now(), {{transmit->flow.remote, transmit->flow.local}, transmit->payload});
    }
    ++sent;
    return frame.payload;
  };
  while (sent < 150'000) send(32);
  call.server.peer->resume(call.now());
  while (call.server.peer->poll_event()) {
  }
  const base::Bytes payload = send(1);
  const auto event = call.server.peer->poll_event();
  ASSERT_TRUE(event);
  const auto* const frame = std::get_if<FrameReceived>(&*event);
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(frame->frame.frame.payload, payload);
  EXPECT_EQ(call.server.peer->stats().srtp.not_authentic, 0U);
}

TEST(Peer, NothingHappensAfterClose) {
  Call call(17);
  call.start();
  call.run_for(seconds(2));
  call.server.peer->close(call.now());
  EXPECT_EQ(call.server.peer->next_timeout(), base::kNever);
  call.server.peer->close(call.now());
  call.server.peer->request_key_frame(call.now());
  call.stream(1);
  const std::size_t milestones = call.server.milestones.size();
  call.run_for(seconds(3));
  EXPECT_EQ(call.server.milestones.size(), milestones);
  EXPECT_TRUE(call.camera.reached("closed"));
  EXPECT_TRUE(call.server.frames.empty());
}

TEST(Peer, WhatWaitedForARepairComesOutAtClose) {
  Call call(19);
  ASSERT_NO_FATAL_FAILURE(connect(call));
  call.wire.loss_permille = 300;
  call.stream(2);
  call.run_for(seconds(1));
  call.server.peer->close(call.now());
  int frames = 0;
  while (const auto event = call.server.peer->poll_event()) {
    EXPECT_TRUE(std::holds_alternative<FrameReceived>(*event));
    ++frames;
  }
  EXPECT_GT(frames, 0);
}

// They came in the order in which they were sent, and are read together.
TEST(Peer, MediaBeforeAGoodbyeIsTakenBeforeIt) {
  Call call(20);
  ASSERT_NO_FATAL_FAILURE(connect(call));
  call.stream(1);
  call.run_for(seconds(2));
  const codecs::Frame last = simulation::make_audio_frame(call.random());
  call.camera.peer->send_frame(call.now(), MediaKind::Audio, last, 1000 + 50 * 960, {});
  call.camera.peer->close(call.now());
  std::vector<base::Transmit> sent;
  while (auto transmit = call.camera.peer->poll_transmit()) sent.push_back(*std::move(transmit));
  std::vector<base::Datagram> datagrams;
  for (base::Transmit& each : sent) datagrams.push_back({{each.flow.remote, each.flow.local}, each.payload});
  call.server.peer->handle_datagrams(call.now(), datagrams);
  std::vector<base::Bytes> frames;
  bool closed = false;
  while (auto event = call.server.peer->poll_event()) {
    EXPECT_FALSE(closed) << "nothing comes after the end";
    if (auto* frame = std::get_if<FrameReceived>(&*event)) frames.push_back(std::move(frame->frame.frame.payload));
    closed = std::holds_alternative<RemoteClosed>(*event);
  }
  EXPECT_EQ(frames, std::vector<base::Bytes>{last.payload});
  EXPECT_TRUE(closed);
}

TEST(Peer, LostClosingDatagramIsSentTwice) {
  Call call(18);
  call.start();
  call.run_for(seconds(2));
  call.camera.peer->close(call.now());
  int count = 0;
  while (auto transmit = call.camera.peer->poll_transmit()) {
    count += transmit->payload[0] == 21 ? 1 : 0;  // a DTLS alert
  }
  EXPECT_EQ(count, 2);
}

TEST(Peer, RefusesDescriptionsOutOfTurnAndBadOnes) {
  Call call(19);
  call.start();
  EXPECT_FALSE(call.server.peer->set_answer(call.now(), "not SDP"));
  EXPECT_FALSE(call.server.peer->add_remote_candidate(call.now(), "candidate:nonsense"));
  EXPECT_TRUE(call.server.peer->add_remote_candidate(call.now(), ""));
  EXPECT_TRUE(call.server.peer->add_remote_candidate(
      call.now(), "candidate:1 1 udp 2122260223 3d8f5b26-0f3c-4e5a-9c3f-1c5a2b7d9e10.local 50000 typ host"));
  EXPECT_TRUE(call.server.peer->add_remote_candidate(
      call.now(), "candidate:1 1 tcp 1518280447 198.51.100.9 9 typ host tcptype active"));
  call.run_for(seconds(2));
  EXPECT_TRUE(call.server.peer->connected());
  EXPECT_FALSE(call.server.peer->set_answer(call.now(), call.answer_text));
}

TEST(Peer, DatagramsOfNoClassAreCounted) {
  Call call(20);
  call.start();
  base::Bytes zrtp = {16, 0, 0, 0};
  base::Bytes empty;
  base::Bytes early_media = {0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};
  base::Bytes early_report = {0x80, 200, 0, 1, 0, 0, 0, 1};
  base::Bytes strange_dtls(60, 22);
  const base::Flow flow = {base::SocketAddress::parse("192.0.2.1:8443").value(),
                           base::SocketAddress::parse("203.0.113.66:666").value()};
  std::vector<base::Datagram> batch = {
      {flow, zrtp}, {flow, empty}, {flow, early_media}, {flow, early_report}, {flow, strange_dtls}};
  call.server.peer->handle_datagrams(call.now(), batch);
  const PeerStats stats = call.server.peer->stats();
  EXPECT_EQ(stats.datagrams_received, 5u);
  EXPECT_EQ(stats.unknown_datagrams, 2u);
  EXPECT_EQ(stats.early_media, 2u);
  EXPECT_EQ(stats.strange_flow, 1u);
  call.run_for(seconds(2));
  EXPECT_TRUE(call.server.peer->connected());
}

}  // namespace
}  // namespace webrtc

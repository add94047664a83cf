// SPDX-License-Identifier: Apache-2.0
#include "rtp/receiver.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "rtp/bitrate_estimate.hpp"
#include "rtp/missing_packets.hpp"
#include "rtp/reception_report.hpp"
#include "rtp/reorder_buffer.hpp"

namespace rtp {
namespace {

using std::chrono::milliseconds;

constexpr base::Instant kStart{std::chrono::seconds(100)};

// A receiver of one kind, fed packet by packet.
struct Bench {
  explicit Bench(codecs::MediaKind kind, bool nack = true) : receiver(make_options(kind, nack)) {}

  static ReceiverOptions make_options(codecs::MediaKind kind, bool nack) {
    ReceiverOptions options;
    options.kind = kind;
    options.nack = nack;
    if (kind == codecs::MediaKind::Video) {
      options.formats = {{96, codecs::CodecId::H264, 97}};
    } else {
      options.formats = {{111, codecs::CodecId::Opus, std::nullopt}};
    }
    return options;
  }

  // Opus packets are one byte of TOC and their own number.
  void opus(int sequence, std::uint32_t ssrc = 1) {
    const base::Bytes payload = {0xf8, static_cast<std::uint8_t>(sequence)};
    push({false, 111, static_cast<std::uint16_t>(sequence), static_cast<std::uint32_t>(sequence * 960), ssrc}, payload);
  }
  // A whole access unit in one packet.
  void picture(int sequence, bool key, std::uint32_t ssrc = 1) {
    const base::Bytes payload = {key ? std::uint8_t{0x65} : std::uint8_t{0x41}, 0x88,
                                 static_cast<std::uint8_t>(sequence)};
    push({true, 96, static_cast<std::uint16_t>(sequence), static_cast<std::uint32_t>(sequence * 3600), ssrc}, payload);
  }
  void push(const RtpHeader& header, base::ByteView payload) {
    RtpPacket packet;
    packet.header = header;
    packet.payload = payload;
    receiver.handle_packet(now, packet);
    drain();
  }
  void pass(base::Duration time) {
    now += time;
    while (receiver.next_timeout() <= now) {
      receiver.handle_timeout(now);
      receiver.take_feedback(now, 99, feedback);
    }
    drain();
  }
  void drain() {
    while (auto event = receiver.poll_event()) events.push_back(std::move(*event));
  }
  // The last byte of each frame that came out; 'L' stands for packets lost, 'K' for frames that awaited a key frame.
  std::string order() const {
    std::string text;
    for (const ReceiverEvent& event : events) {
      if (const auto* frame = std::get_if<ReceivedFrame>(&event)) {
        text += (text.empty() ? "" : " ") + std::to_string(frame->frame.payload.back());
      } else if (const auto* lost = std::get_if<PacketsLost>(&event)) {
        text += " L" + std::to_string(lost->count);
      } else if (const auto* awaited = std::get_if<KeyFrameAwaited>(&event)) {
        text += " K" + std::to_string(awaited->frames);
      }
    }
    return text;
  }

  base::Instant now = kStart;
  Receiver receiver;
  std::vector<ReceiverEvent> events;
  std::vector<RtcpPacket> feedback;
};

TEST(Receiver, PutsPacketsInOrderAndDropsDuplicates) {
  Bench bench(codecs::MediaKind::Audio);
  bench.opus(10);
  bench.pass(milliseconds(500));  // what might have come before is no longer waited for
  for (const int sequence : {12, 11, 11, 12, 10, 14, 13}) bench.opus(sequence);
  EXPECT_EQ(bench.order(), "10 11 12 13 14");
  EXPECT_EQ(bench.receiver.stats().duplicates, 3U);
  EXPECT_EQ(bench.receiver.stats().frames, 5U);
}

TEST(Receiver, TheStartWaitsForPacketsThatWereOvertaken) {
  Bench bench(codecs::MediaKind::Audio);
  for (const int sequence : {17, 12, 13, 16}) bench.opus(sequence);
  EXPECT_EQ(bench.order(), "");
  for (const int sequence : {11, 15, 14}) bench.opus(sequence);
  bench.pass(milliseconds(500));
  EXPECT_EQ(bench.order(), "11 12 13 14 15 16 17");
  EXPECT_EQ(bench.receiver.stats().lost, 0U);
}

// The fuzzer's find: the start moved back below packets that the ring already held further on.
TEST(Receiver, TheStartMovesFarBack) {
  Bench bench(codecs::MediaKind::Audio);
  bench.opus(1060);
  bench.opus(1000);
  std::string expected;
  for (int sequence = 940; sequence <= 1060; ++sequence) {
    expected += (expected.empty() ? "" : " ") + std::to_string(sequence % 256);
  }
  for (int sequence = 1059; sequence >= 940; --sequence) bench.opus(sequence);
  bench.pass(milliseconds(500));
  EXPECT_EQ(bench.order(), expected);
}

TEST(Receiver, WrapsAround) {
  Bench bench(codecs::MediaKind::Audio, false);
  bench.opus(65534);
  bench.pass(milliseconds(500));
  bench.opus(1);
  bench.opus(0);
  bench.opus(65535);
  EXPECT_EQ(bench.order(), "254 255 0 1");
}

TEST(Receiver, AsksAgainWithPausesAndGivesUpAtTheDeadline) {
  Bench bench(codecs::MediaKind::Audio);
  bench.opus(10);
  bench.pass(milliseconds(500));
  bench.feedback.clear();
  bench.opus(11);
  bench.opus(13);
  for (int i = 0; i < 2999; ++i) bench.pass(milliseconds(1));
  EXPECT_EQ(bench.order(), "10 11");
  const std::size_t asked = bench.feedback.size();
  EXPECT_GE(asked, 6U);
  EXPECT_LE(asked, 20U);
  for (const RtcpPacket& packet : bench.feedback) EXPECT_EQ(packet, RtcpPacket(Nack{99, 1, {12}}));
  bench.pass(milliseconds(2));
  EXPECT_EQ(bench.order(), "10 11 L1 13");
  bench.opus(12);
  EXPECT_EQ(bench.receiver.stats().late, 1U);
  bench.pass(std::chrono::seconds(5));
  EXPECT_EQ(bench.feedback.size(), asked);
}

TEST(Receiver, WithoutNackWaitsOnlyForPacketsThatWereOvertaken) {
  Bench bench(codecs::MediaKind::Audio, false);
  bench.opus(10);
  bench.opus(12);
  bench.pass(milliseconds(250));
  EXPECT_EQ(bench.order(), "10 L1 12");
  EXPECT_TRUE(bench.feedback.empty());
}

TEST(Receiver, UnwrapsRtx) {
  Bench bench(codecs::MediaKind::Video);
  bench.picture(10, true);
  bench.pass(milliseconds(500));
  bench.picture(12, false);
  bench.pass(milliseconds(20));
  const base::Bytes repeat = {0, 11, 0x41, 0x88, 11};
  bench.push({true, 97, 5000, 11 * 3600, 2}, repeat);
  bench.push({true, 97, 5001, 11 * 3600, 2}, repeat);
  bench.push({true, 97, 5002, 0, 2}, {});              // a probe
  bench.push({true, 97, 5003, 0, 2}, base::Bytes{1});  // nonsense
  const base::Bytes padding = {0, 13};
  bench.push({false, 97, 5004, 0, 2}, padding);  // a padding packet, repeated
  bench.picture(14, false);
  EXPECT_EQ(bench.order(), "10 11 12 14");
  EXPECT_EQ(bench.receiver.stats().repaired, 1U);
  EXPECT_EQ(bench.receiver.stats().duplicates, 1U);
  EXPECT_EQ(bench.receiver.stats().malformed, 1U);
}

TEST(Receiver, AfterALossVideoWaitsForAKeyFrame) {
  Bench bench(codecs::MediaKind::Video);
  bench.picture(10, false);
  bench.pass(milliseconds(500));
  bench.picture(11, true);
  bench.picture(12, false);
  bench.picture(14, false);
  bench.pass(milliseconds(1100));
  // Asked for at the start, and again before the packet is given up.
  EXPECT_EQ(std::ranges::count_if(
                bench.feedback,
                [](const RtcpPacket& packet) { return std::holds_alternative<PictureLossIndication>(packet); }),
            2);
  bench.picture(15, false);
  bench.picture(16, true);
  bench.picture(17, false);
  bench.pass(milliseconds(2000));
  // 14 may have begun in the lost packet, 15 refers to it.
  EXPECT_EQ(bench.order(), " K1 11 12 L1 K1 16 17");
  EXPECT_EQ(bench.receiver.stats().incomplete_frames, 1U);
  const auto& frame = std::get<ReceivedFrame>(bench.events[5]);
  EXPECT_TRUE(frame.after_loss);
}

TEST(Receiver, KeyFrameRequestsAreCoalesced) {
  Bench bench(codecs::MediaKind::Video);
  bench.picture(10, true);
  bench.pass(milliseconds(500));
  for (int i = 0; i < 100; ++i) {
    bench.receiver.request_key_frame(bench.now);
    bench.pass(milliseconds(25));
  }
  EXPECT_EQ(bench.receiver.stats().plis_sent, 3U);  // at once, and after each second
  bench.picture(11, true);
  bench.pass(std::chrono::seconds(10));
  EXPECT_EQ(bench.receiver.stats().plis_sent, 3U);
}

TEST(Receiver, ANewSourceTakesOverWhenTheOldOneIsSilent) {
  Bench bench(codecs::MediaKind::Video);
  bench.picture(10, true, 1);
  bench.pass(milliseconds(450));
  bench.picture(11, false, 1);
  bench.pass(milliseconds(400));
  bench.picture(90, true, 2);
  EXPECT_EQ(bench.receiver.stats().unexpected_ssrc, 1U);
  bench.pass(milliseconds(200));
  bench.picture(91, true, 2);
  bench.pass(milliseconds(500));
  EXPECT_EQ(bench.order(), "10 11 91");
  EXPECT_EQ(std::get<ReceivedFrame>(bench.events.back()).ssrc, 2U);
  EXPECT_EQ(std::get<ReceivedFrame>(bench.events.back()).rtp_timestamp, 91 * 3600);
  bench.receiver.handle_goodbye(2);
  bench.drain();
  EXPECT_EQ(std::get<SourceEnded>(bench.events.back()).ssrc, 2U);
}

TEST(Receiver, ASourceThatGoesOnWithoutAPauseTakesOverForGood) {
  Bench bench(codecs::MediaKind::Video);
  bench.picture(10, true, 1);
  bench.pass(milliseconds(450));
  bench.picture(90, true, 2);
  bench.picture(11, false, 1);  // the old one is still there
  bench.picture(91, false, 2);
  EXPECT_EQ(bench.order(), "10 11");
  bench.pass(milliseconds(40));
  bench.picture(92, true, 2);
  bench.pass(milliseconds(450));  // what may have been before it is waited for
  EXPECT_EQ(bench.order(), "10 11 92");
  bench.picture(12, true, 1);
  bench.picture(13, true, 1);
  bench.picture(93, false, 2);
  EXPECT_EQ(bench.order(), "10 11 92 93");
  EXPECT_EQ(bench.receiver.stats().unexpected_ssrc, 4U);
}

TEST(Receiver, AJumpIsBelievedWhenItGoesOn) {
  Bench bench(codecs::MediaKind::Audio);
  bench.opus(10);
  bench.pass(milliseconds(500));
  bench.opus(20010);  // a stray
  bench.opus(11);
  EXPECT_EQ(bench.order(), "10 11");
  bench.opus(30000);
  bench.opus(30001);
  bench.opus(30002);
  bench.pass(milliseconds(500));
  EXPECT_EQ(bench.order(), "10 11 L29989 49 50");
  EXPECT_EQ(bench.receiver.stats().resyncs, 1U);
  EXPECT_EQ(std::get<ReceivedFrame>(bench.events.back()).rtp_timestamp, 30002 * 960);
}

// A repair that was asked for before is no place to begin at: all since then would be asked for.
TEST(Receiver, ARepairThatComesAfterASkipIsLate) {
  Bench bench(codecs::MediaKind::Video);
  bench.picture(10, true);
  bench.picture(12, false);
  bench.receiver.skip(bench.now);
  bench.pass(std::chrono::seconds(5));
  bench.feedback.clear();
  base::Bytes repair = {0, 11, 0x41, 0x88, 11};  // RFC 4588: the original sequence number, then the payload
  bench.push({true, 97, 1, 11 * 3600, 2}, repair);
  bench.picture(400, false);
  bench.picture(401, true);
  bench.pass(std::chrono::seconds(1));
  EXPECT_EQ(bench.order(), "10 L1 145");  // 401 in a byte; 400 has no key frame before it
  EXPECT_EQ(bench.receiver.stats().late, 1U);
  for (const RtcpPacket& packet : bench.feedback) EXPECT_FALSE(std::holds_alternative<Nack>(packet));
}

TEST(Receiver, WhatIsSkippedIsNeitherAskedForNorLost) {
  Bench bench(codecs::MediaKind::Video);
  bench.picture(10, true);
  bench.picture(11, false);
  bench.picture(14, false);  // two are missing
  bench.receiver.skip(bench.now);
  bench.pass(std::chrono::seconds(5));
  bench.feedback.clear();
  bench.picture(400, false);
  bench.pass(milliseconds(100));
  bench.picture(401, true);
  bench.picture(402, false);
  bench.pass(std::chrono::seconds(2));
  EXPECT_EQ(bench.order(), "10 11 L2 145 146");  // 401 and 402 in a byte; 14 and 400 follow what is missing
  EXPECT_EQ(bench.receiver.stats().lost, 2U) << "what is left out on purpose is no loss";
  int requests = 0;
  for (const RtcpPacket& packet : bench.feedback) {
    EXPECT_FALSE(std::holds_alternative<Nack>(packet));
    requests += std::holds_alternative<PictureLossIndication>(packet) ? 1 : 0;
  }
  EXPECT_EQ(requests, 1) << "a key frame is asked for when media goes on, not before";
}

// Sound that began while media was left out: its first packets are none that were lost.
TEST(Receiver, WhatBeganWhileItWasSkippedIsNotAskedFor) {
  Bench bench(codecs::MediaKind::Audio);
  bench.receiver.skip(bench.now);
  bench.pass(std::chrono::seconds(5));
  bench.opus(20);
  EXPECT_EQ(bench.order(), "20") << "nothing is waited for";
  bench.opus(19);  // was overtaken
  bench.opus(21);
  bench.opus(23);
  bench.pass(milliseconds(100));
  EXPECT_EQ(bench.order(), "20 21");
  int asked = 0;
  for (const RtcpPacket& packet : bench.feedback) {
    if (const auto* nack = std::get_if<Nack>(&packet)) {
      EXPECT_EQ(nack->lost, std::vector<std::uint16_t>{22}) << "what is missing since is asked for";
      ++asked;
    }
  }
  EXPECT_GT(asked, 0);
}

TEST(Receiver, ManyMissingPacketsAreBounded) {
  Bench bench(codecs::MediaKind::Audio);
  bench.opus(10);
  bench.pass(milliseconds(500));
  bench.opus(11);
  bench.opus(3900);
  EXPECT_EQ(bench.receiver.stats().lost, 3888U - 2000U);
  for (int i = 0; i < 200; ++i) bench.pass(milliseconds(1));
  for (const RtcpPacket& packet : bench.feedback) {
    if (const auto* nack = std::get_if<Nack>(&packet)) EXPECT_LE(nack->lost.size(), 250U);
  }
}

// 10 s of silence, in which 500 packets were lost: who kept them for 3 s has the last 150 of them; when our request for
// them is there, 16 less.
TEST(Receiver, AfterALongSilenceOnlyWhatCanStillComeIsWaitedFor) {
  for (const bool answered : {true, false}) {
    Bench bench(codecs::MediaKind::Audio);
    bench.opus(10);
    bench.pass(milliseconds(10'000));
    bench.opus(511);
    EXPECT_EQ(bench.order(), "10 L366");
    bench.pass(milliseconds(100));
    std::size_t asked = 0;
    for (const RtcpPacket& packet : bench.feedback) {
      const auto* nack = std::get_if<Nack>(&packet);
      for (const std::uint16_t lost : nack == nullptr ? std::vector<std::uint16_t>{} : nack->lost) {
        EXPECT_GE(lost, 377);
        ++asked;
      }
    }
    EXPECT_GE(asked, 134U);
    for (int sequence = 377; answered && sequence < 511; ++sequence) bench.opus(sequence);
    bench.opus(512);
    bench.pass(milliseconds(250));
    EXPECT_EQ(bench.receiver.stats().frames, answered ? 137U : 3U);
    EXPECT_EQ(bench.receiver.stats().lost, answered ? 366U : 500U);
  }
}

TEST(Receiver, WhatWasOvertakenAfterASilenceIsNotLost) {
  Bench bench(codecs::MediaKind::Audio);
  bench.opus(10);
  bench.pass(milliseconds(10'000));
  bench.opus(14);
  for (const int sequence : {13, 11, 12}) bench.opus(sequence);
  EXPECT_EQ(bench.order(), "10 11 12 13 14");
}

TEST(Receiver, SenderReportsUseTheTimestampsOfTheFrames) {
  Bench bench(codecs::MediaKind::Audio);
  const SenderReport report{1, to_ntp(base::from_microseconds(5'000'000)), 0x100, 0, 0, {}};
  bench.receiver.handle_sender_report(bench.now, report);  // before the first packet: kept
  bench.drain();
  EXPECT_TRUE(bench.events.empty());
  const base::Bytes payload = {0xf8, 1};
  bench.push({false, 111, 1, 0xffffff00, 1}, {});  // padding does not start the timeline
  bench.push({false, 111, 2, 0xffffff00, 1}, payload);
  ASSERT_EQ(bench.events.size(), 2U);
  const auto& received = std::get<SenderReportReceived>(bench.events[0]);
  EXPECT_EQ(received.rtp_timestamp, 0x100000100);
  EXPECT_EQ(base::to_microseconds(received.ntp), 5'000'000);
  EXPECT_EQ(std::get<ReceivedFrame>(bench.events[1]).rtp_timestamp, 0xffffff00);
}

TEST(ReceptionReport, LossAndJitter) {
  ReceptionReport report(7, 90'000, 100);
  base::Instant now = kStart;
  // 20 ms of jitter on every other packet of 40 ms; each tenth lost.
  for (int i = 0; i < 100; ++i) {
    if (i % 10 != 5) report.count(now + milliseconds(i % 2 * 20), 100 + i, static_cast<std::uint32_t>(3600 * i), true);
    now += milliseconds(40);
  }
  report.handle_sender_report(now, {7, 0x1122334455667788, 0, 0, 0, {}});
  const ReportBlock block = report.take(now + milliseconds(500));
  EXPECT_EQ(block.ssrc, 7U);
  EXPECT_EQ(block.fraction_lost, 10 * 256 / 100);
  EXPECT_EQ(block.cumulative_lost, 10);
  EXPECT_EQ(block.highest_sequence, 199U);
  EXPECT_NEAR(block.jitter, 1600, 250);  // toward 1,800 ticks, less what the lost ones skip
  EXPECT_EQ(block.last_sender_report, 0x33445566U);
  EXPECT_EQ(block.delay_since_last_sender_report, 32768U);
  EXPECT_EQ(report.take(now).fraction_lost, 0);  // a new interval
}

// Pictures of 40 ms at 90 kHz whose second, third and fourth are under way for 10 ms more, 10 ms less and 15 ms more
// than the one before. RFC 3550 6.4.1: D is 900, -900 and 1,350 ticks, and J += (|D| - J) / 16 gives 56.25, 108.98 and
// 186.55 ticks, which are told as 186: 2,066 microseconds.
TEST(Receiver, TheJitterIsThatOfTheFormulaAndTellsTimeOnceItWasReported) {
  Bench bench(codecs::MediaKind::Video);
  const int waits[] = {0, 50, 30, 55};
  for (int i = 0; i < 4; ++i) {
    bench.now += milliseconds(waits[i]);
    bench.picture(100 + i, i == 0);
  }
  EXPECT_FALSE(bench.receiver.stats().jitter);
  const auto block = bench.receiver.take_report(bench.now);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->jitter, 186U);
  EXPECT_EQ(bench.receiver.stats().jitter, std::chrono::microseconds(2'066));
}

// The same of sound at 48 kHz: 20 ms apart, the second 6 ms late. D is 288 ticks, J 18 ticks: 375 microseconds.
TEST(Receiver, TheJitterOfSoundIsOnItsOwnClock) {
  Bench bench(codecs::MediaKind::Audio);
  bench.opus(10);
  bench.now += milliseconds(26);
  bench.opus(11);
  (void)bench.receiver.take_report(bench.now);
  EXPECT_EQ(bench.receiver.stats().jitter, std::chrono::microseconds(375));
}

TEST(BitrateEstimate, FollowsLoss) {
  base::Instant now = kStart;
  BitrateEstimate estimate(now, {3'000'000, 300'000, 4'000'000});
  std::int64_t expected = 0;
  std::int64_t received = 0;
  const auto pass = [&](int seconds, int percent_lost) {
    for (int i = 0; i < seconds; ++i) {
      expected += 300;
      received += 300 - 3 * percent_lost;
      estimate.update(now += std::chrono::seconds(1), {expected, received});
    }
    return estimate.bits_per_second();
  };
  EXPECT_EQ(pass(1, 0), 3'240'000U);
  EXPECT_EQ(pass(20, 0), 4'000'000U);
  EXPECT_EQ(pass(10, 5), 4'000'000U);
  EXPECT_EQ(pass(1, 20), 3'600'000U);
  EXPECT_EQ(pass(60, 50), 300'000U);
}

TEST(BitrateEstimate, AShareIsOfWhatWasReceivedBefore) {
  base::Instant now = kStart;
  BitrateEstimate estimate(now, {.start = 3'000'000, .min = 100'000, .max = 12'000'000});
  BitrateEstimate::Totals totals;
  const auto second = [&] {
    now += std::chrono::seconds(1);
    totals.expected += 100;
    totals.received += 100;
    totals.bytes += 100'000;
    estimate.update(now, totals);
    estimate.sent(now);
  };
  for (int i = 0; i < 3; ++i) second();
  const std::uint64_t free = estimate.bits_per_second();
  EXPECT_GT(free, 3'000'000U);
  estimate.ask_for_share(now, 0.5);
  EXPECT_LE(estimate.next_send(), now) << "at once";
  EXPECT_EQ(estimate.bits_per_second(), 400'000U);
  second();
  EXPECT_EQ(estimate.bits_per_second(), 400'000U) << "of the rate before it was asked for, not of what came of it";
  estimate.ask_for_share(now, 0.01);
  EXPECT_EQ(estimate.bits_per_second(), 100'000U);
  estimate.ask_for_share(now, 1);
  EXPECT_GE(estimate.bits_per_second(), free);
}

}  // namespace
}  // namespace rtp

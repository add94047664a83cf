// SPDX-License-Identifier: Apache-2.0
// What senders and the owner do wrong: bad packets, restarts, stalls, limits.
#include <gtest/gtest.h>

#include "conference/conference_simulation.hpp"

namespace conference {
namespace {

using simulation::amplitude_near;
using simulation::decibel;
using simulation::kStart;
using simulation::Listener;
using simulation::Room;
using simulation::seconds;
using std::chrono::milliseconds;

AudioPacket packet_of(base::Bytes payload, std::uint16_t sequence, std::uint32_t timestamp) {
  AudioPacket packet;
  packet.ssrc = 9;
  packet.sequence = sequence;
  packet.timestamp = timestamp;
  packet.payload = std::make_shared<const base::Bytes>(std::move(payload));
  return packet;
}

const base::Bytes kCeltPacket = {0xf8, 1, 2, 3, 4, 5};  // 20 ms

std::size_t drain(Conference& room) {
  std::size_t count = 0;
  while (room.poll_transmit()) ++count;
  return count;
}

TEST(BadPackets, AreCountedAndNotSent) {
  Conference room;
  ASSERT_TRUE(room.join(1, kStart));
  ASSERT_TRUE(room.join(2, kStart));
  room.packet(7, packet_of(kCeltPacket, 1, 0), kStart);
  EXPECT_EQ(room.stats().unknown_participant, 1U);
  room.packet(1, packet_of({}, 1, 0), kStart);
  room.packet(1, packet_of({0xfb}, 1, 0), kStart);                   // code 3 without a frame count
  room.packet(1, packet_of({0xfb, 0x00}, 1, 0), kStart);             // no frames
  room.packet(1, packet_of({0xf9, 1, 2, 3}, 1, 0), kStart);          // two frames of one and a half bytes
  room.packet(1, packet_of(base::Bytes(1501, 0xf8), 1, 0), kStart);  // fits no datagram
  room.packet(1, AudioPacket{}, kStart);
  EXPECT_EQ(room.stats().malformed, 6U);
  EXPECT_EQ(drain(room), 0U);
  room.packet(1, packet_of(kCeltPacket, 1, 0), kStart);
  room.packet(1, packet_of(kCeltPacket, 1, 0), kStart);
  EXPECT_EQ(room.stats().duplicates, 1U);
  room.packet(1, packet_of(kCeltPacket, 2, 480), kStart);  // begins before the one before ends
  EXPECT_EQ(room.stats().inconsistent, 1U);
  EXPECT_EQ(drain(room), 1U);
  EXPECT_EQ(room.stats().packets, 1U);
}

TEST(BadPackets, OneTooLateIsNotSentOutOfItsOrder) {
  Conference room;
  ASSERT_TRUE(room.join(1, kStart));
  ASSERT_TRUE(room.join(2, kStart));
  room.packet(1, packet_of(kCeltPacket, 1, 0), kStart);
  room.packet(1, packet_of(kCeltPacket, 3, 1920), kStart + milliseconds(40));
  EXPECT_EQ(drain(room), 1U);
  EXPECT_EQ(room.next_timeout(), kStart + milliseconds(80));
  room.handle_timeout(kStart + milliseconds(79));
  EXPECT_EQ(drain(room), 0U);
  room.handle_timeout(kStart + milliseconds(80));
  EXPECT_EQ(drain(room), 1U);
  EXPECT_EQ(room.next_timeout(), base::kNever);
  room.packet(1, packet_of(kCeltPacket, 2, 960), kStart + milliseconds(90));
  EXPECT_EQ(drain(room), 0U);
  EXPECT_EQ(room.stats().late, 1U);
}

TEST(Limits, OfParticipants) {
  Options options;
  options.max_participants = 2;
  Conference room(options);
  ASSERT_TRUE(room.join(1, kStart));
  const auto twice = room.join(1, kStart);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, base::Errc::AlreadyExists);
  ASSERT_TRUE(room.join(2, kStart));
  const auto third = room.join(3, kStart);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, base::Errc::LimitExceeded);
  room.leave(2, kStart);
  EXPECT_TRUE(room.join(3, kStart));
}

TEST(Limits, AnOwnerWhoDoesNotDrainLosesTheOldest) {
  Conference room;
  ASSERT_TRUE(room.join(1, kStart));
  ASSERT_TRUE(room.join(2, kStart));
  for (int i = 0; i < 9000; ++i) {
    room.packet(1, packet_of(kCeltPacket, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(960 * i)),
                kStart + i * milliseconds(20));
  }
  EXPECT_EQ(room.stats().dropped_transmits, 9000U - 8192U);
  EXPECT_EQ(drain(room), 8192U);
}

// Sequence numbers, times and SSRC begin anew: the listener's timeline goes on, and his decoder is led over by the mix.
TEST(Restart, OfASenderIsHeardWithoutATear) {
  Room room;
  room.join(1, {.tone = 440});
  room.join(2, simulation::SpeakerOptions{.amplitude = 0});
  room.join(3, simulation::SpeakerOptions{.amplitude = 0});
  room.run(3);
  room.restart_speaker(1, {.tone = 440, .phase = 3});
  room.run(8);
  EXPECT_EQ(room.conference.stats().restarts, 1U);
  EXPECT_EQ(room.conference.stats().mixes_begun, 1U);
  EXPECT_FALSE(room.conference.mixing());
  const Listener& listener = room.listener(3);
  EXPECT_EQ(listener.backwards(), 0);
  const auto tail = std::span(listener.sound()).last(48'000);
  EXPECT_NEAR(decibel(amplitude_near(tail, 440) / 0.25), 0, 1);
}

// A loud floor leaves in mid-word and a soft speaker takes it: decoders that expect the loud one must not be fed with
// the soft one's predictions.
TEST(Restart, TheNextSpeakerIsNotHeardThroughTheLastOnesPredictions) {
  Room room;
  room.join(1, {.tone = 440, .amplitude = 0.9});
  room.join(2, {.tone = 500, .amplitude = 0.002, .phase = 0.005});
  room.join(3, {.amplitude = 0});
  room.join(4, {.amplitude = 0});
  room.run(3);
  ASSERT_FALSE(room.conference.mixing());
  room.leave(1);
  // The loud tone itself ends in the overlap of 2.5 ms.
  const auto left = room.listener(3).sound().size() + 240;
  room.run(6);
  float peak = 0;
  for (const float sample : std::span(room.listener(3).sound()).subspan(left)) peak = std::max(peak, std::abs(sample));
  EXPECT_LT(peak, 0.1F);
  EXPECT_EQ(room.listener(3).backwards(), 0);
}

// All that was sent in a second comes at once, and the queue is cut to its length again.
TEST(Stall, OfTheWireDoesNotDelayWhatFollows) {
  Room room;
  room.join(1, {.tone = 440});
  room.join(2, {.tone = 1000, .phase = 0.004});
  room.join(3, {.amplitude = 0});
  room.run(5);
  room.hold_wire(1, 0.8);
  room.run(30);
  const auto queue = room.conference.queue(1, room.now());
  ASSERT_TRUE(queue);
  EXPECT_LT(queue->waits, milliseconds(150));
  const Listener& listener = room.listener(3);
  EXPECT_EQ(listener.backwards(), 0);
  const auto tail = std::span(listener.sound()).last(48'000);
  EXPECT_NEAR(decibel(amplitude_near(tail, 440) / 0.25), 0, 1);
  EXPECT_NEAR(decibel(amplitude_near(tail, 1000) / 0.25), 0, 1);
}

// While nothing comes there is nothing to cut: each cut would be made up for at once, and the queue of what was made up
// would grow several times as fast as the clock.
TEST(Stall, OfTheWireIsNoReasonToCut) {
  Room room;
  room.join(1, {.tone = 440});
  room.join(2, {.tone = 1000, .phase = 0.004});
  room.join(3, {.amplitude = 0});
  room.run(5);
  ASSERT_TRUE(room.conference.mixing());
  room.hold_wire(1, 1);
  room.run(5.99);
  EXPECT_EQ(room.conference.stats().skipped, 0U);
}

TEST(Stall, OfTheOwnersLoopIsAPauseInTheMix) {
  Room room;
  room.join(1, {.tone = 440});
  room.join(2, {.tone = 1000, .phase = 0.004});
  room.join(3, {.amplitude = 0});
  room.run(3);
  ASSERT_TRUE(room.conference.mixing());
  const base::Instant due = room.conference.next_timeout();
  room.conference.handle_timeout(due + seconds(1));
  std::vector<std::uint32_t> timestamps;
  while (const auto transmit = room.conference.poll_transmit()) {
    if (transmit->listener == 3) timestamps.push_back(transmit->timestamp);
  }
  // What was missed is not made up for by a burst: five frames, then the newest.
  ASSERT_EQ(timestamps.size(), 6U);
  EXPECT_EQ(timestamps[5] - timestamps[0], 48'000U);
  EXPECT_GT(room.conference.next_timeout(), due + seconds(1));
}

}  // namespace
}  // namespace conference

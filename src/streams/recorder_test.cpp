// SPDX-License-Identifier: Apache-2.0
#include "streams/recorder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <map>

#include "async/shard.hpp"
#include "base/random.hpp"
#include "codecs/h264_nal.hpp"
#include "container/matroska_parser.hpp"
#include "streams/held_log.hpp"
#include "streams/timeline.hpp"

namespace streams {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

constexpr base::Instant kBegin{};
const base::WallTime kServerStart = base::from_microseconds(1'790'000'000'000'000);

base::WallTime at_ms(std::int64_t ms) {
  return kServerStart + std::chrono::milliseconds(ms);
}

base::Bytes nal(const char* hex) {
  return *base::parse_hex(hex);
}
const base::Bytes kSmallSps = nal("6742c00dd90141fb011000000300100000030320f142a480");
const base::Bytes kLargeSps = nal("674d401feca02802dd80880000030008000003019078c18cb0");
const base::Bytes kPps = nal("68cb83cb20");

base::Bytes picture(bool key, std::uint32_t serial, std::size_t size = 200) {
  base::Bytes slice(size, static_cast<std::uint8_t>(serial));
  slice[0] = key ? 0x65 : 0x41;
  slice[1] = 0x88;  // first_mb_in_slice 0
  for (std::size_t i = 0; i < 4; ++i) slice[2 + i] = static_cast<std::uint8_t>(serial >> (8 * i));
  return slice;
}

// A camera that makes frames and remembers them.
struct Camera {
  HeldLog* log;
  Recorder* recorder;
  std::int64_t video_rtp = 1'000'000;  // at media time 0
  std::int64_t audio_rtp = 77'000;
  base::Duration delay = 40ms;  // between making and arriving
  base::Bytes sps = kSmallSps;
  std::uint32_t serial = 0;
  std::vector<base::Bytes> sent = {};  // video payloads

  base::Instant arrival(std::int64_t ms) const { return kBegin + std::chrono::milliseconds(ms) + delay; }
  void video(std::int64_t ms, bool key, bool after_loss = false, std::size_t size = 200, bool with_sets = true) {
    ArrivedFrame frame;
    frame.kind = MediaKind::Video;
    frame.frame.key_frame = key;
    if (key && with_sets) {
      codecs::h264::append_nal(frame.frame.payload, sps);
      codecs::h264::append_nal(frame.frame.payload, kPps);
    }
    codecs::h264::append_nal(frame.frame.payload, picture(key, ++serial, size));
    sent.push_back(frame.frame.payload);
    frame.rtp_timestamp = video_rtp + ms * 90;
    frame.arrived = arrival(ms);
    frame.after_loss = after_loss;
    recorder->write_frame("", std::move(frame));
  }
  void audio(std::int64_t ms, const std::string& who = "") {
    ArrivedFrame frame;
    frame.kind = MediaKind::Audio;
    frame.frame = {codecs::CodecId::Opus, true, {0x78, 1, 2, 3}};  // 20 ms
    frame.rtp_timestamp = audio_rtp + ms * 48;
    frame.clock_rate = 48'000;
    frame.arrived = arrival(ms);
    recorder->write_frame(who, std::move(frame));
  }
  void report(MediaKind kind, std::int64_t ms, base::WallTime ntp) {
    const bool is_video = kind == MediaKind::Video;
    recorder->handle_sender_report(
        "", {kind, ntp, is_video ? video_rtp + ms * 90 : audio_rtp + ms * 48, is_video ? 90'000U : 48'000U});
  }
  // 25 frames a second and 50 packets a second, a key frame every `group` ms or when it is asked for.
  void run(std::int64_t from, std::int64_t to, std::int64_t group = 2000, bool with_audio = true) {
    for (std::int64_t ms = from; ms < to; ms += 20) {
      if (with_audio) audio(ms);
      if (ms % 40 == 0) video(ms, (ms - from) % group == 0);
    }
  }
};

struct RecorderFixture {
  explicit RecorderFixture(RecorderOptions options = {}) : options_(options) {}
  RecorderOptions options_;
  std::shared_ptr<HeldLog> log = std::make_shared<HeldLog>();
  Recorder recorder{options_, log, kBegin, kServerStart};
  Camera camera{log.get(), &recorder};

  container::MatroskaDocument document(std::size_t index) {
    auto parsed = container::parse_matroska(*log->drafts.at(index).payload);
    EXPECT_TRUE(parsed) << parsed.error().message;
    return *std::move(parsed);
  }
  std::vector<base::Bytes> stored_video() {
    std::vector<base::Bytes> frames;
    for (std::size_t i = 0; i < log->drafts.size(); ++i) {
      for (const container::Block& block : document(i).blocks) {
        if (block.track == 1) frames.emplace_back(block.payload.begin(), block.payload.end());
      }
    }
    return frames;
  }
  std::size_t audio_packets() {
    std::size_t packets = 0;
    for (std::size_t i = 0; i < log->drafts.size(); ++i) {
      packets += static_cast<std::size_t>(
          std::ranges::count_if(document(i).blocks, [](const auto& b) { return b.track != 1; }));
    }
    return packets;
  }
  void finish(std::int64_t ms, GapReason reason = GapReason::PublisherLeft) {
    recorder.finish(camera.arrival(ms), reason);
    EXPECT_TRUE(log->open.empty()) << "every number is committed or abandoned";
  }
};

std::int64_t ms_since_start(base::WallTime time) {
  return (time - kServerStart) / 1ms;
}

TEST(Recorder, EveryFrameBitForBitInContiguousFragments) {
  RecorderFixture recording;
  recording.recorder.add_audio("");
  recording.camera.run(0, 10'000);
  recording.finish(10'000);
  const auto& drafts = recording.log->drafts;
  ASSERT_EQ(drafts.size(), 5U);
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    EXPECT_EQ(drafts[i].duration, 2s) << i;
    EXPECT_EQ(drafts[i].flags, kAudio | kArrivalClock);
    EXPECT_FALSE(drafts[i].gap_before);
    if (i > 0) EXPECT_EQ(drafts[i].producer_time, drafts[i - 1].producer_time + drafts[i - 1].duration);
    EXPECT_EQ(drafts[i].ended_by.has_value(), i == 4);
    const auto document = recording.document(i);
    EXPECT_EQ(document.start, drafts[i].producer_time);
    EXPECT_EQ(document.end, drafts[i].producer_time + drafts[i].duration);
    EXPECT_TRUE(document.find_video()->width == 320 && document.find_video()->height == 240);
    for (const container::Block& block : document.blocks) {
      EXPECT_GE(block.time, document.start);
      EXPECT_LT(block.time, document.end);
    }
  }
  EXPECT_EQ(drafts[4].ended_by, GapReason::PublisherLeft);
  EXPECT_EQ(recording.stored_video(), recording.camera.sent);
  EXPECT_EQ(recording.audio_packets(), 500U);
  EXPECT_EQ(recording.recorder.stats().committed, 5U);
  EXPECT_EQ(recording.recorder.stats().uncommitted_bytes, 0U);
}

TEST(Recorder, VideoOnlyDoesNotWait) {
  RecorderFixture recording;
  recording.camera.run(0, 2'040, 2000, false);
  EXPECT_EQ(recording.log->drafts.size(), 1U);
  EXPECT_EQ(recording.log->drafts[0].flags & kAudio, 0U);
  EXPECT_EQ(recording.document(0).tracks.size(), 1U);
}

TEST(Recorder, ANegotiatedAudioTrackIsDeclaredWithoutPackets) {
  RecorderFixture recording;
  recording.recorder.add_audio("");
  recording.camera.run(0, 2'040, 2000, false);
  ASSERT_EQ(recording.log->drafts.size(), 1U);
  EXPECT_EQ(recording.document(0).tracks.size(), 2U);
}

TEST(Recorder, AFinishedFragmentWaitsForItsAudio) {
  RecorderFixture recording;
  for (std::int64_t ms = 0; ms <= 2000; ms += 40) {
    recording.camera.video(ms, ms % 2000 == 0);
    if (ms < 1900) recording.camera.audio(ms), recording.camera.audio(ms + 20);
  }
  EXPECT_EQ(recording.log->drafts.size(), 0U);
  for (std::int64_t ms = 1920; ms < 2000; ms += 20) recording.camera.audio(ms);
  ASSERT_EQ(recording.log->drafts.size(), 1U);
  EXPECT_EQ(recording.audio_packets(), 100U);
  // But not for ever: nothing after 2000 ms is heard of the next one's.
  for (std::int64_t ms = 2040; ms <= 5'100; ms += 40) recording.camera.video(ms, ms == 4000);
  EXPECT_EQ(recording.log->drafts.size(), 1U);
  for (std::int64_t ms = 5'120; ms <= 5'240; ms += 40) recording.camera.video(ms, false);
  EXPECT_EQ(recording.log->drafts.size(), 2U);
}

// The last half second of the first fragment's sound comes `late` after its time, all the rest as usual.
void record_with_late_sound(RecorderFixture& recording, std::int64_t late) {
  struct Packet {
    std::int64_t sent, ms;
  };
  std::vector<Packet> packets;
  for (std::int64_t ms = 0; ms < 8000; ms += 20) packets.push_back({ms >= 1500 && ms < 2000 ? ms + late : ms, ms});
  // As the receiver hands them out: in order.
  for (std::size_t i = 1; i < packets.size(); ++i) packets[i].sent = std::max(packets[i].sent, packets[i - 1].sent);
  std::size_t next = 0;
  for (std::int64_t ms = 0; ms < 8000; ms += 40) {
    recording.camera.video(ms, ms % 2000 == 0);
    for (; next < packets.size() && packets[next].sent < ms + 40; ++next) {
      const base::Duration delay = recording.camera.delay;
      recording.camera.delay += std::chrono::milliseconds(packets[next].sent - packets[next].ms);
      recording.camera.audio(packets[next].ms);
      recording.camera.delay = delay;
    }
  }
  recording.finish(8000);
}

std::size_t sound_outside(const container::MatroskaDocument& document) {
  return static_cast<std::size_t>(std::ranges::count_if(document.blocks, [&](const auto& block) {
    return block.track != 1 && (block.time < document.start || block.time >= document.end);
  }));
}

// The mix that readers get is rendered from the fragment that the sound belongs to (ADR 1).
TEST(Recorder, SoundThatIsLateIsInItsOwnFragment) {
  for (const std::int64_t late : {200, 400, 900, 1'400, 1'900}) {
    RecorderFixture recording;
    record_with_late_sound(recording, late);
    ASSERT_EQ(recording.log->drafts.size(), 4U) << late;
    EXPECT_EQ(recording.audio_packets(), 400U) << late;
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(sound_outside(recording.document(i)), 0U) << late << ", " << i;
  }
}

TEST(Recorder, SoundThatComesAfterTheNextFragmentsEndGoesWithThatOne) {
  RecorderFixture recording;
  record_with_late_sound(recording, 2'600);
  EXPECT_EQ(recording.audio_packets(), 400U);
  EXPECT_EQ(sound_outside(recording.document(0)), 0U);
  EXPECT_EQ(sound_outside(recording.document(1)), 25U);
}

TEST(Recorder, SoundThatIsAlwaysTooLateHoldsNothingUp) {
  RecorderFixture recording;
  for (std::int64_t ms = 0; ms <= 10'000; ms += 20) {
    if (ms % 40 == 0) recording.camera.video(ms, ms % 2000 == 0);
    if (ms < 1000) recording.camera.audio(ms);
    if (ms < 6000) continue;
    recording.camera.delay += 5s;
    recording.camera.audio(ms - 5000);
    recording.camera.delay -= 5s;
    if (ms >= 8000) EXPECT_EQ(recording.log->drafts.size(), static_cast<std::size_t>(ms / 2000)) << ms;
  }
}

TEST(Recorder, TheLastFragmentHasTheSoundThatGoesOnForAMoment) {
  RecorderFixture recording;
  recording.recorder.add_audio("");
  recording.camera.run(0, 1'000);
  for (std::int64_t ms = 1'000; ms < 1'500; ms += 20) recording.camera.audio(ms);
  recording.finish(1'500);
  ASSERT_EQ(recording.log->drafts.size(), 1U);
  EXPECT_EQ(recording.log->drafts[0].duration, 1'000ms) << "it is as long as its pictures";
  EXPECT_EQ(recording.audio_packets(), 50U + 5U);
  EXPECT_EQ(ms_since_start(recording.document(0).blocks.back().time),
            ms_since_start(recording.log->drafts[0].producer_time) + 1'080);
}

TEST(Recorder, WhoHasLeftIsNotWaitedFor) {
  RecorderFixture recording;
  for (std::int64_t ms = 0; ms < 2000; ms += 40) {
    recording.camera.video(ms, ms == 0);
    if (ms < 1500) recording.camera.audio(ms, "anna");
  }
  recording.camera.video(2000, true);
  EXPECT_EQ(recording.log->drafts.size(), 0U);
  recording.recorder.end_audio(recording.camera.arrival(2000), "anna");
  ASSERT_EQ(recording.log->drafts.size(), 1U);
  EXPECT_EQ(recording.audio_packets(), 38U);
  recording.recorder.end_audio(recording.camera.arrival(2000), "nobody");
}

TEST(Recorder, ANewSpsStartsAFragmentHoweverShort) {
  RecorderFixture recording;
  recording.camera.run(0, 400, 2000, false);
  recording.camera.sps = kLargeSps;
  recording.camera.run(400, 2'480, 2000, false);
  recording.finish(2480);
  ASSERT_EQ(recording.log->drafts.size(), 3U);
  EXPECT_EQ(recording.log->drafts[0].duration, 400ms);
  EXPECT_EQ(recording.document(0).find_video()->width, 320U);
  EXPECT_EQ(recording.document(1).find_video()->width, 1280U);
  EXPECT_NE(recording.log->drafts[0].codec_fingerprint, recording.log->drafts[1].codec_fingerprint);
  EXPECT_EQ(recording.log->drafts[1].codec_fingerprint, recording.log->drafts[2].codec_fingerprint);
  EXPECT_EQ(recording.stored_video(), recording.camera.sent);
}

TEST(Recorder, AKeyFrameBeforeTheTargetDoesNotCut) {
  RecorderFixture recording;
  recording.camera.run(0, 6'000, 400, false);
  recording.finish(6000);
  ASSERT_EQ(recording.log->drafts.size(), 3U);
  EXPECT_EQ(recording.log->drafts[0].duration, 2s);
}

TEST(Recorder, AKeyFrameAHairBeforeTheTargetCuts) {
  RecorderFixture recording;
  for (std::int64_t ms = 0; ms < 9'990; ms += 37) recording.camera.video(ms, ms % 1'998 == 0);
  recording.finish(9'990);
  EXPECT_EQ(recording.log->drafts.size(), 5U);
}

TEST(Recorder, WithoutKeyFramesDependentFragmentsOfTwentySeconds) {
  RecorderFixture recording;
  EXPECT_TRUE(recording.recorder.wants_key_frame(kBegin));
  recording.camera.run(0, 1'960, 100'000, false);
  EXPECT_FALSE(recording.recorder.wants_key_frame(recording.camera.arrival(1'960)));
  recording.camera.run(2'000, 45'000, 1'000'000, false);
  EXPECT_TRUE(recording.recorder.wants_key_frame(recording.camera.arrival(45'000)));
  recording.finish(45'000);
  // The first group begins at 0 and again at 2000 (a new group), then nothing but dependent frames.
  ASSERT_EQ(recording.log->drafts.size(), 4U);
  EXPECT_EQ(recording.log->drafts[1].duration, 20s);
  EXPECT_EQ(recording.log->drafts[1].flags & kDependent, 0U);
  EXPECT_EQ(recording.log->drafts[2].flags & kDependent, kDependent);
  EXPECT_EQ(recording.stored_video(), recording.camera.sent);
}

TEST(Recorder, TheSizeLimitCutsToo) {
  RecorderOptions options;
  options.max_fragment_bytes = 10'000;
  RecorderFixture recording(options);
  for (std::int64_t ms = 0; ms < 400; ms += 40) recording.camera.video(ms, ms == 0, false, 3'000);
  recording.finish(400);
  ASSERT_GT(recording.log->drafts.size(), 2U);
  for (const auto& each : recording.log->drafts) EXPECT_LT(each.payload->size(), 11'000U);
  EXPECT_EQ(recording.stored_video(), recording.camera.sent);
}

TEST(Recorder, ALossIsAGapUpToTheNextKeyFrame) {
  RecorderFixture recording;
  recording.camera.run(0, 1'000, 2000, false);
  for (std::int64_t ms = 1'080; ms < 1'400; ms += 40) recording.camera.video(ms, false, ms == 1'080);
  EXPECT_TRUE(recording.recorder.wants_key_frame(recording.camera.arrival(1'400)));
  recording.camera.run(1'400, 3'000, 2000, false);
  recording.finish(3'000);
  ASSERT_EQ(recording.log->drafts.size(), 2U);
  EXPECT_EQ(recording.log->drafts[0].duration, 1s);  // the last frame at 960 has its 40 ms
  ASSERT_TRUE(recording.log->drafts[1].gap_before);
  const Gap gap = *recording.log->drafts[1].gap_before;
  EXPECT_EQ(gap.reason, GapReason::PacketsLost);
  EXPECT_EQ(gap.from, recording.log->drafts[0].producer_time + 1s);
  EXPECT_EQ(gap.to, recording.log->drafts[1].producer_time);
  EXPECT_EQ(gap.to - gap.from, 400ms);
  EXPECT_EQ(recording.recorder.stats().dropped_after_loss, 8U);
}

TEST(Recorder, FramesBeforeTheFirstKeyFrameAreAGap) {
  RecorderFixture recording;
  for (std::int64_t ms = 0; ms < 400; ms += 40) recording.camera.video(ms, false);
  recording.camera.video(400, true, false, 200, false);  // no parameter sets anywhere: nothing can decode it
  recording.camera.run(440, 1'000, 2000, false);
  recording.finish(1'000);
  ASSERT_EQ(recording.log->drafts.size(), 1U);
  EXPECT_EQ(recording.log->drafts[0].gap_before->reason, GapReason::KeyFrameAwaited);
  EXPECT_EQ(recording.log->drafts[0].gap_before->to - recording.log->drafts[0].gap_before->from, 440ms);
  EXPECT_EQ(recording.recorder.stats().dropped_before_key, 11U);
}

TEST(Recorder, TheGapBeforeTheFirstKeyFrameIsOnTheCamerasClockToo) {
  for (const microseconds lead : {microseconds(-3min), microseconds(3min)}) {
    RecorderFixture recording;
    for (std::int64_t ms = 0; ms < 400; ms += 40) recording.camera.video(ms, false);
    recording.camera.run(400, 1'000, 2000, false);
    recording.camera.report(MediaKind::Video, 900, kServerStart + lead + 900ms);
    recording.finish(1'000);
    const FragmentDraft& first = recording.log->drafts.at(0);
    EXPECT_EQ(first.producer_time, kServerStart + lead + 400ms);
    EXPECT_EQ(first.gap_before, (Gap{GapReason::KeyFrameAwaited, kServerStart + lead, first.producer_time}));
  }
}

TEST(Recorder, ParameterSetsOfTheSdpAreEnough) {
  RecorderFixture recording;
  recording.recorder.set_sdp_parameter_sets({kSmallSps, kPps});
  recording.camera.video(0, true, false, 200, false);
  recording.finish(40);
  ASSERT_EQ(recording.log->drafts.size(), 1U);
  EXPECT_EQ(recording.document(0).find_video()->width, 320U);
  EXPECT_EQ(recording.stored_video(), recording.camera.sent);
}

TEST(Recorder, TheGapSinceTheLastSessionHasItsReason) {
  for (const GapReason reason : {GapReason::PublisherLeft, GapReason::ServerStopped}) {
    auto log = std::make_shared<HeldLog>();
    log->recording_end = RecordingEnd{kServerStart - 58s, reason};
    Recorder recorder({}, log, kBegin, kServerStart);
    Camera camera{log.get(), &recorder};
    camera.run(0, 400, 2000, false);
    recorder.finish(camera.arrival(400), GapReason::ServerStopped);
    ASSERT_EQ(log->drafts.size(), 1U);
    const Gap gap = *log->drafts[0].gap_before;
    EXPECT_EQ(gap.reason, reason);
    EXPECT_EQ(gap.from, kServerStart - 58s);
    EXPECT_EQ(gap.to, log->drafts[0].producer_time);
    EXPECT_EQ(log->drafts[0].ended_by, GapReason::ServerStopped);
  }
}

TEST(Recorder, TheGapSinceTheLastSessionGrowsWhenItsLastFragmentIsRefused) {
  auto log = std::make_shared<HeldLog>();
  log->recording_end = RecordingEnd{kServerStart - 10s, GapReason::PublisherLeft};
  Recorder recorder({}, log, kBegin, kServerStart);
  Camera camera{log.get(), &recorder};
  camera.run(0, 400, 2000, false);
  log->recording_end = RecordingEnd{kServerStart - 12s, GapReason::DiskSlow};
  recorder.finish(camera.arrival(400), GapReason::ServerStopped);
  ASSERT_EQ(log->drafts.size(), 1U);
  const Gap gap = *log->drafts[0].gap_before;
  EXPECT_EQ(gap.reason, GapReason::DiskSlow);
  EXPECT_EQ(gap.from, kServerStart - 12s);
}

TEST(Recorder, TheCommitTellsWhoWaitsForAFragment) {
  async::Shard shard("test");
  auto log = std::make_shared<HeldLog>();
  log->at_once = false;
  auto recorder = std::make_unique<Recorder>(RecorderOptions{}, log, kBegin, kServerStart);
  Camera camera{log.get(), recorder.get()};
  camera.run(0, 2'200, 2000, false);
  ASSERT_EQ(log->held.size(), 1U);
  std::promise<bool> first, second;
  for (const auto& [ordinal, told] : {std::pair(1, &first), std::pair(2, &second)}) {
    shard.spawn("waits", [&recorder = *recorder, ordinal, told]() -> async::Task<void> {
      const bool durable = co_await recorder.wait_for_fragment(static_cast<std::uint64_t>(ordinal));
      told->set_value(durable);
    });
  }
  shard.run_blocking([] {});
  auto first_told = first.get_future(), second_told = second.get_future();
  EXPECT_EQ(first_told.wait_for(0s), std::future_status::timeout);
  log->answer();
  ASSERT_EQ(first_told.wait_for(10s), std::future_status::ready);
  EXPECT_TRUE(first_told.get());
  EXPECT_EQ(second_told.wait_for(0s), std::future_status::timeout);
  recorder->finish(camera.arrival(2'200), GapReason::PublisherLeft);
  recorder.reset();
  EXPECT_EQ(second_told.wait_for(0s), std::future_status::timeout);
  log->refuse = true;
  log->answer();
  ASSERT_EQ(second_told.wait_for(10s), std::future_status::ready);
  EXPECT_FALSE(second_told.get());
}

TEST(Recorder, ASlowDiskDropsWholeGroupsAndSaysSo) {
  RecorderOptions options;
  options.max_uncommitted_bytes = 30'000;
  RecorderFixture recording(options);
  recording.log->at_once = false;
  for (std::int64_t ms = 0; ms < 20'000; ms += 40) recording.camera.video(ms, ms % 2000 == 0, false, 400);
  EXPECT_EQ(recording.log->drafts.size(), 1U);  // 20 kB each: the second would be too much
  EXPECT_LE(recording.recorder.stats().uncommitted_bytes, 30'000U);
  EXPECT_EQ(recording.recorder.stats().dropped_disk_slow, 8U * 50U);
  recording.log->answer();
  recording.log->at_once = true;
  for (std::int64_t ms = 20'000; ms < 24'000; ms += 40) recording.camera.video(ms, ms % 2000 == 0, false, 400);
  recording.finish(24'000);
  ASSERT_GE(recording.log->drafts.size(), 3U);
  const Gap gap = *recording.log->drafts[1].gap_before;
  EXPECT_EQ(gap.reason, GapReason::DiskSlow);
  EXPECT_EQ(gap.from, recording.log->drafts[0].producer_time + 2s);
  EXPECT_EQ(gap.to, recording.log->drafts[1].producer_time);
  EXPECT_FALSE(recording.log->drafts[2].gap_before);
}

TEST(Recorder, ARefusedFragmentIsAGapInTheNext) {
  RecorderFixture recording;
  recording.log->refuse = true;
  recording.camera.run(0, 2'040, 2000, false);
  recording.log->refuse = false;
  recording.camera.run(2'040, 4'100, 100'000, false);
  recording.finish(4'100);
  EXPECT_EQ(recording.recorder.stats().failed, 1U);
  const Gap gap = *recording.log->drafts[1].gap_before;
  EXPECT_EQ(gap.reason, GapReason::DiskSlow);
  EXPECT_EQ(gap.from, recording.log->drafts[0].producer_time);
}

TEST(Recorder, ShedIsAnOverloadGap) {
  RecorderFixture recording;
  recording.camera.run(0, 1'000, 2000, false);
  recording.recorder.shed(recording.camera.arrival(1'000));
  for (std::int64_t ms = 1'000; ms < 1'200; ms += 40) recording.camera.video(ms, false);
  recording.camera.run(1'200, 2'000, 2000, false);
  recording.finish(2'000);
  ASSERT_EQ(recording.log->drafts.size(), 2U);
  EXPECT_EQ(recording.log->drafts[1].gap_before->reason, GapReason::Overload);
  EXPECT_EQ(recording.log->drafts[1].gap_before->to - recording.log->drafts[1].gap_before->from, 200ms);
}

TEST(Recorder, SoundBesideTheLastPicturesBeforeARestIsNotInTheFragmentAfterIt) {
  RecorderFixture recording;
  recording.camera.run(0, 1'000);
  for (std::int64_t ms = 1'000; ms < 1'060; ms += 20) recording.camera.audio(ms);
  recording.recorder.shed(recording.camera.arrival(1'060));
  recording.camera.run(1'600, 2'600);
  recording.finish(2'600);
  ASSERT_EQ(recording.log->drafts.size(), 2U);
  const auto sound = [&](std::size_t index) {
    return std::ranges::count_if(recording.document(index).blocks, [](const auto& block) { return block.track != 1; });
  };
  EXPECT_EQ(sound(0), 53);
  EXPECT_EQ(sound(1), 50);
}

TEST(Recorder, ARejoinGoesOnWithNewTimeStamps) {
  RecorderFixture recording;
  recording.camera.run(0, 1'000);
  recording.recorder.restart_media(recording.camera.arrival(1'000));
  recording.recorder.set_sdp_parameter_sets({});
  recording.camera.video_rtp = 3'000'000'000;
  recording.camera.audio_rtp = 5;
  recording.camera.run(3'000, 4'000);
  recording.finish(4'000);
  ASSERT_EQ(recording.log->drafts.size(), 2U);
  const Gap gap = *recording.log->drafts[1].gap_before;
  EXPECT_EQ(gap.reason, GapReason::PublisherLeft);
  EXPECT_EQ(gap.to - gap.from, 2s);
  EXPECT_EQ(recording.stored_video(), recording.camera.sent);
}

TEST(Recorder, AQuietSenderKeepsNobodyWaiting) {
  RecorderFixture recording;
  recording.camera.run(0, 1'000, 2000, false);
  recording.recorder.handle_timeout(recording.camera.arrival(3'000), at_ms(3'000));
  EXPECT_EQ(recording.log->drafts.size(), 0U);
  recording.recorder.handle_timeout(recording.camera.arrival(6'000), at_ms(6'000));
  ASSERT_EQ(recording.log->drafts.size(), 1U);
  EXPECT_EQ(recording.log->drafts[0].duration, 1s);
  EXPECT_EQ(recording.log->drafts[0].ended_by, GapReason::PublisherLeft);
  recording.camera.video(30'000, false);
  recording.finish(30'100);
  ASSERT_EQ(recording.log->drafts.size(), 2U);
  EXPECT_EQ(recording.log->drafts[1].flags & kDependent, kDependent);
  EXPECT_EQ(recording.log->drafts[1].gap_before->to - recording.log->drafts[1].gap_before->from, 29s);
}

TEST(Recorder, TheCameraClockCountsWithinFifteenMinutes) {
  const struct {
    microseconds lead;
    std::uint32_t flags;
    bool follows_camera;
  } kCases[] = {{-3min, 0, true}, {14min, 0, true}, {16min, kClockReplaced, false}, {-90min, kClockReplaced, false}};
  for (const auto& each : kCases) {
    RecorderFixture recording;
    recording.camera.run(0, 1'000);
    const base::WallTime camera_clock = kServerStart + each.lead;
    recording.camera.report(MediaKind::Video, 900, camera_clock + 900ms);
    recording.camera.report(MediaKind::Audio, 900, camera_clock + 900ms);
    recording.camera.run(1'000, 2'100, 1'000);
    ASSERT_EQ(recording.log->drafts.size(), 1U);
    const FragmentDraft& first = recording.log->drafts[0];
    EXPECT_EQ(first.flags, kAudio | each.flags) << each.lead.count();
    EXPECT_EQ(ms_since_start(first.producer_time), each.follows_camera ? each.lead / 1ms : 40);
    EXPECT_EQ(ms_since_start(first.server_time), 40);
  }
}

TEST(Recorder, ReportsAlignTheTracksBeforeTheFirstFragmentIsWritten) {
  RecorderFixture recording;
  // The audio takes 300 ms longer than the video; only reports can tell.
  for (std::int64_t ms = 0; ms <= 2'600; ms += 20) {
    if (ms % 40 == 0) recording.camera.video(ms, ms % 2000 == 0);
    if (ms >= 300) {
      recording.camera.audio_rtp -= 300 * 48;
      recording.camera.audio(ms);
      recording.camera.audio_rtp += 300 * 48;
    }
    if (ms == 1'000) {
      recording.camera.report(MediaKind::Video, 1'000, kServerStart + 1s);
      recording.camera.report(MediaKind::Audio, 1'000, kServerStart + 1s);
    }
  }
  ASSERT_GE(recording.log->drafts.size(), 1U);
  const auto document = recording.document(0);
  const auto first_audio = std::ranges::find_if(document.blocks, [](const auto& b) { return b.track == 2; });
  EXPECT_EQ(ms_since_start(document.start), 0);
  EXPECT_EQ(ms_since_start(first_audio->time), 0);
}

TEST(Recorder, AJumpOfRtpTimeDoesNotMoveTheMedia) {
  for (const std::int64_t jump :
       {std::int64_t{90'000} * 3600, std::int64_t{-90'000} * 3600, std::int64_t{90'000} * 5}) {
    RecorderFixture recording;
    recording.camera.run(0, 5'000, 2000, false);
    recording.camera.video_rtp += jump;
    recording.camera.run(5'000, 10'000, 2000, false);
    recording.finish(10'000);
    EXPECT_EQ(recording.recorder.stats().clock_jumps, 1U);
    EXPECT_EQ(recording.stored_video(), recording.camera.sent);
    base::WallTime end = recording.log->drafts[0].producer_time;
    for (const FragmentDraft& each : recording.log->drafts) {
      EXPECT_EQ(each.producer_time, end);
      end = each.producer_time + each.duration;
    }
    EXPECT_EQ(ms_since_start(end), 10'040);
  }
}

TEST(Recorder, ManySeedsKeepTheirFrames) {
  // Random groups, delays, pauses, losses and size changes: what is stored is what was sent, in order, less what a loss
  // took; fragments never overlap; times never go back.
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    base::SeededRandom random(seed);
    RecorderFixture recording;
    std::int64_t ms = 0;
    std::size_t dropped = 0;
    bool broken = true;
    for (int i = 0; i < 2'000; ++i) {
      ms += random.below(50) == 0 ? static_cast<std::int64_t>(random.below(1'500)) : 33;
      recording.camera.delay = std::chrono::milliseconds(30 + random.below(30));
      const bool key = random.below(45) == 0;
      const bool lost = random.below(300) == 0;
      if (random.below(400) == 0) recording.camera.sps = random.below(2) == 0 ? kLargeSps : kSmallSps;
      if (random.below(2) == 0) recording.camera.audio(ms);
      if (random.below(100) == 0) recording.camera.report(MediaKind::Video, ms, at_ms(ms) + 7min);
      if (random.below(100) == 0) recording.camera.report(MediaKind::Audio, ms, at_ms(ms) + 7min);
      recording.camera.video(ms, key, lost);
      broken = (broken || lost) && !key;
      if (broken) {
        recording.camera.sent.pop_back();
        ++dropped;
      }
      if (random.below(20) == 0) recording.recorder.handle_timeout(recording.camera.arrival(ms), at_ms(ms));
    }
    recording.finish(ms + 100);
    ASSERT_EQ(recording.stored_video(), recording.camera.sent) << "seed " << seed;
    const RecorderStats stats = recording.recorder.stats();
    ASSERT_EQ(stats.dropped_after_loss + stats.dropped_before_key, dropped) << "seed " << seed;
    base::WallTime end = base::WallTime::min();
    for (const FragmentDraft& each : recording.log->drafts) {
      ASSERT_GE(each.producer_time, end) << "seed " << seed;
      ASSERT_GT(each.duration, 0us) << "seed " << seed;
      if (each.gap_before) ASSERT_EQ(each.gap_before->to, each.producer_time);
      if (each.gap_before && end != base::WallTime::min()) ASSERT_EQ(each.gap_before->from, end);
      if (!each.gap_before && end != base::WallTime::min()) ASSERT_EQ(each.producer_time, end) << "seed " << seed;
      end = each.producer_time + each.duration;
    }
  }
}

TEST(Recorder, GivesThePicturesSinceTheNewestKeyFrame) {
  RecorderFixture recording;
  const auto recent = [&] {
    std::vector<base::Bytes> payloads;
    for (const auto& picture : recording.recorder.since_key_frame()) {
      payloads.emplace_back(picture.payload.begin(), picture.payload.end());
    }
    return payloads;
  };
  EXPECT_TRUE(recent().empty());
  recording.camera.run(0, 1'400, 400);  // key frames at 0, 400, 800, 1200
  EXPECT_EQ(recent(), std::vector<base::Bytes>(recording.camera.sent.end() - 5, recording.camera.sent.end()));
  EXPECT_EQ(recording.recorder.since_key_frame().front().rtp_timestamp, recording.camera.video_rtp + 1'200 * 90);
  recording.camera.run(1'400, 19'000, 100'000);  // the last one at 1400
  const auto since = static_cast<std::ptrdiff_t>(recording.camera.sent.size());
  EXPECT_EQ(recent(),
            std::vector<base::Bytes>(recording.camera.sent.begin() + 35, recording.camera.sent.begin() + since));
  recording.camera.video(19'000, false, true);
  EXPECT_TRUE(recent().empty()) << "after a loss";
}

TEST(Timeline, ReportsSlewAndNeverJump) {
  Timeline timeline(15min);
  const auto place = [&](std::int64_t ms) { return timeline.place(MediaKind::Video, ms * 90, 90'000, at_ms(ms)); };
  for (std::int64_t ms = 0; ms < 2'000; ms += 40) place(ms);
  timeline.settle();
  EXPECT_EQ(timeline.clock(), Timeline::Clock::Arrival);
  timeline.handle_report(MediaKind::Video, at_ms(2'000), 2'000 * 90, 90'000);
  // The camera's clock runs 100 ppm fast and a report comes every second.
  base::WallTime last = place(2'000);
  for (std::int64_t ms = 2'040; ms < 600'000; ms += 40) {
    if (ms % 1'000 == 0) {
      timeline.handle_report(MediaKind::Video, at_ms(ms) + microseconds(ms / 10), ms * 90, 90'000);
    }
    const base::WallTime time = place(ms);
    const auto step = time - last;
    ASSERT_GE(step, 40ms - 100us);
    ASSERT_LE(step, 40ms + 100us);
    last = time;
  }
  EXPECT_NEAR(static_cast<double>((last - at_ms(599'960)) / 1us), 60'000, 7'000);
}

TEST(Timeline, AStepOfTheCameraClockIsAbsorbed) {
  Timeline timeline(15min);
  timeline.place(MediaKind::Video, 0, 90'000, at_ms(0));
  timeline.handle_report(MediaKind::Video, at_ms(0) + 1min, 0, 90'000);
  timeline.settle();
  EXPECT_EQ(timeline.clock(), Timeline::Clock::Camera);
  EXPECT_EQ(timeline.place(MediaKind::Video, 90'000, 90'000, at_ms(1'000)), at_ms(61'000));
  timeline.handle_report(MediaKind::Video, at_ms(2'000) + 1h, 180'000, 90'000);
  EXPECT_EQ(timeline.place(MediaKind::Video, 180'000, 90'000, at_ms(2'000)), at_ms(62'000));
  EXPECT_EQ(timeline.jumps(), 1U);
}

TEST(Timeline, ReportsThatContradictEachOtherDoNotPartSoundAndPicture) {
  Timeline timeline(15min);
  timeline.place(MediaKind::Video, 0, 90'000, at_ms(40));
  timeline.place(MediaKind::Audio, 0, 48'000, at_ms(45));
  timeline.handle_report(MediaKind::Video, at_ms(0) + 1min, 0, 90'000);
  timeline.handle_report(MediaKind::Audio, at_ms(0) + 50s, 0, 48'000);
  timeline.settle();
  EXPECT_EQ(timeline.clock(), Timeline::Clock::Camera);
  EXPECT_EQ(timeline.time_of(MediaKind::Video, 0, 90'000), at_ms(60'000));
  EXPECT_EQ(timeline.time_of(MediaKind::Audio, 0, 48'000), at_ms(60'005));
  for (std::int64_t second = 1; second < 60; ++second) {  // and it stays so
    timeline.handle_report(MediaKind::Video, at_ms(second * 1'000) + 1min, second * 90'000, 90'000);
    timeline.handle_report(MediaKind::Audio, at_ms(second * 1'000) + 50s, second * 48'000, 48'000);
    const auto arrived = at_ms(second * 1'000 + 40);
    const base::WallTime picture = timeline.place(MediaKind::Video, second * 90'000, 90'000, arrived);
    const base::WallTime sound = timeline.place(MediaKind::Audio, second * 48'000, 48'000, arrived);
    EXPECT_LE(std::chrono::abs(sound - picture), 5ms);
  }
}

TEST(Timeline, WithoutReportsTheLeastDelayedFrameTells) {
  Timeline timeline(15min);
  timeline.place(MediaKind::Video, 0, 90'000, at_ms(500));  // a large key frame that took its time
  timeline.place(MediaKind::Video, 3'600, 90'000, at_ms(70));
  timeline.settle();
  EXPECT_EQ(timeline.time_of(MediaKind::Video, 0, 90'000), at_ms(30));
}

// Video is under way for 60 ms, its sound for 15 ms, and their RTP times begin 2 s apart: sound comes 45 ms before its
// picture.
TEST(Timeline, TheSkewIsHowMuchLaterSoundComesThanItsPicture) {
  Timeline timeline(15min);
  const auto place = [&](MediaKind kind, std::int64_t ms, std::int64_t delay) {
    const std::int64_t rate = kind == MediaKind::Video ? 90 : 48;
    const std::int64_t start = kind == MediaKind::Video ? 0 : 2'000;
    timeline.place(kind, (ms + start) * rate, static_cast<std::uint32_t>(rate * 1'000), at_ms(ms + delay));
  };
  place(MediaKind::Video, 0, 60);
  place(MediaKind::Audio, 0, 15);
  timeline.handle_report(MediaKind::Video, at_ms(0) - 1h, 0, 90'000);
  EXPECT_FALSE(timeline.skew());
  timeline.handle_report(MediaKind::Audio, at_ms(0) - 1h, 96'000, 48'000);
  EXPECT_EQ(timeline.skew(), -45ms);
  timeline.settle();
  // Sound takes 100 ms from now on: after some seconds it comes 40 ms after its picture.
  for (std::int64_t ms = 40; ms < 10'000; ms += 40) place(MediaKind::Video, ms, 60);
  for (std::int64_t ms = 20; ms < 10'000; ms += 20) place(MediaKind::Audio, ms, 100);
  ASSERT_TRUE(timeline.skew());
  EXPECT_NEAR(static_cast<double>(timeline.skew()->count()), 40'000, 100);
}

TEST(Timeline, AnotherParticipantIsPutOntoTheMastersTimeline) {
  Timeline master(15min), viewer(15min);
  master.place(MediaKind::Video, 0, 90'000, at_ms(0));
  master.handle_report(MediaKind::Video, at_ms(0) + 10min, 0, 90'000);
  viewer.place(MediaKind::Audio, 0, 48'000, at_ms(100));
  viewer.handle_report(MediaKind::Audio, at_ms(0) - 5min, 0, 48'000);
  master.settle();
  viewer.settle(master.shift());
  EXPECT_EQ(viewer.time_of(MediaKind::Audio, 0, 48'000), at_ms(100) + 10min);
}

// What low-latency readers were shown is what is committed: numbers, times, bytes. The camera's clock is told late, so
// that the first fragment's times move before they are written.
TEST(LiveEdge, ShowsWhatWillBeCommitted) {
  RecorderFixture recording;
  recording.recorder.add_audio("");
  LiveEdge& edge = recording.log->live_edge();
  recording.log->at_once = false;  // the disk takes its time
  std::map<std::uint64_t, LiveFragment> shown;
  std::vector<LiveFrame> heard;
  for (std::int64_t ms = 0; ms < 9'000; ms += 20) {
    if (ms == 1'000) recording.camera.report(MediaKind::Video, 1'000, at_ms(1'700));
    edge.ask(recording.camera.arrival(ms));
    recording.camera.audio(ms);
    if (ms % 40 == 0) recording.camera.video(ms, ms % 2000 == 0);
    for (LiveFragment& fragment : edge.after({})) shown[fragment.header.number.value] = std::move(fragment);
    if (ms == 5'000) heard = edge.sound().packets;
    if (ms % 2000 == 300) recording.log->answer();
    if (ms < 2'000) {
      EXPECT_TRUE(shown.empty()) << "times may still move";
    }
  }
  recording.finish(9'000);
  recording.log->answer();
  ASSERT_EQ(recording.log->drafts.size(), 5U);
  EXPECT_EQ(shown.size(), 5U);
  for (const auto& [number, live] : shown) {
    const FragmentDraft& draft = recording.log->drafts.at(number - 1);
    EXPECT_EQ(live.header.producer_time, draft.producer_time);
    EXPECT_EQ(live.header.server_time, draft.server_time);
    EXPECT_EQ(live.header.codec_fingerprint, draft.codec_fingerprint);
    EXPECT_EQ(live.header.flags, draft.flags);
    const bool is_last = number == 5;
    EXPECT_EQ(live.end.has_value(), !is_last);
    if (live.end) {
      EXPECT_EQ(*live.end, draft.producer_time + draft.duration);
    }
    const container::MatroskaDocument document = recording.document(number - 1);
    std::size_t i = 0;
    for (const container::Block& block : document.blocks) {
      if (block.track != 1) continue;
      ASSERT_LT(i, live.pictures.size());
      EXPECT_EQ(live.pictures[i].time, block.time);
      EXPECT_EQ(*live.pictures[i].payload, base::to_bytes(base::as_text(block.payload)));
      EXPECT_EQ(live.pictures[i].key_frame, block.key_frame);
      ++i;
    }
    EXPECT_EQ(i, live.pictures.size());
  }
  const container::MatroskaDocument third = recording.document(2);
  for (const container::Block& block : third.blocks) {
    if (block.track == 1 || block.rtp_timestamp >= recording.camera.audio_rtp + 5'000 * 48) continue;
    const auto found = std::ranges::find(heard, block.rtp_timestamp, &LiveFrame::rtp_timestamp);
    ASSERT_NE(found, heard.end());
    EXPECT_EQ(found->time, block.time);
    EXPECT_EQ(found->track, block.track);
  }
}

TEST(LiveEdge, CostsNothingUntilSomebodyAsksAndStopsWhenNobodyDoes) {
  RecorderFixture recording;
  LiveEdge& edge = recording.log->live_edge();
  recording.camera.run(0, 5'000);
  EXPECT_TRUE(edge.is_empty());
  edge.ask(recording.camera.arrival(5'000));
  recording.camera.video(5'000, false);
  ASSERT_EQ(edge.after({}).size(), 1U);
  EXPECT_EQ(edge.after({}).front().pictures.size(), 26U) << "what came before the question, too";
  for (std::int64_t ms = 5'040; ms < 22'000; ms += 40) recording.camera.video(ms, ms % 2000 == 0);
  EXPECT_TRUE(edge.is_empty());
  recording.finish(22'000);
}

// A fragment that was shown and then refused is a gap: until the next one is committed nobody can tell what follows.
TEST(LiveEdge, AFragmentThatIsNeverCommittedIsLost) {
  RecorderFixture recording;
  LiveEdge& edge = recording.log->live_edge();
  const auto run = [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t ms = from; ms < to; ms += 40) {
      edge.ask(recording.camera.arrival(ms));
      recording.camera.video(ms, ms % 2000 == 0);
    }
  };
  run(0, 5'000);
  EXPECT_FALSE(edge.is_lost());
  recording.log->refuse = true;
  run(5'000, 6'040);
  EXPECT_TRUE(edge.is_lost());
  EXPECT_FALSE(edge.has({3}));
  recording.log->refuse = false;
  run(6'040, 8'040);
  EXPECT_FALSE(edge.is_lost());
  ASSERT_TRUE(recording.log->drafts.back().gap_before);
  EXPECT_TRUE(is_lost(recording.log->drafts.back().gap_before->reason));
  recording.finish(8'040);
}

// Parts of pictures that are shown in another order than they are sent would have wrong times.
TEST(LiveEdge, ShowsNothingOfPicturesThatAreReordered) {
  RecorderFixture recording;
  LiveEdge& edge = recording.log->live_edge();
  for (std::int64_t ms = 0; ms < 6'000; ms += 120) {
    edge.ask(recording.camera.arrival(ms));
    recording.camera.video(ms + 80, ms % 2040 == 0);
    recording.camera.video(ms, false);
    recording.camera.video(ms + 40, false);
    EXPECT_TRUE(edge.is_empty());
  }
  recording.finish(6'000);
}

}  // namespace
}  // namespace streams

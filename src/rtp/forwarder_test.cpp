// SPDX-License-Identifier: Apache-2.0
// A camera, a server and viewers in virtual time: what the viewers decode must be what the camera encoded.
#include "rtp/forwarder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>

#include "codecs/h264_nal.hpp"
#include "rtp/session.hpp"

namespace rtp {
namespace {

using codecs::MediaKind;
using std::chrono::milliseconds;

constexpr std::uint8_t kForwardedH264 = 102;
constexpr std::uint8_t kForwardedRtx = 103;
constexpr int kPeriod = 40;  // milliseconds of a picture
constexpr int kKeyInterval = 50;
constexpr std::uint8_t kTransportNumber = 3;

SenderOptions sender_of(std::uint32_t ssrc, std::uint16_t first_sequence, bool rtx) {
  SenderOptions options;
  options.payload_type = kForwardedH264;
  options.ssrc = ssrc;
  options.rtx_ssrc = ssrc + 1;
  if (rtx) options.rtx_payload_type = kForwardedRtx;
  options.first_sequence = first_sequence;
  return options;
}

SessionOptions receiving(bool rtx, std::shared_ptr<PacketHistory> history = nullptr) {
  ReceiverOptions video;
  video.formats = {{kForwardedH264, codecs::CodecId::H264, std::nullopt}};
  if (rtx) video.formats[0].rtx_payload_type = kForwardedRtx;
  video.history = std::move(history);
  SessionOptions session;
  session.receivers = {video};
  return session;
}

// What stands before a path that is too narrow: packets wait in it in order, and what does not fit is lost.
struct Bottleneck {
  unsigned bits_per_second = 0;  // 0: none
  base::Duration longest = std::chrono::seconds(3);

  std::optional<base::Duration> wait(base::Instant now, std::size_t bytes) {
    if (bits_per_second == 0) return base::Duration{};
    free_at = std::max(free_at, now);
    if (free_at - now > longest) return std::nullopt;
    free_at += std::chrono::microseconds((bytes + 40) * 8'000'000 / bits_per_second);
    waits.emplace_back(now, free_at - now);
    return free_at - now;
  }
  base::Instant free_at{};
  std::vector<std::pair<base::Instant, base::Duration>> waits;
};

// A receiver on a machine with too much to do: it has a turn now and then, and takes some of what waits, at once.
class Turns {
 public:
  explicit Turns(int at_once) : at_once_(at_once) {}
  // When what comes at `at` is taken. Calls are in the order of `at`.
  base::Instant after(base::Instant at, base::Random& random) {
    if (turn_ < at || taken_ == at_once_) {
      turn_ = std::max(turn_, at) + milliseconds(random.below(350));
      taken_ = 0;
    }
    ++taken_;
    return turn_;
  }

 private:
  const int at_once_;  // packets; a turn comes every 175 ms on the average
  base::Instant turn_{};
  int taken_ = 0;
};

// Both directions between two sessions.
class Link {
 public:
  Link(base::Random& random, unsigned loss_per_mille) : loss(loss_per_mille), random_(random) {}

  void take(base::Instant now, Session& from, bool forth, std::deque<SessionEvent>& events) {
    while (auto packet = from.poll_packet()) {
      if (forth) {
        send(now, packet->bytes);
      } else if (random_.below(1000) >= loss) {
        back_.emplace(arrival(now, last_back_), std::move(packet->bytes));
      }
    }
    while (auto event = from.poll_event()) events.push_back(std::move(*event));
  }
  void send(base::Instant now, base::ByteView packet) {
    if (random_.below(1000) < loss) return;
    const auto wait = narrow.wait(now, packet.size());
    if (!wait) return;
    base::Instant at = arrival(now + *wait, last_);
    if (turns) at = turns->after(at, random_);
    forth_.emplace(at, base::Bytes(packet.begin(), packet.end()));
  }
  void give(base::Instant now, Session& to, bool forth) {
    auto& wire = forth ? forth_ : back_;
    while (!wire.empty() && wire.begin()->first <= now) {
      to.handle_packet(now, wire.begin()->second);
      wire.erase(wire.begin());
    }
  }
  void clear() {
    forth_.clear();
    back_.clear();
  }
  unsigned loss;
  bool in_order = false;  // none overtakes another
  Bottleneck narrow;
  std::optional<Turns> turns;

 private:
  base::Instant arrival(base::Instant sent, base::Instant& last) {
    const base::Instant at = sent + milliseconds(30 + random_.below(15));
    return last = in_order ? std::max(at, last) : at;
  }

  base::Random& random_;
  base::Instant last_{}, last_back_{};
  std::multimap<base::Instant, base::Bytes> forth_, back_;
};

class Conference {
 public:
  explicit Conference(std::uint64_t seed, unsigned uplink_loss = 0) : random_(seed), uplink_(random_, uplink_loss) {
    restart_camera();
  }

  struct Viewer {
    Viewer(Conference& conference, bool rtx, unsigned loss, bool feedback)
        : link(conference.random_, loss),
          server(conference.now_, conference.random_, make(conference, rtx, feedback)),
          client(conference.now_, conference.random_, with_feedback(receiving(rtx), feedback)) {}
    static SessionOptions with_feedback(SessionOptions session, bool feedback) {
      session.transport_cc = feedback;
      session.transport_cc_extension = feedback ? kTransportNumber : 0;
      return session;
    }
    static SessionOptions make(Conference& conference, bool rtx, bool feedback) {
      SessionOptions session = with_feedback({}, feedback);
      session.forwarding = {sender_of(0x9000, 65'500, rtx), conference.history_};
      return session;
    }
    Link link;
    Session server, client;
    std::deque<SessionEvent> asked, seen;
    base::Instant joined{};

    std::vector<const ReceivedFrame*> frames() const {
      std::vector<const ReceivedFrame*> out;
      for (const SessionEvent& event : seen) {
        if (const auto* frame = std::get_if<ReceivedFrame>(&event.what)) out.push_back(frame);
      }
      return out;
    }
  };

  // `bits_per_second` of the way to the viewer; 0: as wide as you like.
  Viewer& join(bool rtx = true, unsigned loss = 0, bool feedback = true, unsigned bits_per_second = 0) {
    Viewer& viewer = *viewers_.emplace_back(std::make_unique<Viewer>(*this, rtx, loss, feedback));
    viewer.link.narrow.bits_per_second = bits_per_second;
    viewer.link.in_order = uplink_.in_order;
    viewer.joined = now_;
    forward(viewer);
    if (server_) server_->request_key_frame(now_);
    return viewer;
  }

  // Another connection of the master: other numbers, other timestamps.
  void restart_camera() {
    ++cameras_;
    SessionOptions camera;
    camera.senders = {sender_of(0x1000U * cameras_, random_.u16(), true)};
    camera_.emplace(now_, random_, camera);
    server_.emplace(now_, random_, receiving(true, history_));
    uplink_.clear();
    timestamp_ = random_.u32();
    until_key_ = 0;
  }

  void run(base::Duration duration) {
    for (const base::Instant end = now_ + duration; now_ < end; now_ += milliseconds(1)) {
      if (now_ >= next_picture_) send_picture();
      uplink_.take(now_, *camera_, true, camera_events_);
      uplink_.take(now_, *server_, false, server_events_);
      uplink_.give(now_, *server_, true);
      uplink_.give(now_, *camera_, false);
      for (const SessionEvent& event : std::exchange(camera_events_, {})) {
        if (std::holds_alternative<SessionEvent::KeyFrameRequested>(event.what)) until_key_ = 0;
      }
      for (const auto& viewer : viewers_) step(*viewer);
      history_->forget_fresh();
      if (camera_->next_timeout() <= now_) camera_->handle_timeout(now_);
      if (server_->next_timeout() <= now_) server_->handle_timeout(now_);
    }
  }

  // Every frame that a viewer saw was sent, bit for bit, in order; how many it has between its first and last.
  struct Verdict {
    std::size_t shown = 0;
    std::size_t skipped = 0;
  };
  Verdict check(const Viewer& viewer) const {
    Verdict verdict;
    std::size_t at = 0;
    bool first = true;
    std::int64_t last_timestamp = 0;
    for (const ReceivedFrame* frame : viewer.frames()) {
      std::size_t found = at;
      while (found < sent_.size() && sent_[found].payload != frame->frame.payload) ++found;
      EXPECT_LT(found, sent_.size()) << "a frame that was not sent, or out of order";
      if (found == sent_.size()) return verdict;
      if (!first) verdict.skipped += found - at;
      if (!first) EXPECT_GT(frame->rtp_timestamp, last_timestamp);
      if (first) EXPECT_TRUE(frame->frame.key_frame);
      last_timestamp = frame->rtp_timestamp;
      first = false;
      at = found + 1;
      ++verdict.shown;
    }
    return verdict;
  }
  void keep_order() { uplink_.in_order = true; }
  // Key frames of this size each second; pictures between them small: the source's rate is about the same.
  void make_heavy_key_frames() { key_interval_ = 25, key_size_ = 30'000, picture_size_ = 1500; }
  const std::vector<codecs::Frame>& sent() const { return sent_; }
  std::int64_t index_of(const ReceivedFrame& frame) const {
    return std::ranges::find(sent_, frame.frame.payload, &codecs::Frame::payload) - sent_.begin();
  }
  const std::deque<SessionEvent>& recorded() const { return server_events_; }
  base::Instant now() const { return now_; }
  Session& server() { return *server_; }

 private:
  void send_picture() {
    next_picture_ = now_ + milliseconds(kPeriod);
    codecs::Frame frame{codecs::CodecId::H264, until_key_ == 0, {}};
    until_key_ = (until_key_ == 0 ? key_interval_ : until_key_) - 1;
    codecs::h264::append_nal(frame.payload, nal(0x09, 2));  // many encoders begin with a delimiter
    if (frame.key_frame) {
      codecs::h264::append_nal(frame.payload, nal(0x67, 20));
      codecs::h264::append_nal(frame.payload, nal(0x68, 5));
    }
    codecs::h264::append_nal(frame.payload,
                             nal(frame.key_frame ? 0x65 : 0x41, frame.key_frame ? key_size_ : picture_size_));
    camera_->send_frame(now_, frame, timestamp_,
                        base::from_microseconds(1'700'000'000'000'000) +
                            std::chrono::duration_cast<std::chrono::microseconds>(now_ - start_));
    timestamp_ += 90 * kPeriod;
    sent_.push_back(std::move(frame));
  }
  base::Bytes nal(std::uint8_t header, std::size_t size) {
    base::Bytes bytes(size);
    random_.fill(bytes);
    bytes[0] = header;
    bytes[1] = 0x88;  // first_mb_in_slice 0
    return bytes;
  }
  void forward(Viewer& viewer) {
    PacketBatch batch(10);
    viewer.server.forward(now_, batch);
    for (const PacketBatch::Place& place : batch.places()) viewer.link.send(now_, batch.packet(place));
  }
  void step(Viewer& viewer) {
    forward(viewer);
    if (viewer.server.awaits_key_frame()) server_->request_key_frame(now_);
    viewer.link.take(now_, viewer.server, true, viewer.asked);
    viewer.link.take(now_, viewer.client, false, viewer.seen);
    viewer.link.give(now_, viewer.client, true);
    viewer.link.give(now_, viewer.server, false);
    for (const SessionEvent& event : std::exchange(viewer.asked, {})) {
      if (std::holds_alternative<SessionEvent::KeyFrameRequested>(event.what)) server_->request_key_frame(now_);
    }
    if (viewer.server.next_timeout() <= now_) viewer.server.handle_timeout(now_);
    if (viewer.client.next_timeout() <= now_) viewer.client.handle_timeout(now_);
  }

  base::SeededRandom random_;
  base::Instant now_{std::chrono::seconds(100)};
  const base::Instant start_ = now_;
  base::Instant next_picture_ = now_;
  std::shared_ptr<PacketHistory> history_ = std::make_shared<PacketHistory>();
  Link uplink_;
  std::optional<Session> camera_, server_;
  unsigned cameras_ = 0;
  std::uint32_t timestamp_ = 0;
  int until_key_ = 0;
  int key_interval_ = kKeyInterval;
  std::size_t key_size_ = 9000, picture_size_ = 2500;
  std::vector<codecs::Frame> sent_;
  std::deque<SessionEvent> camera_events_, server_events_;
  std::vector<std::unique_ptr<Viewer>> viewers_;
};

TEST(Forwarder, EveryViewerSeesEveryPicture) {
  Conference conference(1);
  auto& early = conference.join();
  conference.run(milliseconds(3000));
  auto& late = conference.join(false);
  conference.run(milliseconds(4000));
  EXPECT_GE(conference.check(early).shown, 170U);
  EXPECT_EQ(conference.check(early).skipped, 0U);
  EXPECT_GE(conference.check(late).shown, 100U);
  EXPECT_EQ(conference.check(late).skipped, 0U);
}

TEST(Forwarder, TheFirstPictureIsThereAtOnceAndNotPlayedLate) {
  Conference conference(2);
  conference.run(milliseconds(1000));  // in the middle of a group of pictures
  auto& viewer = conference.join();
  const base::Instant joined = conference.now();
  conference.run(milliseconds(500));
  const auto frames = viewer.frames();
  ASSERT_GT(frames.size(), 25U);
  EXPECT_LE(frames[0]->arrived - joined, milliseconds(46));  // the way to the viewer, and nothing else
  // 25 pictures came at once: on the viewer's clock they lie close together, and the live ones 40 ms apart.
  EXPECT_LT(frames[20]->rtp_timestamp - frames[0]->rtp_timestamp, 90 * 60);
  EXPECT_EQ(frames.back()->rtp_timestamp - frames[frames.size() - 2]->rtp_timestamp, 90 * kPeriod);
}

TEST(Forwarder, LossOnBothWaysIsRepairedFromTheSharedHistory) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const bool rtx : {true, false}) {
      Conference conference(seed, 50);
      auto& viewer = conference.join(rtx, 50);
      auto& other = conference.join(rtx, 0);
      conference.run(milliseconds(8000));
      EXPECT_LE(conference.check(viewer).skipped, 2U) << "seed " << seed << " rtx " << rtx;
      EXPECT_GE(conference.check(viewer).shown, 180U);
      EXPECT_LE(conference.check(other).skipped, 2U);
    }
  }
}

TEST(Forwarder, TheMasterReturnsWithOtherNumbers) {
  Conference conference(3);
  conference.keep_order();  // a packet overtaken by what comes through would be lost with the old connection
  auto& viewer = conference.join();
  conference.run(milliseconds(2000));
  conference.restart_camera();
  conference.run(milliseconds(1500));
  conference.restart_camera();
  conference.run(milliseconds(2000));
  const auto verdict = conference.check(viewer);
  EXPECT_GE(verdict.shown, conference.sent().size() - 8) << "what was on its way when the connections changed";
  EXPECT_EQ(viewer.client.receiver_stats(MediaKind::Video)->resyncs, 0U);
  EXPECT_EQ(viewer.client.receiver_stats(MediaKind::Video)->lost, 0U);
}

TEST(Forwarder, AViewerThatLosesTooMuchGetsKeyFramesOnlyAndTheOthersEverything) {
  Conference conference(4);
  auto& slow = conference.join(true, 350);
  auto& fast = conference.join();
  conference.run(milliseconds(8000));
  const std::uint64_t before = slow.server.sender_stats(MediaKind::Video)->packets;
  conference.run(milliseconds(8000));
  const std::uint64_t thinned = slow.server.sender_stats(MediaKind::Video)->packets - before;
  // 8 s are 200 pictures of 3 packets; key frames come on request, at most two a second.
  EXPECT_LT(thinned, 350U);
  EXPECT_EQ(conference.check(fast).skipped, 0U);
  EXPECT_GE(conference.check(fast).shown, 395U);
  slow.link.loss = 0;
  conference.run(milliseconds(12'000));
  const std::size_t shown = conference.check(slow).shown;
  conference.run(milliseconds(2000));
  EXPECT_GE(conference.check(slow).shown, shown + 49) << "it has every picture again";
}

// The source is 560 kbit/s: 9,025 bytes of key frame and 49 pictures of 2,500 in 2 s.
struct NarrowPath {
  std::string name;
  unsigned bits_per_second;
  bool feedback;           // transport-wide; else receiver reports alone
  base::Duration longest;  // wait in the queue, once the first pictures are through
};

class Narrow : public testing::TestWithParam<NarrowPath> {
 protected:
  static base::Duration longest_wait(const Conference::Viewer& viewer, base::Instant from) {
    base::Duration longest{};
    for (const auto& [at, wait] : viewer.link.narrow.waits) {
      if (at >= from) longest = std::max(longest, wait);
    }
    return longest;
  }
  // In the last 10 s: key frames, each of them, none late and nothing else; and it was no back and forth.
  static void expect_key_frames_alone(const Conference& conference, const Conference::Viewer& viewer) {
    const base::Instant settled = conference.now() - milliseconds(10'000);
    const std::size_t key_frames = shown_since(viewer, settled, true);
    EXPECT_GE(key_frames, 4U);
    EXPECT_EQ(shown_since(viewer, settled, false), key_frames);
    EXPECT_LE(longest_wait(viewer, settled),
              std::chrono::microseconds(11'000LL * 8'000'000 / GetParam().bits_per_second));
    EXPECT_EQ(viewer.server.sender_stats(MediaKind::Video)->thinned, 1U);
  }
  static std::size_t shown_since(const Conference::Viewer& viewer, base::Instant from, bool key_frames_only) {
    const auto frames = viewer.frames();
    return static_cast<std::size_t>(std::ranges::count_if(frames, [&](const ReceivedFrame* frame) {
      return frame->arrived >= from && (!key_frames_only || frame->frame.key_frame);
    }));
  }
};

// The queue holds 3 s, which are full within seconds if nothing is done.
TEST_P(Narrow, KeyFramesOnlyBeforeTheQueueFillsAndEverythingWhenThereIsRoom) {
  const char* const more = std::getenv("TIDEGATE_SEEDS");
  const std::uint64_t seeds = more == nullptr ? 10 : std::strtoull(more, nullptr, 10);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Conference conference(seed);
    conference.keep_order();
    auto& slow = conference.join(true, 0, GetParam().feedback, 0);
    auto& fast = conference.join(true, 0, GetParam().feedback, 20'000'000);
    conference.run(milliseconds(5000 + 37 * seed));
    ASSERT_EQ(slow.server.sender_stats(MediaKind::Video)->thinned, 0U);
    // In the middle of the session the path becomes too narrow.
    const base::Instant begin = conference.now();
    slow.link.narrow.bits_per_second = GetParam().bits_per_second;
    conference.run(milliseconds(20'000));
    EXPECT_LE(longest_wait(slow, begin), GetParam().longest);
    EXPECT_EQ(slow.client.receiver_stats(MediaKind::Video)->lost, 0U) << "the queue was never full";
    if (GetParam().feedback) expect_key_frames_alone(conference, slow);
    // The path is wide again.
    const std::uint64_t thinned = slow.server.sender_stats(MediaKind::Video)->thinned;
    slow.link.narrow.bits_per_second = 2'000'000;
    conference.run(milliseconds(GetParam().feedback ? 8000 : 16'000));
    const base::Instant back = conference.now();
    conference.run(milliseconds(5000));
    EXPECT_GE(shown_since(slow, back, false), 124U);
    EXPECT_EQ(slow.server.sender_stats(MediaKind::Video)->thinned, thinned);
    EXPECT_EQ(conference.check(fast).skipped, 0U);
    EXPECT_EQ(fast.server.sender_stats(MediaKind::Video)->thinned, 0U);
    // Those who recorded it had all of it, too.
    EXPECT_GE(conference.server().receiver_stats(MediaKind::Video)->frames + 2, conference.sent().size());
  }
}

INSTANTIATE_TEST_SUITE_P(Paths, Narrow,
                         testing::Values(NarrowPath{"feedback_400k", 400'000, true, milliseconds(700)},
                                         NarrowPath{"feedback_500k", 500'000, true, milliseconds(500)},
                                         NarrowPath{"feedback_300k", 300'000, true, milliseconds(1300)},
                                         NarrowPath{"reports_400k", 400'000, false, milliseconds(2200)}),
                         [](const auto& param) { return param.param.name; });

// The pictures between key frames fit the path, so that the queue grows in steps, once a second.
TEST(Forwarder, KeyFramesThatAreTooMuchAloneThinAsWell) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Conference conference(seed);
    conference.keep_order();
    conference.make_heavy_key_frames();
    auto& slow = conference.join();
    conference.run(milliseconds(5000 + 97 * seed));
    slow.link.narrow.bits_per_second = 350'000;
    const base::Instant begin = conference.now();
    conference.run(milliseconds(10'000));
    EXPECT_EQ(slow.server.sender_stats(MediaKind::Video)->thinned, 1U) << "seed " << seed;
    base::Duration longest{};
    for (const auto& [at, wait] : slow.link.narrow.waits) longest = std::max(longest, at >= begin ? wait : longest);
    EXPECT_LT(longest, milliseconds(2100)) << "seed " << seed;
    slow.link.narrow.bits_per_second = 2'000'000;
    conference.run(milliseconds(8000));
    const base::Instant back = conference.now();
    conference.run(milliseconds(4000));
    const auto frames = slow.frames();
    EXPECT_GE(std::ranges::count_if(frames, [&](const auto* frame) { return frame->arrived >= back; }), 98);
  }
}

// A key frame, and what a new viewer is sent at once, make a queue that drains: no reason to thin.
TEST(Forwarder, ABurstOnAPathThatIsWideEnoughDoesNotThin) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Conference conference(seed);
    conference.keep_order();
    conference.run(milliseconds(1000 + 97 * seed));
    auto& viewer = conference.join(true, 0, true, 1'000'000);
    conference.run(milliseconds(30'000));
    EXPECT_EQ(viewer.server.sender_stats(MediaKind::Video)->thinned, 0U) << "seed " << seed;
    EXPECT_EQ(conference.check(viewer).skipped, 0U) << "seed " << seed;
  }
}

// One who takes at most so many packets a turn, for half a minute.
Conference::Viewer& watch_by_turns(Conference& conference, std::uint64_t seed, int at_once) {
  conference.keep_order();
  auto& viewer = conference.join(true, 0, true, 20'000'000);
  conference.run(milliseconds(5000 + 37 * seed));
  viewer.link.turns.emplace(at_once);
  conference.run(milliseconds(30'000));
  return viewer;
}

// What waits for a receiver that has no time comes in bursts that no narrow path would let through.
TEST(Forwarder, AViewerThatHasNoTimeNowAndThenIsNotThinned) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Conference conference(seed);
    const auto& viewer = watch_by_turns(conference, seed, 20);
    EXPECT_EQ(viewer.server.sender_stats(MediaKind::Video)->thinned, 0U) << "seed " << seed;
    EXPECT_EQ(conference.check(viewer).skipped, 0U) << "seed " << seed;
  }
}

// The source is 75 packets a second, of which it can take 57.
TEST(Forwarder, AViewerThatNeverHasTimeEnoughIsThinned) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Conference conference(seed);
    const auto& viewer = watch_by_turns(conference, seed, 10);
    EXPECT_GE(viewer.server.sender_stats(MediaKind::Video)->thinned, 1U) << "seed " << seed;
    EXPECT_EQ(viewer.client.receiver_stats(MediaKind::Video)->lost, 0U) << "seed " << seed;
  }
}

TEST(Forwarder, ReportsCarryTheMastersClock) {
  Conference conference(5);
  auto& viewer = conference.join();
  conference.run(milliseconds(4000));
  int compared = 0;
  const auto frames = viewer.frames();
  for (const SessionEvent& event : viewer.seen) {
    const auto* report = std::get_if<SenderReportReceived>(&event.what);
    if (report == nullptr) continue;
    // The last picture's capture time by this report, against when the camera made it.
    const std::int64_t ticks = frames.back()->rtp_timestamp - report->rtp_timestamp;
    const auto captured = report->ntp + std::chrono::microseconds(ticks * 100 / 9);
    const auto made = base::from_microseconds(1'700'000'000'000'000) +
                      std::chrono::milliseconds(kPeriod * conference.index_of(*frames.back()));
    EXPECT_NEAR(static_cast<double>(base::to_milliseconds(captured)), static_cast<double>(base::to_milliseconds(made)),
                60);
    ++compared;
  }
  EXPECT_GE(compared, 2);
}

}  // namespace
}  // namespace rtp

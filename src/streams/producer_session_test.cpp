// SPDX-License-Identifier: Apache-2.0
#include "streams/producer_session.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "container/ebml.hpp"
#include "streams/held_log.hpp"

namespace streams {
namespace {

using namespace std::chrono_literals;
namespace ebml = container::ebml;

constexpr base::Instant kProducerBegin{};
const base::WallTime kProducerWall = base::from_microseconds(1'800'000'000'000'000);

// A producer's body, made with the room's own EBML words; the parser has golden bytes of its own.
class Body {
 public:
  explicit Body(std::vector<std::uint32_t> tracks = {1}) {
    const std::size_t header = writer_.open(ebml::kEbml);
    writer_.text(ebml::kDocType, "matroska");
    writer_.close(header);
    writer_.unknown_size(ebml::kSegment);
    const std::size_t all = writer_.open(ebml::kTracks);
    for (const std::uint32_t number : tracks) {
      const std::size_t entry = writer_.open(ebml::kTrackEntry);
      writer_.unsigned_integer(ebml::kTrackNumber, number);
      writer_.text(ebml::kCodecId, number == 1 ? "V_MPEGH/ISO/HEVC" : "A_MS/ACM");
      writer_.close(entry);
    }
    writer_.close(all);
  }
  Body& cluster(std::uint64_t ms) {
    writer_.unknown_size(ebml::kCluster);
    writer_.unsigned_integer(ebml::kTimestamp, ms);
    return *this;
  }
  Body& frame(std::uint32_t track, int relative_ms, bool key = true) {
    writer_.id(ebml::kSimpleBlock);
    writer_.size(5);
    base::ByteWriter bytes(bytes_);
    bytes.u8(track | 0x80);
    bytes.u16(static_cast<std::uint16_t>(relative_ms));
    bytes.u8(key ? 0x80 : 0);
    bytes.u8(0xAA);
    return *this;
  }
  Body& tag(std::string_view name, std::string_view value) {
    const std::size_t tags = writer_.open(ebml::kTags);
    const std::size_t tag = writer_.open(ebml::kTag);
    const std::size_t simple = writer_.open(ebml::kSimpleTag);
    writer_.text(ebml::kTagName, name);
    writer_.text(ebml::kTagString, value);
    for (const std::size_t each : {simple, tag, tags}) writer_.close(each);
    return *this;
  }
  Body& end_fragment() { return tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""); }
  Body& bytes(std::string_view hex) {
    base::append(bytes_, *base::parse_hex(hex));
    return *this;
  }
  base::Bytes take() { return std::exchange(bytes_, {}); }

 private:
  base::Bytes bytes_;
  ebml::Writer writer_{bytes_};
};

class Producer : public testing::Test {
 protected:
  ProducerSession& session() {
    if (!session_) session_.emplace(settings, limits, log, kProducerBegin);
    return *session_;
  }
  void send(Body& body) { session().handle_bytes(body.take(), now(), wall()); }
  void pass(base::Duration time) {
    for (elapsed_ += time; session().next_time() <= now();) {
      const base::Instant before = session().next_time();
      session().handle_time(now(), wall());
      if (session().next_time() == before) break;
    }
  }
  base::Instant now() const { return kProducerBegin + elapsed_; }
  base::WallTime wall() const { return kProducerWall + std::chrono::floor<std::chrono::microseconds>(elapsed_); }

  // "BUFFERING 5 #1", in the order of the wire.
  std::vector<std::string> acks() {
    std::vector<std::string> all;
    while (const auto ack = session().poll_ack()) {
      constexpr const char* kNames[] = {"BUFFERING", "RECEIVED", "PERSISTED", "ERROR", "IDLE"};
      std::string text = kNames[static_cast<std::size_t>(ack->kind)];
      if (ack->error) text += fmt::format(" {}", static_cast<int>(*ack->error));
      if (ack->timecode_ms) text += fmt::format(" {}", *ack->timecode_ms);
      if (ack->number) text += fmt::format(" #{}", ack->number->value);
      all.push_back(text);
    }
    return all;
  }
  using Acks = std::vector<std::string>;

  ProducerSettings settings;
  ProducerLimits limits;
  std::shared_ptr<HeldLog> log = std::make_shared<HeldLog>();

 private:
  base::Duration elapsed_{};
  std::optional<ProducerSession> session_;
};

TEST_F(Producer, AFragmentThatIsTooShortEndsTheConnection) {
  limits.rules.least_duration = 1s;
  Body body;
  // 25 pictures a second: the length of a second is a frame more than from the first to the last of them.
  const auto second_of_pictures = [&](std::uint64_t at) {
    body.cluster(at);
    for (int ms = 0; ms < 1000; ms += 40) body.frame(1, ms, ms == 0);
  };
  second_of_pictures(0);
  send(body.cluster(1000).frame(1, 0).frame(1, 40, false).frame(1, 920, false));
  EXPECT_EQ(acks(), Acks({"BUFFERING 0 #1", "RECEIVED 0 #1", "PERSISTED 0 #1", "BUFFERING 1000 #2"}));
  send(body.cluster(2000).frame(1, 0).frame(1, 40, false).frame(1, 400, false));
  send(body.cluster(2440).frame(1, 0));
  const Acks last = acks();
  EXPECT_EQ(last.back(), fmt::format("ERROR {} 2000 #3", static_cast<int>(ProducerError::FragmentTooShort)));
  EXPECT_EQ(acknowledgement_id(ProducerError::FragmentTooShort), 4002) << "contract 4.2 names no id: as its neighbour";
  EXPECT_TRUE(session().is_over());
}

TEST_F(Producer, TheLastFragmentMayBeShort) {
  limits.rules.least_duration = 1s;
  Body body;
  send(body.cluster(0).frame(1, 0).frame(1, 40, false));
  session().handle_end(true, now(), wall());
  EXPECT_EQ(acks(), Acks({"BUFFERING 0 #1", "RECEIVED 0 #1", "PERSISTED 0 #1"}));
}

TEST_F(Producer, FragmentsArePacedByNotReading) {
  limits.fragments_per_second = 5;
  Body body;
  const auto send_fragment = [&](std::uint64_t at) { send(body.cluster(at).frame(1, 0).end_fragment()); };
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(session().accepts_bytes()) << i;
    send_fragment(1000 * i);
  }
  EXPECT_TRUE(session().accepts_bytes()) << "a second's worth at once";
  send_fragment(5000);
  EXPECT_FALSE(session().accepts_bytes());
  pass(199ms);
  EXPECT_FALSE(session().accepts_bytes());
  pass(1ms);
  EXPECT_TRUE(session().accepts_bytes());
  send_fragment(6000);
  EXPECT_FALSE(session().accepts_bytes());
  EXPECT_FALSE(session().is_over());
}

TEST_F(Producer, AcksFollowTheFragment) {
  log->at_once = false;
  Body body;
  send(body.cluster(1000).frame(1, 0));
  EXPECT_EQ(acks(), Acks({"BUFFERING 1000 #1"}));
  send(body.frame(1, 40, false).cluster(2000).frame(1, 0));
  EXPECT_EQ(acks(), Acks({"RECEIVED 1000 #1", "BUFFERING 2000 #2"}));
  log->answer();
  EXPECT_EQ(acks(), Acks({"PERSISTED 1000 #1"}));
  send(body.frame(1, 40, false).end_fragment());
  EXPECT_EQ(acks(), Acks({"RECEIVED 2000 #2"}));
  session().handle_end(true, now(), wall());
  EXPECT_FALSE(session().is_settled());
  log->answer();
  EXPECT_EQ(acks(), Acks({"PERSISTED 2000 #2"}));
  EXPECT_TRUE(session().is_settled());
}

TEST_F(Producer, NothingIsPersistedThatIsInMemoryOnly) {
  log->is_durable = false;
  Body body;
  send(body.cluster(1000).frame(1, 0).end_fragment());
  EXPECT_EQ(acks(), Acks({"BUFFERING 1000 #1", "RECEIVED 1000 #1"}));
}

TEST_F(Producer, WhoWantsNoAcksGetsErrorsOnly) {
  settings.wants_acks = false;
  Body body;
  send(body.cluster(1000).frame(1, 0).cluster(900));
  EXPECT_EQ(acks(), Acks({"ERROR 4004 900 #2"}));
}

TEST_F(Producer, WhatIsStored) {
  settings.absolute = false;
  settings.start = kProducerWall - 1h;
  Body body({1, 2});
  send(body.cluster(1000).frame(1, 0, false).frame(2, 0).frame(1, 40).frame(2, 20).frame(2, 40).end_fragment());
  pass(2s);
  send(body.cluster(1080).frame(1, 0).frame(2, 0).end_fragment());
  ASSERT_EQ(log->drafts.size(), 2u);
  EXPECT_EQ(log->drafts[0].producer_time, settings.start + 1s);
  EXPECT_EQ(log->drafts[0].server_time, kProducerWall);
  EXPECT_EQ(log->drafts[0].duration, 80ms);
  EXPECT_EQ(log->drafts[0].flags, kProducerDocument | kDependent);
  EXPECT_EQ(log->drafts[1].flags, kProducerDocument);
  EXPECT_EQ(log->drafts[1].server_time, kProducerWall + 2s);
  // A lone frame lasts as long as its distance to the one before.
  EXPECT_EQ(log->drafts[1].duration, 40ms);
  EXPECT_EQ(log->drafts[0].codec_fingerprint, log->drafts[1].codec_fingerprint);
  EXPECT_FALSE(log->drafts[0].gap_before || log->drafts[1].gap_before);
  EXPECT_TRUE(log->open.empty());
}

TEST_F(Producer, AFragmentIsAsLongAsItsPictures) {
  Body body({1, 2});
  send(body.cluster(0).frame(1, 0).frame(2, 0).frame(1, 40).frame(2, 500).frame(2, 1000).end_fragment());
  send(body.cluster(1040).frame(1, 0).frame(2, 0).frame(1, 40).frame(2, 1000).frame(2, 2000).end_fragment());
  ASSERT_EQ(log->drafts.size(), 2u);
  EXPECT_EQ(log->drafts[0].duration, 1500ms) << "sound that goes on for long is no overhang";
  Body other({1, 2});
  auto fresh = std::make_shared<HeldLog>();
  ProducerSession again({}, {}, fresh, kProducerBegin);
  other.cluster(0).frame(2, 0).frame(1, 100).frame(1, 600).frame(2, 600).frame(2, 1200).end_fragment();
  again.handle_bytes(other.take(), kProducerBegin, kProducerWall);
  ASSERT_EQ(fresh->drafts.size(), 1u);
  EXPECT_EQ(fresh->drafts[0].duration, 1000ms) << "sound that reaches a little further, at both ends, is left out";
  EXPECT_EQ(fresh->drafts[0].pictures_after, 100ms);
}

TEST_F(Producer, JumpsOfItsClockAreGaps) {
  Body body;
  send(body.cluster(10'000).frame(1, 0).frame(1, 40).end_fragment());
  send(body.cluster(10'500).frame(1, 0).frame(1, 40).end_fragment());  // 420 ms later
  send(body.cluster(12'000).frame(1, 0).frame(1, 40).end_fragment());  // 1,420 ms later
  ASSERT_EQ(log->drafts.size(), 3u);
  EXPECT_FALSE(log->drafts[1].gap_before);
  const Gap gap{GapReason::PublisherLeft, base::WallTime(10'580ms), base::WallTime(12'000ms)};
  EXPECT_EQ(log->drafts[2].gap_before, gap);
}

TEST_F(Producer, TheFirstGapHasTheReasonThatTheLogKnows) {
  for (const GapReason reason : {GapReason::ServerStopped, GapReason::PublisherLeft, GapReason::DiskSlow}) {
    auto fresh = std::make_shared<HeldLog>();
    fresh->recording_end = RecordingEnd{base::WallTime(5s), reason};
    ProducerSession other({}, limits, fresh, kProducerBegin);
    Body body;
    other.handle_bytes(body.cluster(10'000).frame(1, 0).end_fragment().take(), kProducerBegin, kProducerWall);
    ASSERT_EQ(fresh->drafts.size(), 1u);
    EXPECT_EQ(fresh->drafts[0].gap_before, (Gap{reason, base::WallTime(5s), base::WallTime(10s)}));
  }
}

struct RuleRow {
  const char* what;
  Body body;
  std::string last_ack;
};

// Every error of contract 4.2 that a producer's bytes can cause.
TEST(ProducerRules, EachErrorHasItsId) {
  const std::string long_name(129, 'n');
  const std::string long_value(257, 'v');
  Body many_tags;
  many_tags.cluster(1000).frame(1, 0);
  for (int i = 0; i < 11; ++i) many_tags.tag("n", "v");
  std::vector<RuleRow> rows;
  rows.push_back({"4002", Body().cluster(1000).frame(1, 0).frame(1, 20'001), "ERROR 4002 1000 #1"});
  rows.push_back({"4004 same", Body().cluster(1000).frame(1, 0).cluster(1000), "ERROR 4004 1000 #2"});
  rows.push_back({"4004 frame", Body().cluster(1000).frame(1, 500).cluster(1100).frame(1, 0), "ERROR 4004 1100 #2"});
  rows.push_back({"4006", Body().bytes("00"), "ERROR 4006"});
  rows.push_back({"4006 in a fragment", Body().cluster(1000).bytes("00"), "ERROR 4006 1000 #1"});
  rows.push_back({"4007", Body().cluster(9'000'000'000'000'000), "ERROR 4007"});
  rows.push_back({"4009 many", std::move(many_tags), "ERROR 4009 1000 #1"});
  rows.push_back({"4009 name", Body().cluster(1).frame(1, 0).tag(long_name, "v"), "ERROR 4009 1 #1"});
  rows.push_back({"4009 value", Body().cluster(1).frame(1, 0).tag("n", long_value), "ERROR 4009 1 #1"});
  rows.push_back({"4009 reserved", Body().cluster(1).frame(1, 0).tag("AWS_x", "v"), "ERROR 4009 1 #1"});
  rows.push_back({"4010", Body().cluster(1000).frame(2, 0), "ERROR 4010 1000 #1"});
  rows.push_back({"4011", Body({1, 2}).cluster(1000).frame(1, 0).end_fragment(), "ERROR 4011 1000 #1"});
  rows.push_back({"4012", Body({1, 2, 3, 4}).cluster(1000), "ERROR 4012 1000 #1"});
  for (RuleRow& row : rows) {
    auto log = std::make_shared<HeldLog>();
    ProducerSession session({}, {}, log, kProducerBegin);
    session.handle_bytes(row.body.take(), kProducerBegin, kProducerWall);
    std::string last;
    while (const auto ack = session.poll_ack()) {
      last = ack->kind == ProducerAckKind::Error ? "ERROR" : "other";
      if (ack->error) last += fmt::format(" {}", static_cast<int>(*ack->error));
      if (ack->timecode_ms) last += fmt::format(" {}", *ack->timecode_ms);
      if (ack->number) last += fmt::format(" #{}", ack->number->value);
    }
    EXPECT_EQ(last, row.last_ack) << row.what;
    EXPECT_TRUE(session.is_over()) << row.what;
    EXPECT_TRUE(log->open.empty()) << row.what;
  }
}

TEST_F(Producer, ATimeThatNoCalendarHolds) {
  settings.absolute = false;
  settings.start = base::from_microseconds(253'402'300'799'000'000);  // the end of year 9999
  Body body;
  send(body.cluster(1).frame(1, 0));
  EXPECT_EQ(acks(), Acks({"BUFFERING 1 #1", "ERROR 4007 1 #1"}));
}

TEST_F(Producer, WhatTheRulesAllow) {
  limits.rules.tags = 2;
  Body body({1, 2, 3});
  body.cluster(0).frame(1, 0).frame(2, 0).frame(3, 0).frame(1, 20'000);
  body.tag("a", "").tag("b", std::string(256, 'v')).tag("AWS_KINESISVIDEO_NOTIFICATION", "").end_fragment();
  // Sound from before the key frame that opened the fragment.
  send(body.cluster(20'040).frame(1, 0).frame(2, -20).frame(3, 0).end_fragment());
  EXPECT_EQ(acks().back(), "PERSISTED 20040 #2");
}

TEST_F(Producer, TooLargeFragments) {
  limits.stream.fragment_bytes = 200;
  Body body;
  body.cluster(1000);
  for (int i = 0; i < 30; ++i) body.frame(1, i);
  send(body);
  EXPECT_EQ(acks(), Acks({"BUFFERING 1000 #1", "ERROR 4001 1000 #1"}));
}

TEST_F(Producer, ADeletedStreamIsNotActive) {
  Body body;
  send(body.cluster(1000).frame(1, 0).end_fragment());
  log->is_deleted = true;
  send(body.cluster(2000));
  EXPECT_EQ(acks().back(), "ERROR 4008 2000 #2");
}

TEST_F(Producer, ADiskThatRefusesEndsTheConnection) {
  log->at_once = false;
  Body body;
  send(body.cluster(1000).frame(1, 0).cluster(2000).frame(1, 0));
  log->refuse = true;
  log->answer();
  EXPECT_EQ(acks(), Acks({"BUFFERING 1000 #1", "RECEIVED 1000 #1", "BUFFERING 2000 #2", "ERROR 5001 1000 #1"}));
  EXPECT_TRUE(session().is_settled());
  EXPECT_TRUE(log->open.empty());
}

TEST_F(Producer, AFullStoreHoldsTheProducerBack) {
  log->at_once = false;
  limits.uncommitted_fragments = 2;
  Body body;
  send(body.cluster(1000).frame(1, 0).end_fragment());
  EXPECT_TRUE(session().accepts_bytes());
  send(body.cluster(2000).frame(1, 0).end_fragment());
  EXPECT_FALSE(session().accepts_bytes());
  pass(2min);  // the producer is not idle: we do not read
  EXPECT_FALSE(session().is_over());
  log->answer();
  acks();
  EXPECT_TRUE(session().accepts_bytes());
}

TEST_F(Producer, WhoDoesNotReadAcksIsNotRead) {
  limits.unsent_acks = 6;
  Body body;
  for (std::uint64_t ms = 1000; session().accepts_bytes(); ms += 1000) {
    ASSERT_LT(ms, 10'000u);
    send(body.cluster(ms).frame(1, 0).end_fragment());
  }
  acks();
  EXPECT_TRUE(session().accepts_bytes());
}

TEST_F(Producer, SilenceIsAcknowledgedThenEndsTheConnection) {
  Body body;
  send(body.cluster(1000).frame(1, 0).end_fragment());
  acks();
  pass(4s);
  EXPECT_EQ(acks(), Acks());
  pass(1s);
  EXPECT_EQ(acks(), Acks({"IDLE"}));
  pass(24s);
  EXPECT_FALSE(session().is_over());
  pass(1s);
  EXPECT_TRUE(session().is_settled());
}

TEST_F(Producer, SilenceInMidFragmentIsAnError) {
  Body body;
  send(body.cluster(1000).frame(1, 0));
  pass(31s);
  EXPECT_EQ(acks().back(), "ERROR 4000 1000");
  EXPECT_TRUE(log->drafts.empty());
}

TEST_F(Producer, AConnectionMayHaveALongestLife) {
  limits.connection = 10s;
  session();
  pass(9s);
  EXPECT_FALSE(session().is_over());
  pass(1s);
  EXPECT_EQ(acks().back(), "ERROR 4003");
}

TEST_F(Producer, ABrokenConnectionLeavesNothingPartial) {
  Body body;
  send(body.cluster(1000).frame(1, 0).cluster(2000).frame(1, 0));
  EXPECT_EQ(log->open.size(), 1u);
  session().handle_end(false, now(), wall());
  EXPECT_EQ(log->drafts.size(), 1u);
  EXPECT_TRUE(log->open.empty());
}

// ADR 7: a fragment that does not go on does not hide those of another connection.
TEST_F(Producer, AStalledFragmentGivesItsNumberBack) {
  Body body;
  send(body.cluster(1000).frame(1, 0));
  EXPECT_EQ(log->open.size(), 1u);
  pass(4s);
  EXPECT_EQ(log->open.size(), 1u);
  pass(1s);
  EXPECT_TRUE(log->open.empty());
  acks();
  send(body.frame(1, 40).end_fragment());
  EXPECT_EQ(acks(), Acks({"BUFFERING 1000 #2", "RECEIVED 1000 #2", "PERSISTED 1000 #2"}));
  EXPECT_EQ(log->drafts.back().server_time, kProducerWall + 5s);
  EXPECT_EQ(session().stats().renumbered, 1u);
}

TEST_F(Producer, ASlowFragmentGivesItsNumberBack) {
  Body body;
  send(body.cluster(1000).frame(1, 0));
  for (int i = 1; i <= 24; ++i) {
    pass(1s);
    send(body.frame(1, i));
    EXPECT_EQ(log->open.size(), 1u);
  }
  pass(1s);
  EXPECT_TRUE(log->open.empty());
}

}  // namespace
}  // namespace streams

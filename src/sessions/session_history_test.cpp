// SPDX-License-Identifier: Apache-2.0
#include "sessions/session_history.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sessions {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct SessionHistoryTest : testing::Test {
  base::SeededRandom random{7};
  SessionHistory history{random};
  base::Instant now{};
  base::WallTime wall = base::from_microseconds(1'795'000'000'000'000);

  SessionTrace begin(const std::string& channel, const std::string& client_id = "") {
    now += seconds(1);
    wall += seconds(1);
    return history.begin(now, wall, channel, client_id);
  }
  void fail(const std::string& channel) {
    begin(channel).end(now + milliseconds(500), {EndReason::NoAnswer, "no answer"});
  }
};

TEST_F(SessionHistoryTest, ARecordTellsItsStepsAndItsEnd) {
  SessionTrace trace = begin("gate", "v1");
  const base::Instant joined = now;
  trace.reach(joined + milliseconds(2), Step::OfferSent);
  trace.reach(joined + milliseconds(30), Step::Answered);
  trace.reach(joined + milliseconds(99), Step::Answered);  // only the first counts
  webrtc::PathReport path;
  path.remote_candidates.note(joined + milliseconds(31), "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n");
  path.remote_candidates.note(joined + milliseconds(32), "candidate:1 1 udp 1 192.0.2.1 5000 typ host");
  path.pairs.push_back({.flow = {}, .first_check = joined + milliseconds(40), .checks_sent = 3});
  path.pairs.push_back({.flow = {}, .first_check = base::kNever});
  trace.note_path(std::move(path));
  trace.reach(joined + milliseconds(60), Step::IceConnected);

  const auto live = history.list(std::nullopt);
  ASSERT_EQ(live.size(), 1U);
  EXPECT_FALSE(live[0].end);
  EXPECT_EQ(live[0].steps.text(), "offer sent 2 ms, answer 30 ms, first candidate 31 ms, first check 40 ms, ICE 60 ms");
  EXPECT_EQ(live[0].path.remote_candidates.lines,
            std::vector<std::string>{"candidate:1 1 udp 1 192.0.2.1 5000 typ host"});

  trace.end(joined + seconds(3), {EndReason::DtlsFailed, "why"});
  trace.reach(joined + seconds(4), Step::DtlsConnected);
  trace.end(joined + seconds(5), {EndReason::ClientLeft, "not any more"});
  const auto ended = history.list("gate");
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].client_id, "v1");
  EXPECT_EQ(ended[0].end->reason, EndReason::DtlsFailed);
  EXPECT_EQ(*ended[0].ended_at - ended[0].joined_at, seconds(3));
  EXPECT_FALSE(ended[0].steps.has(Step::DtlsConnected));
  EXPECT_TRUE(history.list("other").empty());
}

TEST_F(SessionHistoryTest, KeepsTheLastOfEachChannelAndOfAll) {
  fail("quiet");
  for (int i = 0; i < 20; ++i) fail("noisy");
  EXPECT_EQ(history.list("noisy").size(), SessionHistory::kMaxEndedOfChannel);
  EXPECT_EQ(history.list("quiet").size(), 1U);
  EXPECT_EQ(history.list("noisy").front().joined_at, wall);  // the newest are the ones that are kept
  for (int i = 0; i < 63; ++i) fail(fmt::format("channel-{}", i));
  EXPECT_EQ(history.list(std::nullopt).size(), SessionHistory::kMaxEnded);
  EXPECT_TRUE(history.list("quiet").empty());

  const SessionTrace live = begin("quiet");
  EXPECT_EQ(history.list(std::nullopt).size(), SessionHistory::kMaxEnded + 1);
  EXPECT_EQ(history.list(std::nullopt).front().channel_name, "quiet");
}

TEST_F(SessionHistoryTest, CountsDurationsAndReasons) {
  {
    SessionTrace trace = begin("gate");
    trace.reach(now + milliseconds(80), Step::IceConnected);
    trace.reach(now + milliseconds(300), Step::FirstFrame);
    trace.reach(now + seconds(40), Step::FirstFragmentDurable);
    trace.reach(now + seconds(50), Step::FirstFragmentDurable);
  }
  fail("gate");
  const SessionOutcomes& outcomes = history.outcomes();
  EXPECT_EQ(outcomes.join_to_ice.counts, (std::array<std::uint64_t, 10>{0, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(outcomes.join_to_frame.counts, (std::array<std::uint64_t, 10>{0, 0, 0, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(outcomes.join_to_durable.counts, (std::array<std::uint64_t, 10>{0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_DOUBLE_EQ(outcomes.join_to_durable.seconds, 40);
  EXPECT_EQ(outcomes.ends[static_cast<std::size_t>(EndReason::ServerStopped)], 1U);  // nobody said how the first ended
  EXPECT_EQ(outcomes.ends[static_cast<std::size_t>(EndReason::NoAnswer)], 1U);
}

TEST_F(SessionHistoryTest, AClientThatJoinsAnewBeforeItCameHasOneRecord) {
  SessionTrace trace = begin("gate");
  trace.restart(now + seconds(5), wall + seconds(5));
  trace.reach(now + milliseconds(5010), Step::OfferSent);
  const auto records = history.list(std::nullopt);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].joined_at, wall + seconds(5));
  EXPECT_EQ(records[0].steps.text(), "offer sent 10 ms");
}

struct ExplainRow {
  std::string name;
  webrtc::FailureCause cause = webrtc::FailureCause::NoPath;
  FailureCircumstances seen;
  std::vector<webrtc::PairReport> pairs;
  webrtc::PeerStats stats;
  EndReason reason;
  std::string words;
};

TEST(ExplainFailure, NamesTheRemedy) {
  using webrtc::FailureCause;
  const FailureCircumstances silent{.waited = seconds(30), .media_port = 8443};
  const FailureCircumstances answered{.answered = true, .waited = seconds(30), .media_port = 8443};
  FailureCircumstances gone = silent, elsewhere = answered, viewer = silent;
  gone.in_signaling = false;
  elsewhere.other_connected = true;
  viewer.is_master = false;
  const std::vector<webrtc::PairReport> tried = {{.flow = {}, .first_check = base::Instant(), .checks_sent = 20}};
  webrtc::PeerStats heard, foreign;
  heard.ice.requests_received = 5;
  foreign.ice.wrong_username = 5;
  const std::vector<ExplainRow> rows = {
      {"silent",
       FailureCause::NoPath,
       silent,
       {},
       {},
       EndReason::NoAnswer,
       "within 30 s: it must answer the SDP_OFFER"},
      {"silent master", FailureCause::NoPath, silent, {}, {}, EndReason::NoAnswer, "raises sdpOffer"},
      {"left", FailureCause::NoPath, gone, {}, {}, EndReason::NoAnswer, "keep its signaling connection open"},
      {"no names", FailureCause::NoPath, answered, {}, {}, EndReason::NoCandidates, "must send candidates over UDP"},
      {"no answer",
       FailureCause::NoPath,
       answered,
       tried,
       {},
       EndReason::NoPath,
       "open UDP 8443 on the way to this "
       "server or configure TURN"},
      {"one way", FailureCause::NoPath, answered, tried, heard, EndReason::NoPath, "let UDP out from port 8443"},
      {"old answer", FailureCause::NoPath, answered, tried, foreign, EndReason::NoPath, "answer the newest offer"},
      {"elsewhere", FailureCause::NoPath, elsewhere, tried, {}, EndReason::Superseded, "another join's offer"},
      {"lost", FailureCause::ConnectionLost, answered, tried, {}, EndReason::ConnectionLost, "must join again"},
      {"certificate",
       FailureCause::WrongCertificate,
       answered,
       tried,
       {},
       EndReason::WrongCertificate,
       "a=fingerprint must be that of the certificate"},
      {"dtls", FailureCause::Dtls, answered, tried, {}, EndReason::DtlsFailed, "must speak DTLS 1.2"},
  };
  for (const ExplainRow& row : rows) {
    webrtc::PathReport path;
    path.pairs = row.pairs;
    const SessionEnd end = explain_failure({row.cause, "what the peer says"}, row.seen, path, row.stats);
    EXPECT_EQ(end.reason, row.reason) << row.name;
    EXPECT_NE(end.text.find(row.words), std::string::npos) << row.name << ": " << end.text;
  }
  webrtc::PathReport none;
  EXPECT_EQ(explain_failure({FailureCause::NoPath, ""}, viewer, none, {}).text.find("sdpOffer"), std::string::npos);
}

}  // namespace
}  // namespace sessions

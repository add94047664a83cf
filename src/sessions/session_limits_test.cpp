// SPDX-License-Identifier: Apache-2.0
#include "sessions/session_limits.hpp"

#include <gtest/gtest.h>

namespace sessions {
namespace {

using std::chrono::seconds;

// AWS's (contract 3.5).
const SessionLimits kAws{
    .length = seconds(3600), .master_idle = seconds(180), .viewer_idle = seconds(60), .without_master = seconds(180)};

// One connection, looked at every second.
struct Watched {
  explicit Watched(bool is_master, SessionLimits given = kAws) : limits(given), clock(is_master) { clock.start(now); }

  // Its end, and when: in seconds since it connected.
  std::optional<std::pair<EndReason, int>> pass(int span, bool media_flows, bool master_is_here) {
    for (int i = 0; i < span; ++i) {
      now += seconds(1);
      ++elapsed;
      if (media_flows) packets += 50;
      clock.note(now, packets, master_is_here);
      if (const auto end = clock.find_overrun(now, limits)) {
        text = end->text;
        return std::pair(end->reason, elapsed);
      }
    }
    return std::nullopt;
  }

  SessionLimits limits;
  ConnectionClock clock;
  base::Instant now = base::Instant(seconds(77));
  int elapsed = 0;
  std::uint64_t packets = 0;
  std::string text;
};

using End = std::pair<EndReason, int>;

TEST(SessionLimits, AnHourIsTheLongest) {
  Watched master(true), viewer(false);
  EXPECT_EQ(master.pass(5000, true, true), End(EndReason::SessionTooLong, 3600));
  EXPECT_NE(master.text.find("3600 s"), std::string::npos);
  EXPECT_EQ(viewer.pass(5000, true, true), End(EndReason::SessionTooLong, 3600));
}

TEST(SessionLimits, AMasterIsIdleWithoutMedia) {
  Watched master(true);
  EXPECT_EQ(master.pass(100, true, true), std::nullopt);
  EXPECT_EQ(master.pass(179, false, true), std::nullopt);
  EXPECT_EQ(master.pass(1, true, true), std::nullopt);
  EXPECT_EQ(master.pass(300, false, true), End(EndReason::Idle, 280 + 180));
  Watched silent(true);
  EXPECT_EQ(silent.pass(300, false, true), End(EndReason::Idle, 180));
}

TEST(SessionLimits, AViewerIsIdleWithoutMediaOfAMasterThatIsThere) {
  Watched viewer(false);
  EXPECT_EQ(viewer.pass(100, false, false), std::nullopt) << "it waits for a master";
  EXPECT_EQ(viewer.pass(59, false, true), std::nullopt);
  EXPECT_EQ(viewer.pass(1, true, true), std::nullopt);
  EXPECT_EQ(viewer.pass(100, false, true), End(EndReason::Idle, 160 + 60));
}

TEST(SessionLimits, AViewerWaitsThreeMinutesForAMaster) {
  Watched speaks(false);
  EXPECT_EQ(speaks.pass(300, true, false), End(EndReason::NoMaster, 180));
  Watched viewer(false);
  EXPECT_EQ(viewer.pass(179, false, false), std::nullopt);
  EXPECT_EQ(viewer.pass(1, true, true), std::nullopt);
  EXPECT_EQ(viewer.pass(179, false, false), std::nullopt);
  EXPECT_EQ(viewer.pass(1, false, false), End(EndReason::NoMaster, 360));
  Watched master(true);
  EXPECT_EQ(master.pass(1000, true, false), std::nullopt) << "a master is none to itself";
}

TEST(SessionLimits, WithoutLimitsNothingEnds) {
  for (const bool is_master : {true, false}) {
    Watched connection(is_master, SessionLimits{});
    EXPECT_EQ(connection.pass(100'000, false, false), std::nullopt);
  }
  EXPECT_FALSE(SessionLimits{}.any());
}

}  // namespace
}  // namespace sessions

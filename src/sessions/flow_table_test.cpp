// SPDX-License-Identifier: Apache-2.0
#include "sessions/flow_table.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/random.hpp"

namespace sessions {
namespace {

base::Flow flow_of(std::uint64_t number) {
  base::Flow flow;
  flow.local = {base::IpAddress::v4(127, 0, 0, 1), 8443};
  flow.remote = {base::IpAddress::v4(192, 0, 2, static_cast<std::uint8_t>(number % 7)),
                 static_cast<std::uint16_t>(1024 + number / 7)};
  if (number % 5 == 0) {
    flow.remote.ip.family = base::IpAddress::Family::V6;
    flow.remote.ip.bytes[15] = static_cast<std::uint8_t>(number % 3);
  }
  return flow;
}

TEST(FlowTable, TellsFlowsApartByEveryPart) {
  FlowTable table;
  const base::Flow flow = flow_of(1);
  EXPECT_FALSE(table.find(flow));
  EXPECT_FALSE(table.erase(flow));
  EXPECT_TRUE(table.add(flow, 7));
  EXPECT_FALSE(table.add(flow, 8));
  EXPECT_EQ(table.find(flow), 7u);
  for (int part = 0; part < 6; ++part) {
    base::Flow other = flow;
    if (part == 0) other.remote.port += 1;
    if (part == 1) other.local.port += 1;
    if (part == 2) other.remote.ip.bytes[3] ^= 1;
    if (part == 3) other.local.ip.bytes[15] ^= 1;
    if (part == 4) other.remote.ip.family = base::IpAddress::Family::V6;
    if (part == 5) other.transport = base::Transport::Tcp;
    EXPECT_FALSE(table.find(other)) << part;
  }
  EXPECT_TRUE(table.erase(flow));
  EXPECT_EQ(table.size(), 0u);
}

// Against a map; few enough numbers that flows come and go many times, and chains form and break.
TEST(FlowTable, IsAMapBySeeds) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    base::SeededRandom random(seed);
    FlowTable table;
    std::map<base::Flow, std::uint32_t> model;
    for (std::uint32_t round = 0; round < 20'000; ++round) {
      const base::Flow flow = flow_of(random.below(round < 10'000 ? 300 : 60));
      const auto known = model.find(flow);
      if (random.below(2) == 0) {
        EXPECT_EQ(table.add(flow, round), known == model.end());
        model.emplace(flow, round);
      } else {
        EXPECT_EQ(table.erase(flow), known != model.end());
        model.erase(flow);
      }
      if (round % 100 != 0) continue;
      ASSERT_EQ(table.size(), model.size());
      for (const auto& [kept, row] : model) ASSERT_EQ(table.find(kept), row);
    }
  }
}

}  // namespace
}  // namespace sessions

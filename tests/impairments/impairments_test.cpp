// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "matrix.hpp"
#include "recorded_call.hpp"
#include "table.hpp"

namespace impairments {
namespace {

// `./dev test --all` sets it.
bool is_long_run() {
  return std::getenv("TIDEGATE_SEEDS") != nullptr;
}

void expect_bars(const Cell& cell, std::uint64_t seed) {
  const Result result = RecordedCall(cell, seed).run();
  for (const std::string& shortfall : shortfalls(cell, result)) {
    ADD_FAILURE() << cell.name << ", seed " << seed << ": " << shortfall;
  }
}

// Nine cells, or all of them with two seeds; other seeds than the table's.
TEST(Impairments, CellsMeetTheirBars) {
  for (Cell cell : all_cells()) {
    if (is_long_run()) {
      for (const std::uint64_t seed : {2U, 3U}) expect_bars(cell, seed);
    } else if (cell.quick) {
      cell.length = std::min<base::Duration>(cell.length, cell.blackout + 13s);
      expect_bars(cell, 7);
    }
  }
}

std::size_t resident_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  }
  return 0;
}

// A minute, or an hour of each direction.
TEST(Impairments, DriftOfEveryClockStaysFlat) {
  const int settled = is_long_run() ? 10 : 1;  // minute
  for (const int ppm : {200, -200}) {
    Cell cell = hour_of_drift(ppm);
    if (!is_long_run()) cell.length = 100s;
    std::size_t memory_before = 0, memory = 0;
    std::chrono::microseconds skew_before{};
    const Result result = RecordedCall(cell, 1).run([&](int minute, const Ledger& ledger) {
      memory = resident_kilobytes();
      if (minute == settled) memory_before = memory, skew_before = ledger.skew();
    });
    for (const std::string& shortfall : shortfalls(cell, result)) ADD_FAILURE() << cell.name << ": " << shortfall;
    EXPECT_LT(memory, memory_before + memory_before / 10) << cell.name;
    EXPECT_LT(result.skew, skew_before + std::chrono::milliseconds(1)) << cell.name;
    if (!is_long_run()) return;
  }
}

// docs/impairments.md holds what `./dev bench impairments --write` measured: a row for each cell, all of them over the
// bars. The figures themselves may differ from what would be measured now.
TEST(Impairments, TheWrittenTableIsWholeAndMeetsTheBars) {
  std::ifstream file(TIDEGATE_SOURCE_DIR "/docs/impairments.md");
  std::ostringstream text;
  text << file.rdbuf();
  for (const Cell& cell : all_cells()) {
    const auto result = read_row(text.str(), cell);
    ASSERT_TRUE(result) << "docs/impairments.md has no row for \"" << cell.name << "\"";
    for (const std::string& shortfall : shortfalls(cell, *result)) ADD_FAILURE() << cell.name << ": " << shortfall;
  }
}

}  // namespace
}  // namespace impairments

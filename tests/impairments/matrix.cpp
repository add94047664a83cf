// SPDX-License-Identifier: Apache-2.0
#include "matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace impairments {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::string_view, 10> kQuick = {
    "no loss, RTT 50 ms",
    "loss 5 %, RTT 150 ms",
    "loss 20 % in bursts, RTT 300 ms",
    "blackout of 2 s, RTT 150 ms",
    "blackout of 10 s, RTT 150 ms",
    "blackout of 40 s, RTT 50 ms",
    "address change",
    "new SSRC",
    "sender reports wrong: video 10 s ahead",
    "everything: loss 10 % in bursts, reorder 5 %, duplicate 2 %, DTX, new size, sound +200 ppm"};

constexpr base::Duration kRepairTime = 150ms;

std::string percent(unsigned permille) {
  return permille % 10 == 0 ? fmt::format("{} %", permille / 10) : fmt::format("{}.{} %", permille / 10, permille % 10);
}

void add_loss_cells(std::vector<Cell>& cells) {
  for (const bool bursty : {false, true}) {
    for (const unsigned loss : {0U, 10U, 50U, 100U, 200U}) {
      for (const base::Duration round_trip : {0ms, 50ms, 150ms, 300ms}) {
        if (bursty && loss == 0) continue;
        Cell cell;
        cell.name = loss == 0 ? fmt::format("no loss, RTT {} ms", round_trip / 1ms)
                              : fmt::format("loss {}{}, RTT {} ms", percent(loss), bursty ? " in bursts" : "",
                                            round_trip / 1ms);
        cell.loss_permille = loss;
        cell.bursty = bursty;
        cell.round_trip = round_trip;
        // Enough pictures for the bar of 99.9 % to mean more than "all".
        const bool barred = loss == 50 && round_trip == 150ms;
        cell.length = barred ? 60s : 20s;
        cells.push_back(std::move(cell));
      }
    }
  }
}

Cell named(std::string name, auto change) {
  Cell cell;
  cell.name = std::move(name);
  change(cell);
  return cell;
}

void add_event_cells(std::vector<Cell>& cells) {
  const auto add = [&](std::string name, auto change) { cells.push_back(named(std::move(name), change)); };
  add("reorder 5 %", [](Cell& cell) { cell.reorder_permille = 50; });
  add("duplicate 2 %", [](Cell& cell) { cell.duplicate_permille = 20; });
  add("loss 5 %, reorder 5 %, duplicate 2 %, RTT 150 ms", [](Cell& cell) {
    cell.loss_permille = cell.reorder_permille = 50;
    cell.duplicate_permille = 20;
    cell.round_trip = 150ms;
    cell.length = 60s;
  });
  for (const base::Duration blackout : {2s, 10s, 40s}) {
    for (const base::Duration round_trip : {50ms, 150ms}) {
      add(fmt::format("blackout of {} s, RTT {} ms", blackout / 1s, round_trip / 1ms), [&](Cell& cell) {
        cell.blackout = blackout;
        cell.round_trip = round_trip;
        cell.length = blackout + 20s;
      });
    }
  }
  add("address change", [](Cell& cell) { cell.new_address = true, cell.length = 30s; });
  add("new SSRC", [](Cell& cell) { cell.new_ssrc = true; });
  add("new payload type", [](Cell& cell) { cell.new_payload_type = true; });
  add("new picture size", [](Cell& cell) { cell.new_size = true; });
  add("DTX", [](Cell& cell) { cell.dtx = true; });
}

void add_clock_cells(std::vector<Cell>& cells) {
  const auto add = [&](std::string name, auto change) { cells.push_back(named(std::move(name), change)); };
  for (const int ppm : {200, -200}) {
    add(fmt::format("camera's clock {:+} ppm", ppm), [&](Cell& cell) { cell.camera_ppm = ppm, cell.length = 60s; });
    add(fmt::format("camera's sound {:+} ppm", ppm), [&](Cell& cell) { cell.sound_ppm = ppm, cell.length = 60s; });
  }
  const auto reports = [&](std::string name, Reports kind) {
    add(std::move(name), [&](Cell& cell) { cell.reports = kind; });
  };
  reports("sender reports missing", Reports::Missing);
  reports("sender reports 5 s late", Reports::Late);
  reports("sender reports wrong: a clock of 1970", Reports::OldClock);
  reports("sender reports wrong: set back by an hour", Reports::ClockSteps);
  reports("sender reports wrong: video 10 s ahead", Reports::VideoAhead);
  add("sender reports missing, loss 5 %, reorder 5 %, RTT 150 ms", [](Cell& cell) {
    cell.reports = Reports::Missing;
    cell.loss_permille = cell.reorder_permille = 50;
    cell.round_trip = 150ms;
  });
  add("everything: loss 10 % in bursts, reorder 5 %, duplicate 2 %, DTX, new size, sound +200 ppm", [](Cell& cell) {
    cell.loss_permille = 100;
    cell.bursty = cell.dtx = cell.new_size = true;
    cell.reorder_permille = 50;
    cell.duplicate_permille = 20;
    cell.sound_ppm = 200;
    cell.round_trip = 150ms;
  });
}

std::string in_ms(std::optional<base::Duration> time) {
  return time ? fmt::format("{} ms", *time / milliseconds(1)) : "never";
}

}  // namespace

std::vector<Cell> all_cells() {
  std::vector<Cell> cells;
  add_loss_cells(cells);
  add_event_cells(cells);
  add_clock_cells(cells);
  for (Cell& cell : cells) cell.quick = std::ranges::find(kQuick, cell.name) != kQuick.end();
  return cells;
}

Cell hour_of_drift(int ppm) {
  return named(fmt::format("an hour, camera's clock {:+} ppm, its sound {:+} ppm", ppm, -ppm), [&](Cell& cell) {
    cell.camera_ppm = ppm;
    cell.sound_ppm = -ppm;
    cell.length = 3600s;
  });
}

std::vector<std::string> shortfalls(const Cell& cell, const Result& result) {
  std::vector<std::string> found;
  const auto expect = [&](bool holds, std::string what) {
    if (!holds) found.push_back(std::move(what));
  };
  expect(result.fragments > 0, "nothing was stored");
  expect(result.altered == 0, fmt::format("{} stored frames are not what was sent", result.altered));
  expect(result.unmarked == 0, fmt::format("{} holes without a recorded gap", result.unmarked));
  expect(result.decode_errors.empty(), result.decode_errors);
  expect(result.decoded == result.stored, fmt::format("{} of {} decode", result.decoded, result.stored));
  const bool dark = cell.blackout > cell.blackout.zero();
  if (!dark && cell.loss_permille <= 50 && cell.round_trip <= 150ms) {
    expect(result.stored * 1000 >= result.sent * 999, fmt::format("{} of {} stored", result.stored, result.sent));
    expect(result.sound_stored * 1000 >= result.sound_sent * 999,
           fmt::format("{} of {} packets of sound stored", result.sound_stored, result.sound_sent));
  }
  const std::chrono::microseconds skew_bar = cell.reports == Reports::Correct ? 40ms : 150ms;
  expect(result.skew < skew_bar, fmt::format("skew of {} us", result.skew.count()));
  expect(result.duration_error < kFrameTime, fmt::format("duration off by {} us", result.duration_error.count()));
  if (!dark) return found;
  const bool rejoins = cell.blackout > 30s;
  const base::Duration bar = rejoins ? base::Duration(1s) : cell.round_trip + 2 * kFrameTime;
  expect(result.picture_taken && *result.picture_taken <= bar,
         fmt::format("picture back after {}", in_ms(result.picture_taken)));
  // What was sent in the dark and can still come goes before it: a request, its answers one after the other.
  const base::Duration recorded_bar = rejoins ? bar : cell.round_trip + kRepairTime;
  expect(result.picture_back && *result.picture_back <= recorded_bar,
         fmt::format("recorder got a picture after {}", in_ms(result.picture_back)));
  if (rejoins) {
    expect(result.ended.contains("no longer answers connectivity checks"), "ended: " + result.ended);
  }
  return found;
}

}  // namespace impairments

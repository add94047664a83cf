// SPDX-License-Identifier: Apache-2.0
#include "app/fragments_command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "aws/json.hpp"
#include "base/byte_count.hpp"

namespace app {
namespace {

void print_fragment(const api::FragmentAnswer& fragment) {
  if (const auto& gap = fragment.gap_before) {
    fmt::print("{:23}  -- {} missing: {} --\n", to_time_text(gap->start), to_duration_text(gap->end - gap->start),
               gap->reason_text);
  }
  std::string notes = fmt::format("{}", fmt::join(fragment.flags, " "));
  if (fragment.ended_by) notes += fmt::format("{}ended by {}", notes.empty() ? "" : " ", *fragment.ended_by);
  fmt::print("{:23}  {:>8}  {:>9}  {}  {}\n", to_time_text(fragment.producer_timestamp),
             to_duration_text(std::chrono::microseconds(fragment.duration_microseconds)),
             base::to_byte_count_text(static_cast<std::uint64_t>(fragment.size_in_bytes)), fragment.fragment_number,
             notes);
}

}  // namespace

void FragmentsCommand::add_to(CLI::App& command) {
  command.add_option("STREAM", stream_, "name of the stream")->required();
  window_.add_to(command);
  source_.add_to(command);
  command.add_flag("--json", json_, "one JSON object a line");
}

base::Result<void> FragmentsCommand::list() {
  TRY(const Window window, window_.window());
  TRY(const auto recordings, source_.open());
  std::uint64_t count = 0, bytes = 0;
  std::chrono::microseconds recorded{0};
  std::string token;
  do {
    TRY(auto page, recordings->fragments(stream_, window, token));
    if (count == 0 && !json_) {
      fmt::print("{:23}  {:>8}  {:>9}  {:47}  {}\n", "PRODUCER TIME (UTC)", "DURATION", "SIZE", "FRAGMENT NUMBER",
                 "NOTES");
    }
    for (const api::FragmentAnswer& fragment : page.fragments) {
      ++count;
      bytes += static_cast<std::uint64_t>(fragment.size_in_bytes);
      recorded += std::chrono::microseconds(fragment.duration_microseconds);
      if (json_) fmt::print("{}\n", aws::encode(fragment));
      if (!json_) print_fragment(fragment);
    }
    token = page.next_token.value_or("");
  } while (!token.empty());
  if (!json_) fmt::print("{} fragments, {}, {}\n", count, to_duration_text(recorded), base::to_byte_count_text(bytes));
  return {};
}

int FragmentsCommand::run() {
  const auto listed = list();
  return listed ? 0 : report_failure(listed.error());
}

}  // namespace app

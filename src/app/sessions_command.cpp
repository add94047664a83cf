// SPDX-License-Identifier: Apache-2.0
#include "app/sessions_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "aws/json.hpp"

namespace app {
namespace {

std::string after(const api::SessionAnswer& session, std::string_view step) {
  const auto found = std::ranges::find(session.steps, step, &api::StepAnswer::step);
  if (found == session.steps.end()) return "-";
  return fmt::format("{:.2f} s", static_cast<double>(found->milliseconds) / 1000);
}

std::string outcome_of(const api::SessionAnswer& session) {
  if (session.reason) return fmt::format("{}: {}", *session.reason, session.reason_text.value_or(""));
  return session.steps.empty() ? "" : fmt::format("last step: {}", session.steps.back().step);
}

void print_table(const std::vector<api::SessionAnswer>& sessions) {
  std::size_t channels = 7, clients = 6;
  for (const api::SessionAnswer& session : sessions) {
    channels = std::max(channels, session.channel_name.size());
    clients = std::max(clients, session.client_id.value_or("master").size());
  }
  fmt::print("{:23}  {:{}}  {:{}}  {:10}  {:>8}  {:>8}  {:>8}  {}\n", "JOINED (UTC)", "CHANNEL", channels, "CLIENT",
             clients, "STATE", "ICE", "FRAME", "DURABLE", "OUTCOME");
  for (const api::SessionAnswer& session : sessions) {
    fmt::print("{:23}  {:{}}  {:{}}  {:10}  {:>8}  {:>8}  {:>8}  {}\n", to_time_text(session.joined_at),
               session.channel_name, channels, session.client_id.value_or("master"), clients, session.state,
               after(session, "ice_connected"), after(session, "first_frame"), after(session, "first_fragment_durable"),
               outcome_of(session));
  }
}

}  // namespace

void SessionsCommand::add_to(CLI::App& command) {
  command.add_option("--channel", channel_, "of this channel only")->type_name("NAME");
  source_.add_to(command);
  command.add_flag("--json", json_, "one JSON object a line");
}

base::Result<void> SessionsCommand::list() {
  TRY(const auto recordings, source_.open_server("sessions are in a running server's memory only"));
  std::vector<api::SessionAnswer> sessions;
  std::string token;
  do {
    TRY(auto page, recordings->sessions(channel_, token));
    std::ranges::move(page.sessions, std::back_inserter(sessions));
    token = page.next_token.value_or("");
  } while (!token.empty());
  if (!json_) print_table(sessions);
  for (const api::SessionAnswer& session : sessions) {
    if (json_) fmt::print("{}\n", aws::encode(session));
  }
  return {};
}

int SessionsCommand::run() {
  const auto listed = list();
  return listed ? 0 : report_failure(listed.error());
}

}  // namespace app

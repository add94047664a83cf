// SPDX-License-Identifier: Apache-2.0
#pragma once
// Private to the app room: one setting's text into its value. InvalidArgument says what was expected instead.

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/configuration.hpp"
#include "base/result.hpp"

namespace app {

std::unexpected<base::Error> expected(std::string_view what);

template <class Number>
base::Result<void> set_number(Number& out, std::string_view text, Number least, Number most) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return expected(fmt::format("a whole number from {} to {}", least, most));
  }
  out = value;
  return {};
}

base::Result<void> set_address(base::SocketAddress& out, std::string_view text);
base::Result<void> set_byte_count(std::uint64_t& out, std::string_view text);
base::Result<void> set_duration(base::Duration& out, std::string_view text, std::chrono::milliseconds unit);
base::Result<void> set_bool(bool& out, std::string_view text);
base::Result<void> set_log_level(base::LogLevel& out, std::string_view text);
base::Result<void> set_aac_encoder(streams::AacChoice& out, std::string_view text);
base::Result<void> set_public_url(std::string& out, std::string_view text);
base::Result<void> set_account_id(std::string& out, std::string_view text);
base::Result<void> add_advertised(std::vector<base::IpAddress>& out, std::string_view text);
base::Result<void> add_turn_uri(std::vector<std::string>& out, std::string_view text);
base::Result<void> set_profile(std::string& out, std::string_view text);
base::Result<void> add_limit(std::vector<std::string>& out, std::string_view text);
base::Result<void> add_topic(std::map<std::string, std::string>& out, std::string_view text);

}  // namespace app

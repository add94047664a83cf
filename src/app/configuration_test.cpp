// SPDX-License-Identifier: Apache-2.0
#include "app/configuration.hpp"

#include <gtest/gtest.h>

#include <set>

namespace app {
namespace {

base::Result<Configuration> from_toml(std::string_view text) {
  TRY(const Settings settings, parse_toml(text, "tidegate.toml"));
  const std::pair<std::string, Settings> sources[] = {{"tidegate.toml", settings}};
  return make_configuration(sources);
}

TEST(Configuration, DefaultsAreThoseOfTheDocumentation) {
  const auto configuration = make_configuration({});
  ASSERT_TRUE(configuration);
  EXPECT_EQ(configuration->http_listen.text(), "127.0.0.1:8080");
  EXPECT_EQ(configuration->https_listen.text(), "0.0.0.0:8443");
  EXPECT_EQ(configuration->media_listen.text(), "0.0.0.0:8443");
  EXPECT_TRUE(configuration->media_tcp);
  EXPECT_EQ(configuration->media_tcp_listen, std::nullopt);
}

TEST(Configuration, MediaOverTcpHasItsOwnPortOrNone) {
  EXPECT_EQ(from_toml("media_tcp_listen = \"[::]:443\"")->media_tcp_listen->text(), "[::]:443");
  EXPECT_FALSE(from_toml("media_tcp_listen = \"off\"")->media_tcp);
  EXPECT_EQ(from_toml("media_tcp_listen = \"443\"").error().message,
            "tidegate.toml: media_tcp_listen is \"443\": expected ADDRESS:PORT, for example 127.0.0.1:8080 or "
            "[::]:8443");
}

TEST(Configuration, LaterSourcesWinKeyByKey) {
  const char* environment[] = {"HOME=/root", "TIDEGATE_REGION=eu-west-1", "TIDEGATE_ADVERTISE_IP=192.0.2.1,192.0.2.2",
                               nullptr};
  const auto file = parse_toml("region = \"us-west-2\"\nshards = 3\nadvertise_ip = [\"198.51.100.1\"]\n", "t.toml");
  const auto variables = read_environment(environment);
  ASSERT_TRUE(file && variables);
  const std::pair<std::string, Settings> sources[] = {
      {"t.toml", *file}, {"environment", *variables}, {"flags", {{"region", {"ap-south-1"}}}}};
  const auto configuration = make_configuration(sources);
  ASSERT_TRUE(configuration);
  EXPECT_EQ(configuration->region, "ap-south-1");
  EXPECT_EQ(configuration->shards, 3u);
  ASSERT_EQ(configuration->advertise_ip.size(), 2u);
  EXPECT_EQ(configuration->advertise_ip[1].text(), "192.0.2.2");
}

TEST(Configuration, MistakesAreNamedWithTheirPlace) {
  const std::pair<const char*, const char*> rows[] = {
      {"\nhttp_listn = \"127.0.0.1:1\"", "tidegate.toml:2: unknown key http_listn; did you mean http_listen?"},
      {"http_listen = \"localhost:1\"",
       "tidegate.toml: http_listen is \"localhost:1\": expected ADDRESS:PORT, for example 127.0.0.1:8080 or [::]:8443"},
      {"shards = 65", "tidegate.toml: shards is \"65\": expected a whole number from 0 to 64"},
      {"region = [\"a\"]", "tidegate.toml:1: region must be a string or a whole number"},
      {"account_id = \"123\"", "tidegate.toml: account_id is \"123\": expected 12 digits"},
      {"notification_topic = [\"doors\"]",
       "tidegate.toml: notification_topic is \"doors\": expected ARN=URL, for example "
       "arn:aws:sns:us-east-1:123456789012:doors=https://hooks.example/doors"},
      {"s3_access_key = \"A\"", "s3_access_key and s3_secret_key go together: give both or none"},
      {"access_key = \"A\"", "access_key and secret_key go together: give both or none"},
      {"turn_uri = \"turn:t.example:3478\"", "turn_uri needs turn_secret, the shared secret of the TURN server"},
  };
  for (const auto& [text, message] : rows) {
    const auto configuration = from_toml(text);
    ASSERT_FALSE(configuration) << text;
    EXPECT_EQ(configuration.error().message, message);
  }
  EXPECT_FALSE(from_toml("region = "));
  const char* environment[] = {"TIDEGATE_REGIO=x", nullptr};
  EXPECT_EQ(read_environment(environment).error().message,
            "environment: unknown variable TIDEGATE_REGIO; did you mean TIDEGATE_REGION?");
}

TEST(Configuration, LimitsAreAProfileAndSingleFiguresOverIt) {
  using api::Limit;
  const auto usual = make_configuration({});
  EXPECT_EQ(usual->limits[Limit::Streams], 0u);
  EXPECT_EQ(usual->signaling_lifetime, base::Duration::zero());
  const auto aws = from_toml("limits = \"aws\"\nlimit = [\"streams=7\"]\nsignaling_idle_timeout_seconds = 30\n");
  ASSERT_TRUE(aws);
  EXPECT_EQ(aws->limits[Limit::Streams], 7u);
  EXPECT_EQ(aws->limits[Limit::Channels], 10'000u);
  EXPECT_EQ(aws->signaling_lifetime, std::chrono::hours(1));
  EXPECT_EQ(aws->signaling_idle_timeout, std::chrono::seconds(30));
  EXPECT_EQ(from_toml("limits = \"azure\"").error().message,
            "tidegate.toml: limits is \"azure\": expected aws or usual");
  EXPECT_EQ(from_toml("limit = \"cows=1\"").error().message,
            "tidegate.toml: limit is \"cows=1\": expected NAME=NUMBER with a name of docs/limits.md: streams=100");
}

TEST(Configuration, KeysAreUniqueAndFlagsHaveDashes) {
  std::set<std::string> flags;
  for (const auto& key : configuration_keys()) EXPECT_TRUE(flags.insert(flag_name(key)).second) << key.name;
  EXPECT_TRUE(flags.contains("--http-listen"));
}

}  // namespace
}  // namespace app

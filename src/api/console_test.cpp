// SPDX-License-Identifier: Apache-2.0
// The console's files behind the gateway: what is redirected, cached, and said to anybody.
#include "api/console.hpp"

#include <gtest/gtest.h>

#include "api/fake_exchange.hpp"
#include "api/gateway.hpp"

namespace api {
namespace {

constexpr std::uint8_t kPage[] = {1, 2, 3};
constexpr std::uint8_t kScript[] = {4, 5};
constexpr ConsoleFile kFakeFiles[] = {{"", "text/html; charset=utf-8", "\"p1\"", false, kPage},
                                      {"app-XYZ.js", "text/javascript", "\"s1\"", true, kScript}};

class ConsoleTest : public testing::Test {
 protected:
  FakeExchange get(const std::string& target, const std::string& header = {}, const std::string& value = {}) {
    Handlers handlers;
    add_console_files(handlers, {kFakeFiles, "PEM", "AB:CD"});
    GatewayOptions options;
    options.home = "/console/";
    options.public_url = public_url;
    Gateway gateway(std::move(options), find_fake_key, handlers, nullptr, random);
    FakeExchange exchange(shard, "GET", target, "");
    if (!header.empty()) exchange.add_header(header, value);
    exchange.shard().run_blocking([&] { return gateway.serve(exchange); });
    return exchange;
  }

  async::Shard shard{"test"};
  base::SeededRandom random{1};
  std::string public_url;
};

TEST_F(ConsoleTest, only_a_browser_that_asks_for_a_page_is_sent_to_the_console) {
  const FakeExchange page = get("/", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
  EXPECT_EQ(page.status(), 302);
  EXPECT_EQ(page.header("Location"), "/console/");
  EXPECT_EQ(get("/").status(), 404);
  EXPECT_EQ(get("/", "Accept", "*/*").status(), 404);
  EXPECT_EQ(get("/other", "Accept", "text/html").status(), 404);
  EXPECT_EQ(get("/console").header("Location"), "/console/");
}

TEST_F(ConsoleTest, names_with_a_hash_are_kept_for_ever_and_the_page_is_asked_about_each_time) {
  const FakeExchange page = get("/console/");
  EXPECT_EQ(page.status(), 200);
  EXPECT_EQ(page.body(), "\x01\x02\x03");
  EXPECT_EQ(page.header("Content-Encoding"), "gzip");
  EXPECT_EQ(page.header("Cache-Control"), "no-cache");
  const FakeExchange script = get("/console/app-XYZ.js");
  EXPECT_EQ(script.header("Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(script.header("Content-Type"), "text/javascript");
  const FakeExchange unchanged = get("/console/", "If-None-Match", "\"p1\"");
  EXPECT_EQ(unchanged.status(), 304);
  EXPECT_EQ(unchanged.body(), "");
  EXPECT_EQ(get("/console/", "If-None-Match", "\"p0\"").status(), 200);
  EXPECT_EQ(get("/console/../etc/passwd").status(), 404);
}

TEST_F(ConsoleTest, the_policy_allows_what_this_server_hands_out_and_nothing_else) {
  const std::string plain = get("/console/").header("Content-Security-Policy");
  EXPECT_TRUE(plain.starts_with("default-src 'none'; script-src 'self'; style-src 'self';")) << plain;
  EXPECT_TRUE(plain.contains("connect-src 'self' http://kvs.example:8080 wss://kvs.example:8443;")) << plain;
  EXPECT_FALSE(plain.contains("unsafe")) << plain;
  public_url = "https://video.example";
  EXPECT_TRUE(
      get("/console/").header("Content-Security-Policy").contains("'self' https://video.example wss://video.example;"));
}

TEST_F(ConsoleTest, anybody_may_know_where_https_is_and_whom_to_trust) {
  EXPECT_EQ(
      get("/console/server.json").body(),
      R"({"region":"us-east-1","httpsUrl":"https://kvs.example:8443","wssUrl":"wss://kvs.example:8443","caFingerprint":"AB:CD"})");
  const FakeExchange pem = get("/console/ca.pem");
  EXPECT_EQ(pem.body(), "PEM");
  EXPECT_EQ(pem.header("Content-Disposition"), "attachment; filename=\"tidegate-ca.pem\"");
}

}  // namespace
}  // namespace api

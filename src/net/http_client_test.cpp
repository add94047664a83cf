// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.hpp"

#include <gtest/gtest.h>

#include "async/timer.hpp"
#include "net/http_connections.hpp"
#include "net/server_under_test.hpp"

namespace net {
namespace {

using namespace std::chrono_literals;

TEST(Url, ParsesAndRefuses) {
  struct Row {
    std::string_view text, scheme, host, target, authority;
    std::uint16_t port;
  };
  const Row rows[] = {
      {"http://h", "http", "h", "/", "h", 80},
      {"https://h:443/a?b=%2F#c", "https", "h", "/a?b=%2F", "h", 443},
      {"wss://127.0.0.1:8443?X=1", "wss", "127.0.0.1", "/?X=1", "127.0.0.1:8443", 8443},
      {"ws://[::1]:81/x", "ws", "::1", "/x", "[::1]:81", 81},
      {"http://[2001:db8::1]/", "http", "2001:db8::1", "/", "[2001:db8::1]", 80},
  };
  for (const Row& row : rows) {
    const auto url = Url::parse(row.text);
    ASSERT_TRUE(url) << row.text;
    EXPECT_EQ(url->scheme, row.scheme);
    EXPECT_EQ(url->host, row.host);
    EXPECT_EQ(url->target, row.target);
    EXPECT_EQ(url->port, row.port);
    EXPECT_EQ(url->authority(), row.authority);
  }
  for (const std::string_view bad :
       {"", "h", "ftp://h/", "http://", "http:///x", "http://h:/", "http://h:65536/", "http://h:1x/", "http://[::1/",
        "http://u@h/", "http://h/a b", "http://h/a\r\nX: y", "http://[::1]x/"}) {
    EXPECT_FALSE(Url::parse(bad)) << bad;
  }
}

TEST(HttpClient, SendsHeadersInOrderAndReadsAllKindsOfBodies) {
  ServerUnderTest server([](HttpExchange& exchange) -> async::Task<void> {
    if (exchange.request().path == "/stream") {
      (void)co_await exchange.start_stream({});
      for (int i = 0; i < 10; ++i) (void)co_await exchange.write_chunk(base::Bytes(10'000, 's'));
      (void)co_await exchange.finish();
      co_return;
    }
    co_await echo(exchange);
  });
  async::Shard shard("client");
  shard.run_blocking([&]() -> async::Task<void> {
    HttpClientRequest request{
        .method = "POST", .url = server.url() + "/p?q=1", .headers = {{"X-b", "1"}, {"x-A", "2"}}, .body = "body"};
    const auto echoed = co_await send_http(request, {});
    EXPECT_TRUE(echoed.has_value());
    if (!echoed) co_return;
    EXPECT_EQ(echoed->status, 200);
    EXPECT_EQ(echoed->headers.find("content-type"), "text/plain");
    EXPECT_EQ(echoed->body,
              fmt::format("POST /p [q=1]\nHost=127.0.0.1:{}\nX-b=1\nx-A=2\nContent-Length=4\nConnection=close\n\nbody",
                          server.port()));

    request = {.url = server.url() + "/stream"};
    const auto streamed = co_await send_http(request, {});
    EXPECT_EQ(streamed->body, std::string(100'000, 's'));
    std::size_t count = 0;
    request.on_body = [&](base::ByteView piece) {
      count += piece.size();
      return count < 50'000;
    };
    const auto cut = co_await send_http(request, {});
    EXPECT_TRUE(cut->body.empty());
    EXPECT_TRUE(count >= 50'000 && count < 100'000) << count;

    request = {.url = server.url() + "/stream"};
    const auto too_long = co_await send_http(request, {.max_body_bytes = 1000});
    EXPECT_EQ(too_long.error().code, base::Errc::LimitExceeded);
    request = {.method = "HEAD", .url = server.url() + "/h"};
    const auto head = co_await send_http(request, {});
    EXPECT_TRUE(head && head->body.empty());
  });
}

TEST(HttpClient, FailsInPlainWords) {
  ServerUnderTest silent([](HttpExchange& exchange) -> async::Task<void> {
    if (exchange.request().path == "/cut") {
      (void)co_await exchange.start_stream({});
      (void)co_await exchange.write_chunk(base::Bytes(10, 'c'));
      co_return;
    }
    co_await async::sleep_for(1h);
  });
  async::Shard shard("client");
  shard.run_blocking([&]() -> async::Task<void> {
    HttpClientRequest request{.url = silent.url()};
    const auto slow = co_await send_http(request, {.timeout = 30ms});
    EXPECT_EQ(slow.error().code, base::Errc::Unavailable);
    EXPECT_TRUE(slow.error().message.contains("timed out"));
    request.url = silent.url() + "/cut";
    const auto cut = co_await send_http(request, {});
    EXPECT_EQ(cut.error().code, base::Errc::Io);
    request.url = "http://127.0.0.1:1/";
    const auto refused = co_await send_http(request, {});
    EXPECT_TRUE(refused.error().message.contains("cannot connect to 127.0.0.1:1"));
    request.url = "http://no-such-host.invalid/";
    const auto unknown = co_await send_http(request, {.timeout = 5s});
    EXPECT_EQ(unknown.error().code, base::Errc::Unavailable);
    request.url = "nonsense";
    const auto bad = co_await send_http(request, {});
    EXPECT_EQ(bad.error().code, base::Errc::InvalidArgument);
  });
}

TEST(HttpClient, UsesAConnectionAgainUntilTheServerHasClosedIt) {
  std::vector<std::string> from;
  ServerUnderTest server([&](HttpExchange& exchange) -> async::Task<void> {
    from.push_back(exchange.request().remote.text());
    co_await echo(exchange);
  });
  async::Shard shard("client");
  shard.run_blocking([&]() -> async::Task<void> {
    HttpClientOptions options;
    options.connections = std::make_shared<HttpConnections>(shard);
    const auto ask = [&](HttpHeaders headers) -> async::Task<int> {
      HttpClientRequest request{
          .method = "POST", .url = server.url() + "/p", .headers = std::move(headers), .body = "b"};
      const auto answer = co_await send_http(std::move(request), options);
      co_return answer ? answer->status : 0;
    };
    for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await ask({}), 200);
    EXPECT_EQ(co_await ask({{"Connection", "close"}}), 200);  // the fourth on it, and the last
    EXPECT_EQ(co_await ask({}), 200);
  });
  EXPECT_EQ(from.size(), 5U);
  for (std::size_t i = 1; i < 4 && i < from.size(); ++i) EXPECT_EQ(from[i], from[0]);
  EXPECT_NE(from.back(), from.front());
}

}  // namespace
}  // namespace net

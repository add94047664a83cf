// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "async/notify.hpp"
#include "async/timer.hpp"
#include "net/server_under_test.hpp"

namespace net {
namespace {

using namespace std::chrono_literals;

TEST(HttpServer, KeepsTheOrderAndTheCaseOfHeaders) {
  ServerUnderTest server(echo);
  RawClient client(server.port());
  client.send(
      "POST /describe%20It?b=2&a=%2f HTTP/1.1\r\nPragma: no-cache\r\nX-b: 1\r\nHost: h\r\nx-B:  two  words \r\n"
      "content-length: 3\r\nX-B: 3\r\nConnection: close\r\n\r\nabc");
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.contains("\r\nContent-Type: text/plain\r\n"));
  EXPECT_TRUE(answer.contains("\r\nDate: ")) << answer;
  EXPECT_TRUE(answer.contains("\r\nConnection: close\r\n"));
  EXPECT_TRUE(answer.ends_with(
      "POST /describe%20It [b=2&a=%2f]\nPragma=no-cache\nX-b=1\nHost=h\nx-B=two  words\ncontent-length=3\nX-B=3\n"
      "Connection=close\n\nabc"))
      << answer;
}

TEST(HttpServer, AnswersInOneWrite) {
  ServerUnderTest server([](HttpExchange& exchange) -> async::Task<void> {
    (void)co_await exchange.respond(text_response(std::string(3500, 'x')));
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_once(4080);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n" + std::string(3500, 'x')));
  EXPECT_TRUE(answer.contains("\r\nContent-Length: 3500\r\n"));
}

TEST(HttpServer, KeepsAliveAndAnswersAPipelineInOrder) {
  ServerUnderTest server(echo);
  RawClient client(server.port());
  std::string requests;
  for (int i = 0; i < 20; ++i) {
    requests += fmt::format("POST /{} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{}", i, i,
                            std::string(static_cast<std::size_t>(i), 'b'));
  }
  client.send("\r\n" + requests);  // an empty line before a request is ignored
  for (int i = 0; i < 20; ++i) {
    const std::string head = client.read_until("\r\n\r\n");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK")) << head;
    EXPECT_FALSE(head.contains("Connection:"));
    const std::string expected = fmt::format("POST /{} []\nHost=h\nContent-Length={}\n\n{}", i, i,
                                             std::string(static_cast<std::size_t>(i), 'b'));
    EXPECT_EQ(client.read_count(expected.size()), expected);
  }
  EXPECT_EQ(server.stats().connections, 1u);
  EXPECT_EQ(server.stats().requests, 20u);
}

TEST(HttpServer, ReadsChunkedBodiesAndDropsTrailers) {
  ServerUnderTest server(echo);
  RawClient client(server.port());
  client.send("PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;ext=1\r\n \r\n");
  client.send("6\r\nworld!\r\n0\r\nX-Trailer: 1\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string first = client.read_until("hello world!");
  EXPECT_TRUE(first.contains("PUT /c []\nHost=h\nTransfer-Encoding=chunked\n\nhello world!")) << first;
  EXPECT_TRUE(client.read_until("\n\n").contains("200 OK"));
}

TEST(HttpServer, StreamsChunks) {
  ServerUnderTest server([](HttpExchange& exchange) -> async::Task<void> {
    HttpResponse head;
    head.headers.add("Content-Type", "video/x-matroska");
    (void)co_await exchange.start_stream(std::move(head));
    for (int i = 1; i <= 3; ++i)
      (void)co_await exchange.write_chunk(base::as_bytes(std::string(static_cast<std::size_t>(i) * 10, 'c')));
    (void)co_await exchange.finish();
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_TRUE(head.contains("\r\nTransfer-Encoding: chunked\r\n")) << head;
  EXPECT_FALSE(head.contains("Content-Length"));
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "a\r\n" + std::string(10, 'c') + "\r\n14\r\n" + std::string(20, 'c') +
                                                "\r\n1e\r\n" + std::string(30, 'c') + "\r\n0\r\n\r\n");
  client.send("GET / HTTP/1.0\r\n\r\n");
  const std::string old = client.read_all();
  EXPECT_FALSE(old.contains("chunked"));
  EXPECT_TRUE(old.ends_with("\r\n\r\n" + std::string(60, 'c'))) << old;
}

TEST(HttpServer, AnswersWhileTheBodyIsStillComing) {
  ServerUnderTest server([](HttpExchange& exchange) -> async::Task<void> {
    (void)co_await exchange.start_stream({});
    for (;;) {
      const auto piece = co_await exchange.read_body_some();
      if (!piece || piece->empty()) break;
      (void)co_await exchange.write_chunk(*piece);
    }
    (void)co_await exchange.finish();
  });
  RawClient client(server.port());
  client.send("POST /putMedia HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  for (const char c : {'a', 'b', 'c'}) {
    client.send(fmt::format("4\r\n{}\r\n", std::string(4, c)));
    EXPECT_EQ(client.read_until(std::string(4, c) + "\r\n"), "4\r\n" + std::string(4, c) + "\r\n");
  }
  client.send("0\r\n\r\n");
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0\r\n\r\n");
}

TEST(HttpServer, Sends100ContinueOnlyWhenTheBodyIsWanted) {
  ServerUnderTest server([](HttpExchange& exchange) -> async::Task<void> {
    if (exchange.request().path == "/refused") {
      (void)co_await exchange.respond(text_response("no", 403));
      co_return;
    }
    co_await echo(exchange);
  });
  RawClient client(server.port());
  client.send("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_TRUE(client.read_until("\n\nbody").contains("200 OK"));
  client.send("PUT /refused HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  const std::string refused = client.read_all();  // and the connection is closed
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 403 Forbidden\r\n")) << refused;
  EXPECT_TRUE(refused.contains("Connection: close"));
}

TEST(HttpServer, Sends100ContinueBeforeAnAnswerThatStartsFirst) {
  ServerUnderTest server([](HttpExchange& exchange) -> async::Task<void> {
    (void)co_await exchange.start_stream({});
    const auto body = co_await exchange.read_body(100);
    (void)co_await exchange.write_chunk(base::as_bytes(body.value_or("")));
    (void)co_await exchange.finish();
  });
  RawClient client(server.port());
  client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  const std::string heads = client.read_until("chunked\r\n\r\n");
  EXPECT_TRUE(heads.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")) << heads;
  client.send("body");
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "4\r\nbody\r\n0\r\n\r\n");
}

TEST(HttpServer, HeadAndOptionsReachTheHandler) {
  ServerUnderTest server(echo);
  RawClient client(server.port());
  client.send("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_TRUE(head.contains("Content-Length: 19\r\n")) << head;
  EXPECT_TRUE(client.read_all().contains("OPTIONS * []"));
}

TEST(HttpServer, LimitsABody) {
  ServerUnderTest server([](HttpExchange& exchange) -> async::Task<void> {
    const auto body = co_await exchange.read_body(10);
    (void)co_await exchange.respond(text_response(body ? *body : body.error().message, body ? 200 : 413));
  });
  for (const std::string_view request : {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n01234567890",
                                         "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n",
                                         "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                                         "chunked\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n"}) {
    RawClient client(server.port());
    client.send(request);
    const std::string answer = client.read_until("longer than 10 bytes");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413")) << answer;
  }
}

TEST(HttpServer, RefusesMalformedRequests) {
  using namespace std::string_literals;  // one request has a NUL
  ServerUnderTest server(echo, {.max_header_bytes = 4096});
  struct Row {
    std::string request;
    int status;
  };
  const std::string long_value(5000, 'v');
  const Row rows[] = {
      {"GARBAGE\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 505},
      {"G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost h\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"s, 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 501},
      {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + long_value + "\r\n\r\n", 431},
      {"GET /" + long_value + " HTTP/1.1\r\nHost: h\r\n\r\n", 431},
      {"\x16\x03\x01\x02\x03\x01\xfc\x03\x03 TLS by mistake", 400},
  };
  for (const Row& row : rows) {
    RawClient client(server.port());
    client.send(row.request);
    const std::string answer = client.read_all();  // the connection ends
    EXPECT_TRUE(answer.starts_with(fmt::format("HTTP/1.1 {} ", row.status))) << row.request << "\n-> " << answer;
  }
  RawClient next(server.port());
  next.send("GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(next.read_all().contains("GET /next"));
}

TEST(HttpServer, CutsOffSlowClients) {
  ServerUnderTest server(echo, {.header_timeout = 30ms, .idle_timeout = 30ms, .body_timeout = 30ms});
  RawClient silent(server.port()), slow_header(server.port()), slow_body(server.port());
  slow_header.send("GET / HTTP/1.1\r\nHo");
  slow_body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_EQ(slow_header.read_all(), "");
  EXPECT_FALSE(slow_body.read_all().contains("200 OK"));
  EXPECT_GE(server.stats().timeouts, 1u);
}

TEST(HttpServer, CutsOffAClientThatDoesNotRead) {
  std::atomic<bool> failed = false;
  ServerUnderTest server(
      [&](HttpExchange& exchange) -> async::Task<void> {
        HttpResponse response;
        response.shared_body = std::make_shared<const std::string>(64 << 20, 'z');
        const auto sent = co_await exchange.respond(std::move(response));
        failed = !sent;
      },
      {.write_timeout = 50ms});
  RawClient client(server.port(), 4096);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  while (!failed) usleep(1000);
  EXPECT_EQ(server.stats().timeouts, 1u);
}

TEST(HttpServer, ServesALargeSharedBody) {
  const auto body = std::make_shared<const std::string>(5'000'000, 'q');
  ServerUnderTest server([&](HttpExchange& exchange) -> async::Task<void> {
    HttpResponse response;
    response.shared_body = body;
    (void)co_await exchange.respond(std::move(response));
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.read_until("\r\n\r\n").contains("Content-Length: 5000000"));
  EXPECT_EQ(client.read_all(), *body);
}

TEST(HttpServer, AHandlerThatThrowsOrSaysNothingGets500) {
  ServerUnderTest server([](HttpExchange& exchange) -> async::Task<void> {
    if (exchange.request().path == "/throw") throw std::runtime_error("on purpose (test)");
    if (exchange.request().path == "/half") {
      (void)co_await exchange.start_stream({});
      throw std::runtime_error("on purpose, halfway (test)");
    }
    co_return;
  });
  for (const std::string_view path : {"/throw", "/silent"}) {
    RawClient client(server.port());
    client.send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path));
    EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
  }
  RawClient client(server.port());
  client.send("GET /half HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_FALSE(client.read_all().ends_with("0\r\n\r\n"));  // cut, so that the client sees it
  EXPECT_EQ(server.stats().handler_failures, 3u);
}

TEST(HttpServer, NoticesADisconnectWhileStreaming) {
  std::atomic<bool> gone = false;
  ServerUnderTest server([&](HttpExchange& exchange) -> async::Task<void> {
    async::Notify changed(exchange.shard());
    bool left = false;
    (void)co_await exchange.start_stream({});
    exchange.watch_disconnect([&] {
      left = true;
      changed.notify_all();
    });
    while (!left) co_await changed.wait();
    gone = true;
  });
  RawClient client(server.port());
  client.send("GET /live HTTP/1.1\r\nHost: h\r\n\r\n");
  client.read_until("\r\n\r\n");
  EXPECT_FALSE(gone);
  client.close();
  while (!gone) usleep(1000);
}

TEST(HttpServer, GoesOnAfterAWatchedStream) {
  ServerUnderTest server([&](HttpExchange& exchange) -> async::Task<void> {
    (void)co_await exchange.start_stream({});
    exchange.watch_disconnect([] {});
    (void)co_await exchange.write_chunk(base::as_bytes(exchange.request().path));
    (void)co_await exchange.finish();
  });
  RawClient client(server.port());
  for (int i = 0; i < 5; ++i) {
    client.send(fmt::format("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", i));
    EXPECT_TRUE(client.read_until("0\r\n\r\n").contains(fmt::format("2\r\n/{}\r\n", i)));
  }
  EXPECT_EQ(server.stats().connections, 1u);
}

TEST(HttpServer, RefusesTooManyConnectionsAndRequests) {
  ServerUnderTest server(
      [](HttpExchange& exchange) -> async::Task<void> {
        if (exchange.request().path == "/slow") co_await async::sleep_for(1h);
        (void)co_await exchange.respond(text_response("quick"));
      },
      {.max_connections = 2, .max_concurrent_requests = 1});
  RawClient slow(server.port());
  slow.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  while (server.stats().requests_active == 0) usleep(1000);
  RawClient busy(server.port());
  busy.send("GET /quick HTTP/1.1\r\nHost: h\r\n\r\n");
  while (server.stats().requests_refused == 0) usleep(1000);
  RawClient refused(server.port());
  EXPECT_EQ(refused.read_all(), "");
  EXPECT_TRUE(busy.read_all().starts_with("HTTP/1.1 503"));
  EXPECT_EQ(server.stats().connections_refused, 1u);
}

TEST(HttpServer, AHeaderValueCannotBreakTheLine) {
  ServerUnderTest server([](HttpExchange& exchange) -> async::Task<void> {
    HttpResponse response = text_response("x");
    response.headers.add("X-Echo", "a\r\nSet-Cookie: evil");
    (void)co_await exchange.respond(std::move(response));
  });
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.read_all().contains("\r\nX-Echo: a  Set-Cookie: evil\r\n"));
}

TEST(HttpServer, SeveralShardsShareOnePort) {
  async::Shard one("one"), two("two");
  std::atomic<int> by_one = 0, by_two = 0;
  const auto handler = [&](HttpExchange& exchange) -> async::Task<void> {
    ++(&exchange.shard() == &one ? by_one : by_two);
    (void)co_await exchange.respond(text_response("ok"));
  };
  HttpServerOptions options{.listen = *base::SocketAddress::parse("127.0.0.1:0"), .reuse_port = true};
  auto first = std::move(*HttpServer::open(one, options, handler));
  options.listen = first->local_address();
  auto second = std::move(*HttpServer::open(two, options, handler));
  for (int i = 0; i < 200 && (by_one == 0 || by_two == 0); ++i) {
    RawClient client(first->local_address().port);
    client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(client.read_all().ends_with("ok"));
  }
  EXPECT_GT(by_one, 0);
  EXPECT_GT(by_two, 0);
}

TEST(HttpServer, StopLetsTheRequestUnderWayEnd) {
  async::Shard shard("server");
  std::atomic<bool> begun = false;
  std::unique_ptr<HttpServer> server;
  HttpServerOptions options{.listen = *base::SocketAddress::parse("127.0.0.1:0")};
  shard.run_blocking([&] {
    server = std::move(*HttpServer::open(shard, options, [&](HttpExchange& exchange) -> async::Task<void> {
      begun = true;
      co_await async::sleep_for(20ms);
      (void)co_await exchange.respond(text_response("done"));
    }));
  });
  RawClient busy(server->local_address().port), idle(server->local_address().port);
  busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  while (!begun) usleep(500);
  shard.run_blocking([&]() -> async::Task<void> { co_await server->stop(10s); });
  EXPECT_TRUE(busy.read_all().ends_with("Connection: close\r\n\r\ndone"));
  EXPECT_EQ(idle.read_all(), "");
}

}  // namespace
}  // namespace net

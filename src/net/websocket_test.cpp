// SPDX-License-Identifier: Apache-2.0
#include "net/websocket.hpp"

#include <gtest/gtest.h>

#include "async/notify.hpp"
#include "async/timer.hpp"
#include "net/http_client.hpp"
#include "net/server_under_test.hpp"

namespace net {
namespace {

using namespace std::chrono_literals;

WebSocketOptions quiet_options() {
  return {.ping_interval = 0s};
}

// What the server does with each message: the text says it.
struct WebSocketServer : ServerUnderTest {
  explicit WebSocketServer(WebSocketOptions options)
      : ServerUnderTest([this, options](HttpExchange& exchange) { return serve(exchange, options); }) {}

  async::Task<void> serve(HttpExchange& exchange, WebSocketOptions options) {
    auto accepted = co_await exchange.accept_websocket(options);
    if (!accepted) {
      (void)co_await exchange.respond(text_response(accepted.error().message, 400));
      co_return;
    }
    const std::unique_ptr<WebSocket> socket = std::move(*accepted);
    for (;;) {
      const auto message = co_await socket->read();
      if (!message) break;
      if (message->payload == "close") {
        co_await socket->close(1000, "as you wish");
      } else if (message->payload == "flood") {
        while (socket->write(std::string(50'000, 'f'))) ++flooded;
      } else if (message->payload == "drop") {
        break;
      } else {
        socket->write(message->payload, message->is_text);
      }
    }
    reason = socket->close_reason();
    ended = true;
  }
  std::string wait_for_end() {
    while (!ended) usleep(500);
    return reason;
  }

  std::atomic<bool> ended = false;
  std::atomic<int> flooded = 0;
  std::string reason;
};

// A client's frame (RFC 6455 5.2) with a zero mask, so that the payload is readable.
std::string client_frame(std::uint8_t first_byte, std::string_view payload) {
  std::string frame(1, static_cast<char>(first_byte));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size());
  }
  return frame + std::string(4, '\0') + std::string(payload);
}

constexpr std::string_view kUpgrade =
    "GET /?X-Amz-ChannelARN=arn HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: wss\r\nSec-WebSocket-Version: 13\r\n\r\n";

TEST(WebSocket, UpgradesWithoutEchoingTheProtocol) {
  WebSocketServer server(quiet_options());
  RawClient client(server.port());
  // The first message comes in the same segment as the request.
  client.send(std::string(kUpgrade) + client_frame(0x81, "early"));
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << head;
  EXPECT_TRUE(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")) << head;  // RFC 6455 1.3
  EXPECT_FALSE(head.contains("Sec-WebSocket-Protocol"));
  EXPECT_FALSE(head.contains("Beast")) << head;
  EXPECT_EQ(client.read_count(7),
            "\x81\x05"
            "early");
  EXPECT_EQ(server.stats().websockets, 1u);
}

TEST(WebSocket, ReassemblesFragmentsAndAnswersPingsBetweenThem) {
  WebSocketServer server(quiet_options());
  RawClient client(server.port());
  client.send(kUpgrade);
  client.read_until("\r\n\r\n");
  client.send(client_frame(0x01, "one ") + client_frame(0x00, "two ") + client_frame(0x89, "hi") +
              client_frame(0x80, "three"));
  EXPECT_EQ(client.read_count(4), "\x8a\x02hi");
  EXPECT_EQ(client.read_count(15),
            "\x81\x0d"
            "one two three");
  client.send(client_frame(0x82, std::string("\0\xff", 2)));
  EXPECT_EQ(client.read_count(4), std::string("\x82\x02\0\xff", 4));
}

TEST(WebSocket, ClosesOnBadFrames) {
  struct Row {
    std::string frames;
    std::uint8_t code_low;  // 0x03e8 is 1000
    std::string reason;
  };
  const Row rows[] = {
      {client_frame(0x88, std::string("\x03\xe8", 2)), 0xe8, "the peer closed (1000)"},
      {client_frame(0x81, std::string("\xff\xfe", 2)), 0xef, ""},  // 1007: not UTF-8
      {std::string("\x81\x02hi", 4), 0xea, ""},                    // 1002: a client must mask
      {client_frame(0x83, "reserved opcode"), 0xea, ""},
      {client_frame(0xc1, "reserved bit"), 0xea, ""},
      {client_frame(0x80, "continuation of nothing"), 0xea, ""},
      {client_frame(0x89, std::string(126, 'p')), 0xea, ""},                          // a control frame over 125 bytes
      {client_frame(0x82, std::string(1001, 'x')), 0xf1, "message over 1000 bytes"},  // 1009
  };
  for (const Row& row : rows) {
    WebSocketOptions options = quiet_options();
    options.max_message_bytes = 1000;
    WebSocketServer server(options);
    RawClient client(server.port());
    client.send(kUpgrade);
    client.read_until("\r\n\r\n");
    client.send(row.frames);
    const std::string answer = client.read_count(4);
    ASSERT_GE(answer.size(), 4u) << row.reason;
    EXPECT_EQ(static_cast<std::uint8_t>(answer[0]), 0x88);
    EXPECT_EQ(static_cast<std::uint8_t>(answer[3]), row.code_low) << row.frames;
    client.close();
    const std::string reason = server.wait_for_end();
    if (!row.reason.empty()) EXPECT_EQ(reason, row.reason);
  }
}

TEST(WebSocket, RefusesWhatIsNotAnUpgrade) {
  WebSocketServer server(quiet_options());
  for (const std::string_view request :
       {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"}) {
    RawClient client(server.port());
    client.send(request);
    EXPECT_TRUE(client.read_until("not a WebSocket request").starts_with("HTTP/1.1 400")) << request;
  }
}

TEST(WebSocket, CutsOffAClientThatDoesNotRead) {
  WebSocketServer server(quiet_options());
  RawClient client(server.port(), 4096);
  client.send(kUpgrade);
  client.read_until("\r\n\r\n");
  client.send(client_frame(0x81, "flood"));
  EXPECT_EQ(server.wait_for_end(), "the peer does not read");
  EXPECT_GT(server.flooded, 10);
}

TEST(WebSocket, PingsASilentClientAndGivesItUp) {
  WebSocketOptions options;
  options.ping_interval = 20ms;
  options.pong_timeout = 60ms;
  WebSocketServer server(options);
  RawClient client(server.port());
  client.send(kUpgrade);
  client.read_until("\r\n\r\n");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.read_count(2), std::string("\x89\x00", 2));
    client.send(client_frame(0x8a, ""));
  }
  EXPECT_EQ(client.read_count(2), std::string("\x89\x00", 2));
  EXPECT_EQ(server.wait_for_end(), "the peer does not answer pings");
}

TEST(WebSocket, ClosesIdleAndOldConnections) {
  WebSocketOptions idle = quiet_options();
  idle.idle_timeout = 20ms;
  WebSocketOptions old = quiet_options();
  old.lifetime = 20ms;
  for (const WebSocketOptions& options : {idle, old}) {
    WebSocketServer server(options);
    RawClient client(server.port());
    client.send(kUpgrade);
    client.read_until("\r\n\r\n");
    const std::string answer = client.read_count(4);
    EXPECT_EQ(answer.substr(0, 1) + answer.substr(2), std::string("\x88\x03\xe9", 3));  // 1001
    client.send(client_frame(0x88, std::string("\x03\xe9", 2)));
    EXPECT_TRUE(server.wait_for_end().starts_with("closed from here (1001"));
  }
}

TEST(WebSocket, OurClientTalksToOurServer) {
  WebSocketServer server(quiet_options());
  async::Shard shard("client");
  shard.run_blocking([&]() -> async::Task<void> {
    const std::string url = server.url("ws") + "/?a=%2F";
    auto connected = co_await connect_websocket(url, {.websocket = quiet_options()});
    EXPECT_TRUE(connected.has_value());
    if (!connected) co_return;
    WebSocket& socket = **connected;
    for (const std::size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u, 100'000u}) {
      EXPECT_TRUE(socket.write(std::string(size, 'm')));
      const auto echoed = co_await socket.read();
      EXPECT_TRUE(echoed && echoed->payload == std::string(size, 'm')) << size;
    }
    for (int i = 0; i < 200; ++i) socket.write(std::to_string(i));
    for (int i = 0; i < 200; ++i) {
      const auto echoed = co_await socket.read();
      EXPECT_TRUE(echoed && echoed->payload == std::to_string(i));
    }
    socket.write("close");
    const auto end = co_await socket.read();
    EXPECT_FALSE(end.has_value());
    EXPECT_EQ(socket.close_reason(), "the peer closed (1000)");
    EXPECT_FALSE(socket.write("too late"));
    co_await socket.close(1000, "");  // harmless
  });
  EXPECT_TRUE(server.wait_for_end().starts_with("closed from here (1000"));
}

TEST(WebSocket, ClosingDeliversWhatIsQueued) {
  WebSocketServer server(quiet_options());
  async::Shard shard("client");
  shard.run_blocking([&]() -> async::Task<void> {
    auto connected = co_await connect_websocket(server.url("ws"), {.websocket = quiet_options()});
    WebSocket& socket = **connected;
    for (int i = 0; i < 50; ++i) socket.write(std::string(1000, 'q'));
    co_await socket.close(1000, "bye");
    EXPECT_FALSE(socket.is_open());
    EXPECT_EQ(socket.close_reason(), "closed from here (1000 bye)");
  });
  EXPECT_EQ(server.wait_for_end(), "the peer closed (1000)");
}

TEST(WebSocket, DroppingEitherEndIsNoticed) {
  WebSocketServer server(quiet_options());
  async::Shard shard("client");
  shard.run_blocking([&]() -> async::Task<void> {
    auto connected = co_await connect_websocket(server.url("ws"), {.websocket = quiet_options()});
    (*connected)->write("drop");
    const auto end = co_await (*connected)->read();
    EXPECT_FALSE(end.has_value());
  });
  server.wait_for_end();
  WebSocketServer second(quiet_options());
  shard.run_blocking([&]() -> async::Task<void> {
    auto connected = co_await connect_websocket(second.url("ws"), {.websocket = quiet_options()});
    co_await async::yield();
    connected->reset();
  });
  EXPECT_NE(second.wait_for_end(), "");
}

TEST(WebSocket, OurClientNamesTheStatusThatItGot) {
  ServerUnderTest server([](HttpExchange& exchange) -> async::Task<void> {
    (void)co_await exchange.respond(text_response("{\"message\":\"signature\"}", 403));
  });
  async::Shard shard("client");
  shard.run_blocking([&]() -> async::Task<void> {
    const auto refused = co_await connect_websocket(server.url("ws"), {});
    EXPECT_FALSE(refused.has_value());
    if (!refused) EXPECT_TRUE(refused.error().message.contains("403")) << refused.error().message;
  });
}

TEST(WebSocket, EndsWithItsShard) {
  auto client = std::make_unique<async::Shard>("client");
  WebSocketServer server(quiet_options());
  std::atomic<bool> connected = false;
  client->spawn("session", [&]() -> async::Task<void> {
    const auto socket = co_await connect_websocket(server.url("ws"), {.websocket = quiet_options()});
    connected = true;
    (void)co_await (*socket)->read();
  });
  while (!connected) usleep(500);
  const base::Instant before = async::now();
  client->stop();
  client->join();
  EXPECT_LT(async::now() - before, 2s);
  EXPECT_EQ(client->stats().tasks_running, 0u);
  server.wait_for_end();
}

}  // namespace
}  // namespace net

// SPDX-License-Identifier: Apache-2.0
#include "net/framed_tcp.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "async/notify.hpp"
#include "async/timer.hpp"
#include "net/stream.hpp"

namespace net {
namespace {

using namespace std::chrono_literals;

base::Bytes framed(std::string_view text) {
  base::Bytes out;
  append_framed(out, base::as_bytes(text));
  return out;
}

// A listener on one shard whose connections live on another, where every datagram is kept.
struct FramedServer {
  FramedServer() {
    listener = front.run_blocking([&] {
      return std::move(*FramedListener::open(front, *base::SocketAddress::parse("127.0.0.1:0"),
                                             [this](FramedArrival arrival) { return take(std::move(arrival)); }));
    });
  }
  ~FramedServer() {
    front.run_blocking([&] { listener.reset(); });
    back.run_blocking([&] { connection.reset(); });
  }

  async::Task<void> take(FramedArrival arrival) {
    if (base::as_text(arrival.first_datagram()) == "stranger") co_return;
    co_await back.call([&] {
      connection.emplace(
          back, std::move(arrival), stats,
          [this](base::Instant, std::span<base::Datagram> batch) {
            EXPECT_TRUE(back.is_current());
            for (const auto& datagram : batch) {
              flow = datagram.flow;
              received.emplace_back(base::as_text(datagram.payload));
            }
            changed.notify_all();
          },
          [this] {
            is_closed = true;
            connection.reset();
            changed.notify_all();
          });
    });
  }
  async::Task<std::unique_ptr<Stream>> connect() {
    auto stream = co_await connect_stream({.host = "127.0.0.1", .port = listener->local_address().port});
    co_return std::move(*stream);
  }
  // On `back`.
  template <class Condition>
  async::Task<void> until(Condition condition) {
    const base::Instant deadline = async::now() + 10s;
    while (!condition() && async::now() < deadline) co_await changed.wait_until(deadline);
    EXPECT_TRUE(condition());
  }

  async::Shard front{"front"}, back{"back"};
  async::Notify changed{back};
  std::shared_ptr<FramedConnection::Stats> stats = std::make_shared<FramedConnection::Stats>();
  std::vector<std::string> received;
  base::Flow flow;
  bool is_closed = false;
  std::optional<FramedConnection> connection;
  std::unique_ptr<FramedListener> listener;
};

TEST(FramedTcp, MovesToItsShardAndCarriesDatagramsBothWays) {
  FramedServer server;
  server.back.run_blocking([&]() -> async::Task<void> {
    auto client = co_await server.connect();
    const base::Bytes first = framed("first"), second = framed("second");
    EXPECT_TRUE((co_await client->write(base::ByteView(first).first(4))).has_value());
    co_await async::sleep_for(20ms);
    EXPECT_TRUE((co_await client->write(base::ByteView(first).subspan(4))).has_value());
    EXPECT_TRUE((co_await client->write(second)).has_value());
    co_await server.until([&] { return server.received.size() == 2; });
    EXPECT_EQ(server.received, (std::vector<std::string>{"first", "second"}));
    EXPECT_EQ(server.flow,
              (base::Flow{server.listener->local_address(), client->local_address(), base::Transport::Tcp}));
    server.connection->send(base::as_bytes("answer"));
    server.connection->send(base::as_bytes("again"));
    base::Bytes got(64);
    std::size_t count = 0;
    while (count < 15) {
      const auto more = co_await client->read_some(base::MutableByteView(got).subspan(count), async::now() + 10s);
      if (!more || *more == 0) break;
      count += *more;
    }
    got.resize(count);
    base::Bytes expected = framed("answer");
    append_framed(expected, base::as_bytes("again"));
    EXPECT_EQ(got, expected);
    client->close();
    co_await server.until([&] { return server.is_closed; });
    EXPECT_EQ(server.stats->received, 2u);
    EXPECT_EQ(server.stats->sent_bytes, 11u);
  });
}

TEST(FramedTcp, DropsWholeDatagramsForWhoDoesNotRead) {
  FramedServer server;
  server.back.run_blocking([&]() -> async::Task<void> {
    auto client = co_await server.connect();
    EXPECT_TRUE((co_await client->write(framed("hello"))).has_value());
    co_await server.until([&] { return !server.received.empty(); });
    const std::string kilobyte(1000, 'k');
    constexpr std::uint64_t kSent = 20'000;  // more than the kernel's buffers hold
    for (std::uint64_t i = 0; i < kSent; ++i) {
      server.connection->send(base::as_bytes(kilobyte));
      if (i % 100 == 0) co_await async::yield();
    }
    EXPECT_GT(server.stats->send_drops, 1000u);
    EXPECT_EQ(server.stats->sent + server.stats->send_drops, kSent);
    // What was not dropped arrives whole.
    DatagramCutter cutter;
    std::uint64_t whole = 0;
    const std::uint64_t queued = server.stats->sent;
    while (whole < queued) {
      const auto more = co_await client->read_some(cutter.space(), async::now() + 5s);
      if (!more || *more == 0) break;
      cutter.add(*more);
      while (const auto datagram = cutter.next()) whole += base::as_text(*datagram) == kilobyte ? 1 : 0;
    }
    EXPECT_EQ(whole, queued);
    client->close();
  });
}

TEST(FramedTcp, ClosesWhatIsNotFramedAndWhoIsNotWanted) {
  FramedServer server;
  server.back.run_blocking([&]() -> async::Task<void> {
    for (const std::string_view first :
         {std::string_view("GET / HTTP/1.1\r\n\r\n"), std::string_view("\0\10stranger", 10)}) {
      auto client = co_await server.connect();
      EXPECT_TRUE((co_await client->write(base::as_bytes(first))).has_value());
      base::Bytes got(16);
      const auto count = co_await client->read_some(got, async::now() + 10s);
      EXPECT_TRUE(!count || *count == 0);
      client->close();
    }
    EXPECT_TRUE(server.received.empty());
    // One that turns bad later ends with a word to its owner.
    auto client = co_await server.connect();
    EXPECT_TRUE((co_await client->write(framed("good"))).has_value());
    EXPECT_TRUE((co_await client->write(base::as_bytes("\xff\xff and the rest"))).has_value());
    co_await server.until([&] { return server.is_closed; });
    EXPECT_EQ(server.received, std::vector<std::string>{"good"});
    client->close();
  });
}

}  // namespace
}  // namespace net

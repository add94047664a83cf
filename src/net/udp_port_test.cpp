// SPDX-License-Identifier: Apache-2.0
#include "net/udp_port.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <map>

#include "async/notify.hpp"
#include "async/thread_time.hpp"
#include "async/timer.hpp"
#include "net/interfaces.hpp"

namespace net {
namespace {

using namespace std::chrono_literals;

base::SocketAddress udp_address(std::string_view text) {
  return *base::SocketAddress::parse(text);
}

base::Transmit datagram_to(const UdpPort& port, std::string_view text) {
  base::Transmit transmit;
  transmit.flow.remote = {base::IpAddress::v4(127, 0, 0, 1), port.local_address().port};
  transmit.payload = base::to_bytes(text);
  return transmit;
}

// Two ports on one shard; what the second receives is kept.
struct UdpPair {
  explicit UdpPair(std::string_view listen = "127.0.0.1:0", bool gro = true) {
    a = std::move(*UdpPort::open(shard, {.listen = udp_address(listen)}, [](base::Instant, auto) {}));
    b = std::move(*UdpPort::open(shard, {.listen = udp_address(listen), .gro = gro},
                                 [this](base::Instant now, std::span<base::Datagram> batch) {
                                   EXPECT_TRUE(shard.is_current());
                                   EXPECT_LE(now, async::now());
                                   ++batches;
                                   for (const base::Datagram& datagram : batch) {
                                     flows.push_back(datagram.flow);
                                     payloads.emplace_back(base::as_text(datagram.payload));
                                   }
                                   changed.notify_all();
                                 }));
  }
  ~UdpPair() {
    shard.run_blocking([&] {
      a.reset();
      b.reset();
    });
  }
  async::Task<void> wait_for(std::size_t count) {
    const base::Instant deadline = async::now() + 10s;
    while (payloads.size() < count && async::now() < deadline) co_await changed.wait_until(deadline);
  }

  async::Shard shard{"udp"};
  async::Notify changed{shard};
  std::vector<base::Flow> flows;
  std::vector<std::string> payloads;
  int batches = 0;
  std::unique_ptr<UdpPort> a, b;
};

TEST(UdpPort, CarriesDatagramsWithBothAddresses) {
  UdpPair pair("0.0.0.0:0");
  pair.shard.run_blocking([&]() -> async::Task<void> {
    base::Transmit transmit = datagram_to(*pair.b, "hello");
    transmit.flow.local.ip = base::IpAddress::v4(127, 0, 0, 9);  // another address of this host as the source
    transmit.flow.remote.ip = base::IpAddress::v4(127, 0, 0, 5);
    pair.a->send(std::move(transmit));
    co_await pair.wait_for(1);
    EXPECT_EQ(pair.payloads, std::vector<std::string>{"hello"});
    EXPECT_EQ(pair.flows.at(0).remote,
              (base::SocketAddress{base::IpAddress::v4(127, 0, 0, 9), pair.a->local_address().port}));
    EXPECT_EQ(pair.flows.at(0).local,
              (base::SocketAddress{base::IpAddress::v4(127, 0, 0, 5), pair.b->local_address().port}));
    EXPECT_EQ(pair.b->stats().received, 1u);
    EXPECT_EQ(pair.b->stats().received_bytes, 5u);
    EXPECT_EQ(pair.a->stats().sent, 1u);
  });
}

TEST(UdpPort, BatchesInOrder) {
  UdpPair pair;
  pair.shard.run_blocking([&]() -> async::Task<void> {
    constexpr int kCount = 3000;
    for (int i = 0; i < kCount; ++i) pair.a->send(datagram_to(*pair.b, std::to_string(i)));
    co_await pair.wait_for(kCount);
    EXPECT_EQ(pair.payloads.size(), static_cast<std::size_t>(kCount));
    for (int i = 0; i < kCount; ++i) EXPECT_EQ(pair.payloads.at(static_cast<std::size_t>(i)), std::to_string(i));
    EXPECT_LT(pair.batches, kCount / 20);
    EXPECT_LT(pair.a->stats().send_batches, static_cast<std::uint64_t>(kCount) / 20);
  });
}

TEST(UdpPort, AnswersFromWithinTheReceiver) {
  async::Shard shard("udp");
  async::Notify changed(shard);
  std::string answer;
  std::unique_ptr<UdpPort> server, client;
  shard.run_blocking([&]() -> async::Task<void> {
    server = std::move(*UdpPort::open(
        shard, {.listen = udp_address("127.0.0.1:0")}, [&](base::Instant, std::span<base::Datagram> batch) {
          for (base::Datagram& datagram : batch) {
            datagram.payload[0] = 'P';  // in place
            server->send({datagram.flow, base::Bytes(datagram.payload.begin(), datagram.payload.end())});
          }
        }));
    client = std::move(*UdpPort::open(shard, {.listen = udp_address("127.0.0.1:0")},
                                      [&](base::Instant, std::span<base::Datagram> batch) {
                                        answer = base::as_text(batch[0].payload);
                                        client.reset();  // a receiver may end its own port
                                        changed.notify_all();
                                      }));
    client->send(datagram_to(*server, "ping"));
    while (answer.empty()) co_await changed.wait_until(async::now() + 10s);
    EXPECT_EQ(answer, "Ping");
    server.reset();
  });
}

TEST(UdpPort, ServesBothFamiliesOnOneSocket) {
  async::Shard shard("udp");
  async::Notify changed(shard);
  std::vector<base::Flow> flows;
  shard.run_blocking([&]() -> async::Task<void> {
    auto opened =
        UdpPort::open(shard, {.listen = udp_address("[::]:0")}, [&](base::Instant, std::span<base::Datagram> batch) {
          for (const base::Datagram& datagram : batch) flows.push_back(datagram.flow);
          changed.notify_all();
        });
    if (!opened) co_return;  // a machine without IPv6
    const auto port = std::move(*opened);
    port->send({{{}, {base::IpAddress::v4(127, 0, 0, 1), port->local_address().port}}, base::to_bytes("four")});
    port->send({{{}, {*base::IpAddress::parse("::1"), port->local_address().port}}, base::to_bytes("six")});
    base::Transmit from_loopback{
        {{base::IpAddress::v4(127, 0, 0, 7), 0}, {base::IpAddress::v4(127, 0, 0, 1), port->local_address().port}},
        base::to_bytes("x")};
    port->send(std::move(from_loopback));
    while (flows.size() + port->stats().send_errors < 3) co_await changed.wait_until(async::now() + 1s);
    std::vector<std::string> remotes;
    for (const base::Flow& flow : flows) remotes.push_back(flow.remote.ip.text() + ">" + flow.local.ip.text());
    EXPECT_THAT(remotes, testing::Contains("127.0.0.1>127.0.0.1"));
    EXPECT_THAT(remotes, testing::Contains("127.0.0.7>127.0.0.1"));
  });
}

TEST(UdpPort, DropsAndCountsWhatIsTooLongOrCannotGo) {
  UdpPair pair;
  pair.shard.run_blocking([&]() -> async::Task<void> {
    pair.a->send(datagram_to(*pair.b, std::string(UdpPort::kMaxDatagram + 1, 'x')));
    pair.a->send(datagram_to(*pair.b, std::string(UdpPort::kMaxDatagram, 'y')));
    base::Transmit bad_source = datagram_to(*pair.b, "never");
    bad_source.flow.local.ip = base::IpAddress::v4(192, 0, 2, 77);  // not of this host
    pair.a->send(std::move(bad_source));
    base::Transmit bad_family = datagram_to(*pair.b, "never");
    bad_family.flow.remote.ip = *base::IpAddress::parse("2001:db8::1");
    pair.a->send(std::move(bad_family));
    pair.a->send(datagram_to(*pair.b, "last"));
    co_await pair.wait_for(2);
    EXPECT_EQ(pair.payloads.at(0), std::string(UdpPort::kMaxDatagram, 'y'));
    EXPECT_EQ(pair.payloads.at(1), "last");
    EXPECT_EQ(pair.b->stats().oversized, 1u);
    EXPECT_EQ(pair.a->stats().send_errors, 2u);
  });
}

base::Burst burst_to(const UdpPort& port, std::string_view text, std::size_t segment) {
  base::Transmit whole = datagram_to(port, text);
  return {whole.flow, std::move(whole.payload), segment};
}

TEST(UdpPort, SendsABurstAsItsDatagrams) {
  for (const bool segmentation : {true, false}) {
    UdpPair pair;
    pair.shard.run_blocking([&]() -> async::Task<void> {
      pair.a = *UdpPort::open(pair.shard, {.listen = udp_address("127.0.0.1:0"), .segmentation = segmentation},
                              [](base::Instant, auto) {});
      pair.a->send(datagram_to(*pair.b, "before"));
      pair.a->send_burst(burst_to(*pair.b, "aaaabbbbcc", 4));
      base::Burst other = burst_to(*pair.b, "ddddeeee", 4);
      other.flow.local.ip = base::IpAddress::v4(127, 0, 0, 9);
      pair.a->send_burst(std::move(other));
      pair.a->send_burst(burst_to(*pair.b, "ff", 4));
      co_await pair.wait_for(7);
      EXPECT_EQ(pair.payloads, (std::vector<std::string>{"before", "aaaa", "bbbb", "cc", "dddd", "eeee", "ff"}));
      EXPECT_EQ(pair.flows.at(3).remote.ip, base::IpAddress::v4(127, 0, 0, 1));
      EXPECT_EQ(pair.flows.at(4).remote.ip, base::IpAddress::v4(127, 0, 0, 9));
      const UdpPort::Stats stats = pair.a->stats();
      EXPECT_EQ(stats.sent, 7U);
      EXPECT_EQ(stats.sent_bytes, 26U);
      EXPECT_EQ(stats.sent_segmented, segmentation ? 5U : 0U);
      EXPECT_EQ(stats.send_errors + stats.send_drops, 0U);
      if (segmentation) EXPECT_EQ(stats.send_batches, 1U);
    });
  }
}

// Whoever receives them together or one by one is handed the same.
TEST(UdpPort, ReceivesABurstAsItsDatagrams) {
  for (const bool gro : {true, false}) {
    for (const std::string_view listen : {"127.0.0.1:0", "0.0.0.0:0"}) {
      UdpPair pair(listen, gro);
      pair.shard.run_blocking([&]() -> async::Task<void> {
        const std::string first(1200, 'a'), second(1200, 'b'), third(300, 'c');
        pair.a->send_burst(burst_to(*pair.b, first + second + third, 1200));
        pair.a->send(datagram_to(*pair.b, ""));
        pair.a->send(datagram_to(*pair.b, std::string(UdpPort::kMaxDatagram + 1, 'x')));
        pair.a->send_burst(
            burst_to(*pair.b, std::string(2 * (UdpPort::kMaxDatagram + 1), 'x'), UdpPort::kMaxDatagram + 1));
        pair.a->send(datagram_to(*pair.b, "last"));
        co_await pair.wait_for(5);
        EXPECT_EQ(pair.payloads, (std::vector<std::string>{first, second, third, "", "last"}));
        for (const base::Flow& flow : pair.flows) {
          EXPECT_EQ(flow.local, (base::SocketAddress{base::IpAddress::v4(127, 0, 0, 1), pair.b->local_address().port}));
          EXPECT_EQ(flow.remote.port, pair.a->local_address().port);
        }
        const UdpPort::Stats stats = pair.b->stats();
        EXPECT_EQ(stats.received, 5U);
        EXPECT_EQ(stats.received_bytes, 2704U);
        EXPECT_EQ(stats.received_together, gro ? 3U : 0U);
        EXPECT_EQ(stats.oversized, gro ? 2U : 3U) << "a run of them is one message";
      });
    }
  }
}

// More segments than the kernel cuts: it refuses the whole, and the datagrams go one by one.
TEST(UdpPort, SendsOneByOneWhatTheKernelRefusesToCut) {
  UdpPair pair;
  pair.shard.run_blocking([&]() -> async::Task<void> {
    const std::string text(1000, 'x');
    pair.a->send_burst(burst_to(*pair.b, text, 2));
    pair.a->send(datagram_to(*pair.b, "after"));
    co_await pair.wait_for(501);
    EXPECT_EQ(pair.payloads.size(), 501U);
    EXPECT_EQ(pair.payloads.front(), "xx");
    EXPECT_EQ(pair.payloads.back(), "after");
    EXPECT_EQ(pair.a->stats().sent_segmented, 0U);
    EXPECT_EQ(pair.a->stats().send_errors, 0U);
  });
}

TEST(UdpPort, CountsWhatTheKernelDropped) {
  async::Shard shard("udp");
  std::uint64_t received = 0, overflows = 0;
  shard.run_blocking([&]() -> async::Task<void> {
    const auto sink = std::move(*UdpPort::open(
        shard, {.listen = udp_address("127.0.0.1:0"), .receive_buffer_bytes = 4096}, [](base::Instant, auto) {}));
    const auto source =
        std::move(*UdpPort::open(shard, {.listen = udp_address("127.0.0.1:0")}, [](base::Instant, auto) {}));
    for (int round = 0; round < 2; ++round) {  // the second round brings the count of the first
      for (int i = 0; i < 500; ++i) source->send(datagram_to(*sink, std::string(1000, 'x')));
      source->flush();
      co_await async::sleep_for(20ms);
    }
    received = sink->stats().received;
    overflows = sink->stats().receive_overflows;
  });
  EXPECT_GT(overflows, 100u);
  EXPECT_LE(received + overflows, 1000u);
}

// What is done with datagrams counts, whatever else the thread does, such as answering requests, does not.
TEST(UdpPort, TellsTheProcessorTimeOfWhatItReceives) {
  const auto work = [](base::Duration length) {
    for (const base::Duration end = async::thread_time() + length; async::thread_time() < end;) {
    }
  };
  async::Shard shard("udp");
  shard.run_blocking([&]() -> async::Task<void> {
    async::Notify changed(shard);
    bool received = false;
    const auto port = std::move(*UdpPort::open(shard, {.listen = udp_address("127.0.0.1:0")}, [&](base::Instant, auto) {
      work(30ms);
      received = true;
      changed.notify_all();
    }));
    port->send(datagram_to(*port, "hello"));
    while (!received) co_await changed.wait();
    work(200ms);
    co_await async::sleep_for(10ms);
    EXPECT_GE(port->stats().processor_time, 30ms);
    EXPECT_LT(port->stats().processor_time, 150ms);
  });
}

TEST(UdpPort, RefusesAnAddressInUse) {
  UdpPair pair;
  const auto second = UdpPort::open(pair.shard, {.listen = pair.a->local_address()}, [](base::Instant, auto) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::Errc::Io);
  EXPECT_TRUE(second.error().message.contains(pair.a->local_address().text()));
}

TEST(UdpPort, CostsNothingWhenIdle) {
  UdpPair pair;
  const auto cpu = [&] {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    const auto micros = [](timeval t) { return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_usec; };
    return micros(usage.ru_utime) + micros(usage.ru_stime);
  };
  pair.shard.run_blocking([&]() -> async::Task<void> {
    pair.a->send(datagram_to(*pair.b, "wake up"));
    co_await pair.wait_for(1);
    co_await async::sleep_for(50ms);  // a few ticks, then sleep
    const std::uint64_t wakeups = pair.b->stats().wakeups;
    const std::int64_t before = cpu();
    co_await async::sleep_for(1s);
    EXPECT_LT(cpu() - before, 10'000) << "microseconds of CPU in one idle second";
    EXPECT_EQ(pair.b->stats().wakeups, wakeups);
    pair.a->send(datagram_to(*pair.b, "still there"));
    co_await pair.wait_for(2);
    EXPECT_EQ(pair.payloads.back(), "still there");
  });
}

TEST(UdpPort, WakesOnTheTickAndNotForEachPacket) {
  UdpPair pair;
  pair.shard.run_blocking([&]() -> async::Task<void> {
    constexpr int kPackets = 2000;
    const base::Instant start = async::now();
    for (int i = 0; i < kPackets; ++i) {
      pair.a->send(datagram_to(*pair.b, "x"));
      pair.a->flush();
      if (i % 10 == 0) co_await async::sleep_for(200us);
    }
    co_await pair.wait_for(kPackets);
    const double ticks = std::chrono::duration<double>(async::now() - start) / 2ms;
    EXPECT_EQ(pair.payloads.size(), static_cast<std::size_t>(kPackets));
    EXPECT_LT(static_cast<double>(pair.b->stats().wakeups), ticks + 20);
  });
}

TEST(Interfaces, AreUsableAndUnique) {
  const std::vector<base::IpAddress> addresses = local_addresses();
  std::map<base::IpAddress, int> counts;
  for (const base::IpAddress& address : addresses) {
    EXPECT_FALSE(address.is_loopback() || address.is_link_local() || address.is_unspecified()) << address.text();
    EXPECT_EQ(++counts[address], 1);
  }
  EXPECT_TRUE(std::ranges::is_sorted(addresses, {}, &base::IpAddress::family));
}

}  // namespace
}  // namespace net

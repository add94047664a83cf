// SPDX-License-Identifier: Apache-2.0
#include "net/udp_port_group.hpp"

#include <gtest/gtest.h>

#include <map>

#include "async/notify.hpp"
#include "async/timer.hpp"

namespace net {
namespace {

using namespace std::chrono_literals;

base::SocketAddress loopback() {
  return {base::IpAddress::v4(127, 0, 0, 1), 0};
}

TEST(UdpPortGroup, EachSocketHearsWhatWasSentToIt) {
  async::Shard shard("udp");
  async::Notify changed(shard);
  constexpr int kSockets = 600;  // more than one epoll_wait gives
  std::map<std::uint16_t, std::string> heard;
  std::size_t datagrams = 0;
  shard.run_blocking([&]() -> async::Task<void> {
    const auto group = UdpPortGroup::make(shard).value();
    std::vector<std::unique_ptr<UdpPortGroup::Socket>> sockets;
    for (int i = 0; i < kSockets; ++i) {
      sockets.push_back(group
                            ->open(loopback(),
                                   [&, i](base::Instant, std::span<base::Datagram> batch) {
                                     const std::uint16_t port =
                                         sockets[static_cast<std::size_t>(i)]->local_address().port;
                                     for (const base::Datagram& datagram : batch) {
                                       EXPECT_EQ(datagram.flow.local.port, port);
                                       heard[port] += base::as_text(datagram.payload);
                                       ++datagrams;
                                     }
                                     changed.notify_all();
                                   })
                            .value());
    }
    // A burst of three, cut by the kernel, from each to the next.
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      const base::SocketAddress to = sockets[(i + 1) % sockets.size()]->local_address();
      const std::string text = fmt::format("{:05}ababc", to.port);
      const auto bytes = base::as_bytes(text);
      sockets[i]->send_burst({{loopback(), to}, base::Bytes(bytes.begin(), bytes.end()), 4});
    }
    const base::Instant deadline = async::now() + 10s;
    while (datagrams < 3 * kSockets && async::now() < deadline) co_await changed.wait_until(deadline);
    for (const auto& socket : sockets) {
      const std::uint16_t port = socket->local_address().port;
      EXPECT_EQ(heard[port], fmt::format("{:05}ababc", port));
    }
    EXPECT_EQ(group->stats().sent, 3U * kSockets);
    EXPECT_EQ(group->stats().send_calls, static_cast<std::uint64_t>(kSockets));
  });
}

TEST(UdpPortGroup, ASocketMayEndItselfAndItsPlaceIsUsedAgain) {
  async::Shard shard("udp");
  async::Notify changed(shard);
  shard.run_blocking([&]() -> async::Task<void> {
    const auto group = UdpPortGroup::make(shard).value();
    const auto sender = group->open(loopback(), [](auto, auto) {}).value();
    for (int turn = 0; turn < 3; ++turn) {
      std::unique_ptr<UdpPortGroup::Socket> receiver;
      bool over = false;
      receiver = group
                     ->open(loopback(),
                            [&](base::Instant, std::span<base::Datagram>) {
                              receiver.reset();
                              over = true;
                              changed.notify_all();
                            })
                     .value();
      sender->send({{loopback(), receiver->local_address()}, base::Bytes(3, 'x')});
      const base::Instant deadline = async::now() + 10s;
      while (!over && async::now() < deadline) co_await changed.wait_until(deadline);
      EXPECT_TRUE(over);
    }
  });
}

}  // namespace
}  // namespace net

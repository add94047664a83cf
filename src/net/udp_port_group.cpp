// SPDX-License-Identifier: Apache-2.0
#include "net/udp_port_group.hpp"

#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "async/timer.hpp"
#include "base/check.hpp"
#include "net/udp_port.hpp"
#include "net/udp_sockaddr.hpp"

namespace net {
namespace {

constexpr std::size_t kBatch = 32;  // datagrams per recvmmsg
constexpr std::size_t kReady = 256;

base::Error io_error(const std::string& what) {
  return {base::Errc::Io, what + ": " + std::strerror(errno)};
}

void ask_for(int fd, int option, std::size_t bytes) {
  const int value = static_cast<int>(bytes);
  setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
}

}  // namespace

struct UdpPortGroup::Socket::Place {
  Place(int socket, Receiver receive) : fd(socket), receiver(std::move(receive)) { local = bound_address(fd); }
  ~Place() { close(fd); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  const int fd;
  Receiver receiver;
  base::SocketAddress local;
  bool ended = false;
};

struct UdpPortGroup::State {
  State(async::Shard& owner, UdpPortGroupOptions given, int epoll)
      : options(given), epoll_fd(epoll), timer(owner, [this] { tick(); }) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors[i] = {buffers.data() + i * UdpPort::kMaxDatagram, UdpPort::kMaxDatagram};
      headers[i] = {};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
  ~State() { close(epoll_fd); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void tick();
  std::size_t receive(base::Instant now, Socket::Place& place);
  void send(const Socket::Place& place, const base::Flow& flow, base::ByteView bytes, std::size_t segment);

  const UdpPortGroupOptions options;
  const int epoll_fd;
  async::Timer timer;
  std::vector<std::shared_ptr<Socket::Place>> places;  // by number, which epoll hands back; empty: free
  std::vector<std::size_t> free;
  std::size_t open_sockets = 0;
  base::Bytes buffers = base::Bytes(kBatch * UdpPort::kMaxDatagram);
  std::array<iovec, kBatch> vectors;
  std::array<mmsghdr, kBatch> headers;
  std::array<sockaddr_in6, kBatch> sources;
  std::array<ControlSpace, kBatch> controls;
  std::vector<base::Datagram> batch;
  Stats stats;
};

// Sockets with many waiting datagrams come first again in the next tick: epoll is level-triggered and takes turns.
void UdpPortGroup::State::tick() {
  std::array<epoll_event, kReady> ready;
  const base::Instant now = async::now();
  std::size_t read = 0;
  for (;;) {
    const int count = epoll_wait(epoll_fd, ready.data(), kReady, 0);
    for (int i = 0; i < count; ++i) {
      const auto place = places[ready[static_cast<std::size_t>(i)].data.u64];  // lives on if its socket goes
      if (place && !place->ended) read += receive(now, *place);
    }
    if (count < static_cast<int>(kReady) || read >= options.datagrams_per_tick) break;
  }
  if (open_sockets > 0) timer.arm(now + options.tick);
}

std::size_t UdpPortGroup::State::receive(base::Instant now, Socket::Place& place) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    msghdr& header = headers[i].msg_hdr;
    header.msg_name = &sources[i];
    header.msg_namelen = sizeof sources[i];
    header.msg_control = controls[i].bytes.data();
    header.msg_controllen = controls[i].bytes.size();
  }
  const int count = recvmmsg(place.fd, headers.data(), kBatch, MSG_DONTWAIT, nullptr);
  batch.clear();
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(count, 0)); ++i) {
    msghdr& header = headers[i].msg_hdr;
    if ((header.msg_flags & MSG_TRUNC) != 0) continue;
    base::Datagram datagram;
    datagram.flow.local = place.local;
    read_destination(header, datagram.flow.local.ip);
    datagram.flow.remote = from_sockaddr(sources[i]);
    datagram.payload = base::MutableByteView(buffers).subspan(i * UdpPort::kMaxDatagram, headers[i].msg_len);
    batch.push_back(datagram);
  }
  stats.received += batch.size();
  if (!batch.empty()) place.receiver(now, batch);
  return batch.size();
}

void UdpPortGroup::State::send(const Socket::Place& place, const base::Flow& flow, base::ByteView bytes,
                               std::size_t segment) {
  if (flow.remote.ip.family != base::IpAddress::Family::V4) {
    ++stats.send_errors;
    return;
  }
  sockaddr_storage target;
  ControlSpace control;
  iovec vector{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};  // sendmsg does not write through it
  msghdr header{};
  header.msg_name = &target;
  header.msg_namelen = to_sockaddr(flow.remote, false, target);
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  if (!flow.local.ip.is_unspecified()) {
    in_pktinfo info{};
    info.ipi_spec_dst = to_in(flow.local.ip);
    add_control(header, control, IPPROTO_IP, IP_PKTINFO, info);
  }
  const std::size_t datagrams = (bytes.size() + segment - 1) / segment;
  if (datagrams > 1) add_control(header, control, SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(segment));
  ++stats.send_calls;
  if (sendmsg(place.fd, &header, MSG_DONTWAIT) >= 0) {
    stats.sent += datagrams;
    stats.sent_bytes += bytes.size();
  } else if (errno == EAGAIN || errno == ENOBUFS) {
    stats.send_drops += datagrams;
  } else if (datagrams > 1 && (errno == EINVAL || errno == EIO || errno == EMSGSIZE)) {
    // A route that takes no bursts: a small MTU, a device without checksums.
    for (std::size_t at = 0; at < bytes.size(); at += segment)
      send(place, flow, bytes.subspan(at, std::min(segment, bytes.size() - at)), segment);
  } else {
    stats.send_errors += datagrams;
  }
}

base::Result<std::shared_ptr<UdpPortGroup>> UdpPortGroup::make(async::Shard& shard, UdpPortGroupOptions options) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return base::fail(io_error("epoll_create1"));
  return std::shared_ptr<UdpPortGroup>(new UdpPortGroup(std::make_shared<State>(shard, options, epoll)));
}

UdpPortGroup::UdpPortGroup(std::shared_ptr<State> state) : state_(std::move(state)) {}
UdpPortGroup::~UdpPortGroup() = default;
UdpPortGroup::Stats UdpPortGroup::stats() const {
  return state_->stats;
}

base::Result<std::unique_ptr<UdpPortGroup::Socket>> UdpPortGroup::open(base::SocketAddress listen, Receiver receiver) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return base::fail(io_error("cannot open a UDP socket"));
  const int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  ask_for(fd, SO_RCVBUF, state_->options.receive_buffer_bytes);
  ask_for(fd, SO_SNDBUF, state_->options.send_buffer_bytes);
  sockaddr_storage address;
  const socklen_t size = to_sockaddr(listen, false, address);
  State& state = *state_;
  const std::size_t number = state.free.empty() ? state.places.size() : state.free.back();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      epoll_ctl(state.epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
    base::Error error = io_error("cannot listen on UDP " + listen.text());
    close(fd);
    return base::fail(std::move(error));
  }
  auto place = std::make_shared<Socket::Place>(fd, std::move(receiver));
  if (number == state.places.size()) {
    state.places.push_back(place);
  } else {
    state.free.pop_back();
    state.places[number] = place;
  }
  if (state.open_sockets++ == 0) state.timer.arm(async::now() + state.options.tick);
  return std::make_unique<Socket>(state_, std::move(place));
}

UdpPortGroup::Socket::Socket(std::shared_ptr<State> group, std::shared_ptr<Place> place)
    : group_(std::move(group)), place_(std::move(place)) {}

UdpPortGroup::Socket::~Socket() {
  place_->ended = true;
  epoll_ctl(group_->epoll_fd, EPOLL_CTL_DEL, place_->fd, nullptr);
  const auto found = std::ranges::find(group_->places, place_);
  CHECK(found != group_->places.end());
  group_->free.push_back(static_cast<std::size_t>(found - group_->places.begin()));
  found->reset();
  --group_->open_sockets;
}

base::SocketAddress UdpPortGroup::Socket::local_address() const {
  return place_->local;
}
void UdpPortGroup::Socket::send(const base::Transmit& transmit) {
  group_->send(*place_, transmit.flow, transmit.payload, std::max<std::size_t>(transmit.payload.size(), 1));
}
void UdpPortGroup::Socket::send_burst(const base::Burst& burst) {
  group_->send(*place_, burst.flow, burst.payload, burst.segment);
}

}  // namespace net

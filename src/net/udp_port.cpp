// SPDX-License-Identifier: Apache-2.0
#include "net/udp_port.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <vector>

#include "async/timer.hpp"
#include "base/check.hpp"
#include "base/log.hpp"

namespace net {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kBatch = 128;              // datagrams per recvmmsg
constexpr std::size_t kSendBatch = 64;           // per sendmmsg
constexpr std::size_t kMaxBatchesPerWakeup = 8;  // then others on the shard have their turn
constexpr int kEmptyTicksBeforeSleep = 4;

struct ControlSpace {
  // Source or destination address, and the overflow count.
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(std::uint32_t))> bytes;
};

base::IpAddress from_in6(const in6_addr& in) {
  base::IpAddress address;
  if (IN6_IS_ADDR_V4MAPPED(&in)) {
    std::memcpy(address.bytes.data(), &in.s6_addr[12], 4);
  } else {
    address.family = base::IpAddress::Family::V6;
    std::memcpy(address.bytes.data(), &in, 16);
  }
  return address;
}

in6_addr to_in6(const base::IpAddress& address) {
  in6_addr out{};
  if (address.family == base::IpAddress::Family::V4) {
    out.s6_addr[10] = out.s6_addr[11] = 0xff;
    std::memcpy(&out.s6_addr[12], address.bytes.data(), 4);
  } else {
    std::memcpy(&out, address.bytes.data(), 16);
  }
  return out;
}

in_addr to_in(const base::IpAddress& address) {
  in_addr out{};
  std::memcpy(&out, address.bytes.data(), 4);
  return out;
}

base::SocketAddress from_sockaddr(const sockaddr_storage& storage) {
  base::SocketAddress address;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    std::memcpy(address.ip.bytes.data(), &in.sin_addr, 4);
    address.port = ntohs(in.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &storage, sizeof in);
    address.ip = from_in6(in.sin6_addr);
    address.port = ntohs(in.sin6_port);
  }
  return address;
}

socklen_t to_sockaddr(const base::SocketAddress& address, bool is_v6_socket, sockaddr_storage& storage) {
  storage = {};
  if (!is_v6_socket) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    in.sin_addr = to_in(address.ip);
    std::memcpy(&storage, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(address.port);
  in.sin6_addr = to_in6(address.ip);
  std::memcpy(&storage, &in, sizeof in);
  return sizeof in;
}

template <class T>
void put_control(msghdr& header, ControlSpace& space, int level, int type, const T& value) {
  header.msg_control = space.bytes.data();
  header.msg_controllen = CMSG_SPACE(sizeof(T));
  cmsghdr* const control = CMSG_FIRSTHDR(&header);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof(T));
  std::memcpy(CMSG_DATA(control), &value, sizeof value);
}

// The kernel doubles what it is asked for and caps it at net.core.[rw]mem_max, unless the process may force it.
std::size_t raise_buffer(int fd, int option, int force_option, std::size_t wanted) {
  const int value = static_cast<int>(wanted);
  if (setsockopt(fd, SOL_SOCKET, force_option, &value, sizeof value) != 0) {
    setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
  }
  int granted = 0;
  socklen_t size = sizeof granted;
  getsockopt(fd, SOL_SOCKET, option, &granted, &size);
  return static_cast<std::size_t>(granted);
}

void enable(int fd, int level, int option) {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

// An open, bound, non-blocking socket, or -1 with errno.
int open_socket(const base::SocketAddress& listen) {
  const bool is_v6 = listen.ip.family == base::IpAddress::Family::V6;
  const int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (is_v6) {
    const int off = 0;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    enable(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
  } else {
    enable(fd, IPPROTO_IP, IP_PKTINFO);
  }
  enable(fd, SOL_SOCKET, SO_RXQ_OVFL);
  sockaddr_storage address;
  const socklen_t size = to_sockaddr(listen, is_v6, address);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

}  // namespace

struct UdpPort::State : std::enable_shared_from_this<State> {
  State(async::Shard& owner, UdpPortOptions given, Receiver receive, int socket)
      : shard(owner),
        options(given),
        receiver(std::move(receive)),
        fd(socket),
        is_v6(given.listen.ip.family == base::IpAddress::Family::V6),
        descriptor(owner.executor()),
        tick(owner, [this] { wake(); }) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
    local = from_sockaddr(bound);
    stats.receive_buffer_bytes = raise_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, options.receive_buffer_bytes);
    stats.send_buffer_bytes = raise_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, options.send_buffer_bytes);
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors[i] = {buffers.data() + i * kMaxDatagram, kMaxDatagram};
      headers[i] = {};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
  ~State() {
    if (descriptor.is_open()) descriptor.release();  // or it would close the socket a second time
    close(fd);
  }

  void sleep_in_epoll();
  void wake();
  bool receive_batch(base::Instant now);
  bool read_datagram(std::size_t i, base::Datagram& datagram);
  void flush();
  void prepare_send(std::size_t i, const base::Transmit& transmit);

  async::Shard& shard;
  const UdpPortOptions options;
  Receiver receiver;
  const int fd;
  const bool is_v6;
  base::SocketAddress local;
  Stats stats;
  bool ended = false;

  // In epoll only while idle: Asio registers edge-triggered, so a socket left there wakes the loop for every packet.
  asio::posix::stream_descriptor descriptor;
  async::Timer tick;
  int empty_ticks = 0;

  base::Bytes buffers = base::Bytes(kBatch * kMaxDatagram);
  std::array<iovec, kBatch> vectors;
  std::array<mmsghdr, kBatch> headers;
  std::array<sockaddr_storage, kBatch> sources;
  std::array<ControlSpace, kBatch> controls;
  std::vector<base::Datagram> batch;
  std::uint32_t last_overflows = 0;

  std::vector<base::Transmit> outgoing;
  bool flush_is_coming = false;  // posted, or at the end of the batch
  std::array<iovec, kSendBatch> send_vectors;
  std::array<mmsghdr, kSendBatch> send_headers;
  std::array<sockaddr_storage, kSendBatch> send_targets;
  std::array<ControlSpace, kSendBatch> send_controls;
};

base::Result<std::unique_ptr<UdpPort>> UdpPort::open(async::Shard& shard, UdpPortOptions options, Receiver receiver) {
  const int fd = open_socket(options.listen);
  if (fd < 0) {
    return base::fail(base::Errc::Io, "cannot listen on UDP " + options.listen.text() + ": " + std::strerror(errno));
  }
  auto state = std::make_shared<State>(shard, options, std::move(receiver), fd);
  shard.post([state] {
    if (!state->ended) state->sleep_in_epoll();
  });
  return std::unique_ptr<UdpPort>(new UdpPort(std::move(state)));
}

UdpPort::UdpPort(std::shared_ptr<State> state) : state_(std::move(state)) {}

UdpPort::~UdpPort() {
  state_->ended = true;
  state_->tick.disarm();
  if (state_->descriptor.is_open()) state_->descriptor.release();
}

void UdpPort::State::sleep_in_epoll() {
  empty_ticks = 0;
  descriptor.assign(fd);
  descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                          if (error || self->ended) return;
                          self->descriptor.release();  // out of epoll, still open
                          self->wake();
                        });
}

void UdpPort::State::wake() {
  const auto self = shared_from_this();  // the receiver may destroy the port
  ++stats.wakeups;
  const base::Instant now = async::now();
  flush_is_coming = true;
  std::size_t batches = 0;
  while (batches < kMaxBatchesPerWakeup && !ended && receive_batch(now)) ++batches;
  if (ended) return;
  flush_is_coming = false;
  flush();
  empty_ticks = batches > 0 || !batch.empty() ? 0 : empty_ticks + 1;
  if (batches == kMaxBatchesPerWakeup) {
    tick.arm(now);  // more is waiting
  } else if (empty_ticks >= kEmptyTicksBeforeSleep) {
    sleep_in_epoll();
  } else {
    tick.arm(now + options.tick);
  }
}

// True when there may be more.
bool UdpPort::State::receive_batch(base::Instant now) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    msghdr& header = headers[i].msg_hdr;
    header.msg_name = &sources[i];
    header.msg_namelen = sizeof sources[i];
    header.msg_control = controls[i].bytes.data();
    header.msg_controllen = controls[i].bytes.size();
    header.msg_flags = 0;
  }
  batch.clear();
  const int count = recvmmsg(fd, headers.data(), kBatch, 0, nullptr);
  if (count < 0) return errno == EINTR || errno == ECONNREFUSED;  // an ICMP answer to what was sent
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    base::Datagram datagram;
    if (read_datagram(i, datagram)) batch.push_back(datagram);
  }
  ++stats.receive_batches;
  if (!batch.empty()) receiver(now, batch);
  return static_cast<std::size_t>(count) == kBatch;
}

bool UdpPort::State::read_datagram(std::size_t i, base::Datagram& datagram) {
  msghdr& header = headers[i].msg_hdr;
  datagram.flow.local = local;
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
      in_pktinfo got{};
      std::memcpy(&got, CMSG_DATA(control), sizeof got);
      std::memcpy(datagram.flow.local.ip.bytes.data(), &got.ipi_addr, 4);
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo got{};
      std::memcpy(&got, CMSG_DATA(control), sizeof got);
      datagram.flow.local.ip = from_in6(got.ipi6_addr);
    } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
      std::uint32_t total = 0;  // since the socket was opened; wraps
      std::memcpy(&total, CMSG_DATA(control), sizeof total);
      stats.receive_overflows += total - last_overflows;
      last_overflows = total;
    }
  }
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    ++stats.oversized;
    return false;
  }
  ++stats.received;
  stats.received_bytes += headers[i].msg_len;
  datagram.flow.remote = from_sockaddr(sources[i]);
  datagram.payload = base::MutableByteView(buffers).subspan(i * kMaxDatagram, headers[i].msg_len);
  return true;
}

void UdpPort::State::prepare_send(std::size_t i, const base::Transmit& transmit) {
  // sendmsg does not write through this pointer.
  send_vectors[i] = {const_cast<std::uint8_t*>(transmit.payload.data()), transmit.payload.size()};
  msghdr& header = send_headers[i].msg_hdr;
  header = {};
  header.msg_name = &send_targets[i];
  header.msg_namelen = to_sockaddr(transmit.flow.remote, is_v6, send_targets[i]);
  header.msg_iov = &send_vectors[i];
  header.msg_iovlen = 1;
  const base::IpAddress& source = transmit.flow.local.ip;
  if (source.is_unspecified()) return;
  if (is_v6) {
    in6_pktinfo info{};
    info.ipi6_addr = to_in6(source);
    put_control(header, send_controls[i], IPPROTO_IPV6, IPV6_PKTINFO, info);
  } else if (source.family == base::IpAddress::Family::V4) {
    in_pktinfo info{};
    info.ipi_spec_dst = to_in(source);
    put_control(header, send_controls[i], IPPROTO_IP, IP_PKTINFO, info);
  }
}

void UdpPort::State::flush() {
  std::vector<base::Transmit> sending;
  sending.swap(outgoing);
  for (std::size_t at = 0; at < sending.size();) {
    const std::size_t count = std::min(kSendBatch, sending.size() - at);
    for (std::size_t i = 0; i < count; ++i) prepare_send(i, sending[at + i]);
    const int sent = sendmmsg(fd, send_headers.data(), static_cast<unsigned>(count), 0);
    if (sent < 0 && errno == EINTR) continue;
    ++stats.send_batches;
    for (int i = 0; i < sent; ++i) stats.sent_bytes += sending[at + static_cast<std::size_t>(i)].payload.size();
    if (sent > 0) {
      stats.sent += static_cast<std::size_t>(sent);
      at += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN || errno == ENOBUFS) {
      stats.send_drops += sending.size() - at;
      break;
    } else {
      ++stats.send_errors;  // this one cannot go; the next may
      ++at;
    }
  }
  sending.clear();
  if (outgoing.empty()) outgoing.swap(sending);  // keeps the memory
}

void UdpPort::send(base::Transmit transmit) {
  CHECK(state_->shard.is_current());
  const bool is_v6_target = transmit.flow.remote.ip.family == base::IpAddress::Family::V6;
  if (is_v6_target && !state_->is_v6) {
    ++state_->stats.send_errors;
    return;
  }
  state_->outgoing.push_back(std::move(transmit));
  if (state_->outgoing.size() >= kSendBatch) return state_->flush();
  if (std::exchange(state_->flush_is_coming, true)) return;
  state_->shard.post([state = state_] {
    state->flush_is_coming = false;
    if (!state->ended) state->flush();
  });
}

void UdpPort::flush() {
  state_->flush();
}
base::SocketAddress UdpPort::local_address() const {
  return state_->local;
}
UdpPort::Stats UdpPort::stats() const {
  return state_->stats;
}

}  // namespace net

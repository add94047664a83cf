// SPDX-License-Identifier: Apache-2.0
#include "net/udp_port.hpp"

#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "async/thread_time.hpp"
#include "async/timer.hpp"
#include "base/check.hpp"
#include "base/log.hpp"
#include "net/udp_send_queue.hpp"
#include "net/udp_sockaddr.hpp"

namespace net {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kBatch = 1024;  // datagrams per recvmmsg
// Not a power of two: what begins at each slot would share a few sets of the processor's caches.
constexpr std::size_t kSlot = UdpPort::kMaxDatagram + 64;
// With UDP_GRO: what the kernel hands over together at most. A slot's memory is real from its first use on.
constexpr std::size_t kRunBatch = 512;
constexpr std::size_t kMaxRun = 65'536;
constexpr std::size_t kRunSlot = kMaxRun + 64;
constexpr std::size_t kMaxBatchesPerWakeup = 4;  // then others on the shard have their turn
constexpr int kEmptyTicksBeforeSleep = 4;

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

// False if the kernel does not know it.
bool enable(int fd, int level, int option) {
  const int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

// What waits in the kernel's buffer, and what it threw away since the socket was opened, most of it because its buffer
// was full: the number that SO_RXQ_OVFL adds to each datagram, asked for instead when somebody wants to know.
void read_kernel_counts(int fd, UdpPort::Stats& stats) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> values{};
  socklen_t size = sizeof values;
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values.data(), &size) != 0) return;
  stats.receive_overflows = values[SK_MEMINFO_DROPS];
  const double room = values[SK_MEMINFO_RCVBUF];
  if (room > 0) stats.receive_fill = std::min(1.0, values[SK_MEMINFO_RMEM_ALLOC] / room);
}

// How long the datagram that was read last, at `read_at`, had waited. The kernel notes the time of arrival of every
// datagram from the first such question on, which costs some 20 ns each: less than being told it with each. A clock
// that is set meanwhile makes one answer wrong.
base::Duration read_delay(int fd, base::Instant read_at) {
  timeval arrived{};
  if (ioctl(fd, SIOCGSTAMP, &arrived) != 0) return {};
  const base::Duration since = base::Duration(async::wall_now().time_since_epoch()) -
                               (std::chrono::seconds(arrived.tv_sec) + std::chrono::microseconds(arrived.tv_usec));
  return std::max(base::Duration(), since - (async::now() - read_at));
}

// An open, bound, non-blocking socket, or -1 with errno. On one address of its own it needs not be told with each
// datagram where that was sent to.
int open_socket(const base::SocketAddress& listen) {
  const bool is_v6 = listen.ip.family == base::IpAddress::Family::V6;
  const int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (is_v6) {
    const int off = 0;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (listen.ip.is_unspecified()) enable(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
  } else if (listen.ip.is_unspecified()) {
    enable(fd, IPPROTO_IP, IP_PKTINFO);
  }
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
        tells_destination(given.listen.ip.is_unspecified()),
        gro(given.gro && enable(socket, SOL_UDP, UDP_GRO)),
        slots(gro ? kRunBatch : kBatch),
        slot_size(gro ? kRunSlot : kSlot),
        descriptor(owner.executor()),
        tick(owner, [this] { wake(); }),
        queue(socket, is_v6, given.segmentation) {
    local = bound_address(fd);
    stats.receive_buffer_bytes = raise_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, options.receive_buffer_bytes);
    stats.send_buffer_bytes = raise_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, options.send_buffer_bytes);
    for (std::size_t i = 0; i < slots; ++i) {
      vectors[i] = {buffers.get() + i * slot_size, gro ? kMaxRun : kMaxDatagram};
      headers[i] = {};
      headers[i].msg_hdr.msg_iov = &vectors[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_name = &sources[i];
      prepare(i);
    }
    batch.reserve(slots);
  }
  ~State() {
    if (descriptor.is_open()) descriptor.release();  // or it would close the socket a second time
    close(fd);
  }

  void sleep_in_epoll();
  void wake();
  void choose_tick(base::Instant now, std::uint64_t count);
  void prepare(std::size_t i);
  bool receive_batch(base::Instant now);
  void read_message(std::size_t i);
  void send(base::Burst burst);

  async::Shard& shard;
  const UdpPortOptions options;
  Receiver receiver;
  const int fd;
  const bool is_v6;
  const bool tells_destination;
  const bool gro;
  const std::size_t slots, slot_size;
  base::SocketAddress local;
  Stats stats;
  bool ended = false;

  // In epoll only while idle: Asio registers edge-triggered, so a socket left there wakes the loop for every packet.
  asio::posix::stream_descriptor descriptor;
  async::Timer tick;
  base::Duration tick_length = options.tick;
  base::Instant last_wake{};
  base::Instant last_read{};  // a moment before
  int empty_ticks = 0;

  const std::unique_ptr<std::uint8_t[]> buffers = std::make_unique_for_overwrite<std::uint8_t[]>(slots * slot_size);
  std::array<iovec, kBatch> vectors;
  std::array<mmsghdr, kBatch> headers;
  std::size_t filled = 0;                    // of them, by the last recvmmsg
  std::array<sockaddr_in6, kBatch> sources;  // or sockaddr_in, which is shorter
  std::array<ControlSpace, kBatch> controls;
  std::vector<base::Datagram> batch;

  UdpSendQueue queue;
  bool flush_is_coming = false;  // posted, or at the end of the batch
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
  const std::uint64_t before = stats.received;
  const base::Duration processor_time = async::thread_time();
  flush_is_coming = true;
  std::size_t batches = 0;
  while (batches < kMaxBatchesPerWakeup && !ended && receive_batch(now)) ++batches;
  if (ended) return;
  flush_is_coming = false;
  queue.flush();
  stats.processor_time += async::thread_time() - processor_time;
  choose_tick(now, stats.received - before);
  empty_ticks = batches > 0 || !batch.empty() ? 0 : empty_ticks + 1;
  if (batches == kMaxBatchesPerWakeup) {
    tick.arm(now);  // more is waiting
  } else if (empty_ticks >= kEmptyTicksBeforeSleep) {
    sleep_in_epoll();
  } else {
    tick.arm(now + tick_length);
  }
}

// In proportion to the traffic, slowly: a burst must not move it.
void UdpPort::State::choose_tick(base::Instant now, std::uint64_t count) {
  const base::Duration passed = std::max<base::Duration>(now - std::exchange(last_wake, now), options.tick);
  const double per_second = static_cast<double>(count) / std::chrono::duration<double>(passed).count();
  const std::chrono::duration<double, std::milli> fair(per_second /
                                                       static_cast<double>(options.packets_per_millisecond_of_tick));
  const auto wanted = std::clamp(std::chrono::duration_cast<base::Duration>(fair), options.tick, options.longest_tick);
  tick_length += (wanted - tick_length) / 8;
}

// What a datagram that was received has changed.
void UdpPort::State::prepare(std::size_t i) {
  msghdr& header = headers[i].msg_hdr;
  header.msg_namelen = sizeof sources[i];
  const bool tells = tells_destination || gro;
  header.msg_control = tells ? controls[i].bytes.data() : nullptr;
  header.msg_controllen = tells ? controls[i].bytes.size() : 0;
}

// True when there may be more.
bool UdpPort::State::receive_batch(base::Instant now) {
  batch.clear();
  for (std::size_t i = 0; i < filled; ++i) prepare(i);
  filled = 0;
  const base::Instant asked = async::now();
  const int count = recvmmsg(fd, headers.data(), static_cast<unsigned>(slots), 0, nullptr);
  if (count < 0) return errno == EINTR || errno == ECONNREFUSED;  // an ICMP answer to what was sent
  if (count > 0) last_read = asked;
  filled = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < filled; ++i) read_message(i);
  ++stats.receive_batches;
  if (!batch.empty()) receiver(now, batch);
  return filled == slots;
}

// A datagram, or a run of them: all of one size, but for a shorter last one.
void UdpPort::State::read_message(std::size_t i) {
  msghdr& header = headers[i].msg_hdr;
  const std::size_t size = headers[i].msg_len;
  const std::size_t segment = gro ? read_segment_size(header).value_or(size) : size;
  if ((header.msg_flags & MSG_TRUNC) != 0 || segment > kMaxDatagram) {
    ++stats.oversized;
    return;
  }
  base::Datagram datagram;
  datagram.flow.local = local;
  if (tells_destination) read_destination(header, datagram.flow.local.ip);
  datagram.flow.remote = from_sockaddr(sources[i]);
  base::MutableByteView rest(buffers.get() + i * slot_size, size);
  const std::uint64_t before = stats.received;
  do {
    datagram.payload = rest.first(std::min(segment, rest.size()));
    rest = rest.subspan(datagram.payload.size());
    batch.push_back(datagram);
    ++stats.received;
  } while (!rest.empty());
  stats.received_bytes += size;
  if (stats.received - before > 1) stats.received_together += stats.received - before;
}

void UdpPort::State::send(base::Burst burst) {
  CHECK(shard.is_current());
  if (burst.flow.remote.ip.family == base::IpAddress::Family::V6 && !is_v6) return queue.count_error();
  queue.push(std::move(burst));
  if (queue.is_full()) return queue.flush();
  if (std::exchange(flush_is_coming, true)) return;
  shard.post([self = shared_from_this()] {
    self->flush_is_coming = false;
    if (!self->ended) self->queue.flush();
  });
}

void UdpPort::send(base::Transmit transmit) {
  const std::size_t size = std::max<std::size_t>(transmit.payload.size(), 1);
  state_->send({transmit.flow, std::move(transmit.payload), size});
}
void UdpPort::send_burst(base::Burst burst) {
  state_->send(std::move(burst));
}

void UdpPort::flush() {
  state_->queue.flush();
}
base::SocketAddress UdpPort::local_address() const {
  return state_->local;
}
UdpPort::Stats UdpPort::stats() const {
  Stats stats = state_->stats;
  read_kernel_counts(state_->fd, stats);
  stats.receive_delay = read_delay(state_->fd, state_->last_read);
  stats.last_read = state_->last_read;
  const SendStats& sent = state_->queue.stats();
  stats.sent = sent.sent;
  stats.sent_bytes = sent.sent_bytes;
  stats.sent_segmented = sent.segmented;
  stats.send_batches = sent.batches;
  stats.send_drops = sent.drops;
  stats.send_errors = sent.errors;
  return stats;
}

}  // namespace net

// SPDX-License-Identifier: Apache-2.0
#include "fanout/sinks.hpp"

#include <cstdlib>

namespace fanout {
namespace {

bool is_media(const base::Datagram& datagram) {
  return !datagram.payload.empty() && datagram.payload[0] >= 128;  // RFC 7983
}

}  // namespace

Sinks::Sinks(bool feedback) : feedback_(feedback), certificate_(webrtc::Certificate::make(async::wall_now()).value()) {}

Sinks::~Sinks() {
  shard_.run_blocking([this] { sinks_.clear(); });
}

std::string Sinks::add(const std::string& offer) {
  return shard_.run_blocking([&] {
    Sink& sink = *sinks_.emplace_back(std::make_unique<Sink>());
    net::UdpPortOptions port;
    port.listen = *base::SocketAddress::parse("127.0.0.1:0");
    port.tick = std::chrono::milliseconds(feedback_ ? 20 : 100);  // a socket each: seldom, or waking is all they do
    port.receive_buffer_bytes = 1 << 20;
    port.send_buffer_bytes = 1 << 16;
    sink.port = net::UdpPort::open(shard_, port, [this, &sink](base::Instant now, std::span<base::Datagram> batch) {
                  receive(sink, now, batch);
                }).value();
    webrtc::PeerOptions options;
    options.role = webrtc::PeerOptions::Role::Answerer;
    options.certificate = certificate_;
    options.local_addresses = {sink.port->local_address()};
    options.video = options.audio = webrtc::Direction::RecvOnly;
    sink.peer = std::make_unique<webrtc::Peer>(shard_.now(), random_, options);
    sink.timer = std::make_unique<async::Timer>(shard_, [this, &sink] {
      sink.peer->handle_timeout(shard_.now());
      drain(sink);
    });
    std::string answer = sink.peer->accept_offer(shard_.now(), offer).value();
    drain(sink);
    return answer;
  });
}

std::vector<std::uint16_t> Sinks::ports() {
  return shard_.run_blocking([&] {
    std::vector<std::uint16_t> ports;
    for (const auto& sink : sinks_) ports.push_back(sink->port->local_address().port);
    return ports;
  });
}

void Sinks::receive(Sink& sink, base::Instant now, std::span<base::Datagram> datagrams) {
  if (!sink.peer) return;
  checks_.clear();
  for (const base::Datagram& datagram : datagrams) {
    if (is_media(datagram)) received_.fetch_add(1, std::memory_order_relaxed);
    if (feedback_ || !is_media(datagram)) checks_.push_back(datagram);
  }
  if (checks_.empty()) return;
  sink.peer->handle_datagrams(now, checks_);
  drain(sink);
}

void Sinks::drain(Sink& sink) {
  while (auto out = sink.peer->poll_transmit()) sink.port->send(std::move(*out));
  while (sink.peer->poll_event()) {
  }
  sink.timer->arm(sink.peer->next_timeout());
}

}  // namespace fanout

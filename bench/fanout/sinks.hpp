// SPDX-License-Identifier: Apache-2.0
#pragma once
// Viewers' ends on a thread of their own: real peers until they are connected; then media is thrown away unread, so
// that many of them fit beside the server, and only connectivity checks are answered.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "async/secure_random.hpp"
#include "async/shard.hpp"
#include "async/timer.hpp"
#include "net/udp_port.hpp"
#include "webrtc/peer/peer.hpp"

namespace fanout {

class Sinks {
 public:
  // `feedback`: media is received in full, and reports and feedback go back to the server.
  explicit Sinks(bool feedback);
  ~Sinks();

  // The answer to an offer. From outside of the sinks' thread.
  std::string add(const std::string& offer);
  std::vector<std::uint16_t> ports();
  std::uint64_t received() const { return received_.load(); }  // packets of media
  async::Shard& shard() { return shard_; }

 private:
  struct Sink {
    std::unique_ptr<net::UdpPort> port;
    std::unique_ptr<webrtc::Peer> peer;
    std::unique_ptr<async::Timer> timer;
  };
  void receive(Sink& sink, base::Instant now, std::span<base::Datagram> datagrams);
  void drain(Sink& sink);

  const bool feedback_;
  async::Shard shard_{"sinks"};
  async::SecureRandom random_;
  std::shared_ptr<const webrtc::Certificate> certificate_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  std::vector<base::Datagram> checks_;
  std::atomic<std::uint64_t> received_ = 0;
};

}  // namespace fanout

// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include <algorithm>
#include <utility>

#include "webrtc/peer/packet_class.hpp"

namespace impairments {
namespace {

constexpr std::uint64_t kBurstEnds = 200;  // of a thousand packets of a burst: 5 packets on average
constexpr base::Duration kJitter = 8ms;
constexpr base::Duration kLongestBurst = 100ms;
constexpr std::uint16_t kSecondPort = 50'111;
constexpr base::Duration kLateReports = 5s;

// The RTP header is in the clear: RFC 3711 3.1.
std::optional<std::uint32_t> media_time(base::ByteView packet) {
  if (packet.size() < 12 || webrtc::classify(packet) != webrtc::PacketClass::Rtp) return std::nullopt;
  if ((packet[0] & 0x20) != 0) return std::nullopt;  // padding: no picture lies in it
  base::ByteReader reader(packet);
  reader.skip(4);
  return reader.u32();
}

}  // namespace

// Gilbert's model with the asked-for loss in the long run: bursts begin as often as that needs. A burst does not
// outlast a pause of the traffic.
bool Wire::loses(base::Instant now, bool to_server) {
  const std::uint64_t loss = cell_.loss_permille;
  if (loss == 0) return false;
  if (!cell_.bursty) return random_.below(1000) < loss;
  bool& in_burst = in_burst_[to_server ? 1 : 0];
  const bool paused = now - std::exchange(last_sent_[to_server ? 1 : 0], now) > kLongestBurst;
  if (paused) {
    in_burst = random_.below(1000) < loss;
  } else if (in_burst) {
    in_burst = random_.below(1000) >= kBurstEnds;
  } else {
    in_burst = random_.below(1'000'000) < 1000 * kBurstEnds * loss / (1000 - loss);
  }
  return in_burst;
}

void Wire::send(base::Instant now, base::Transmit transmit, bool to_server) {
  const auto time = to_server ? media_time(transmit.payload) : std::nullopt;
  const bool lost = loses(now, to_server);
  if (dark_ || lost) {
    if (time) lost_media_.insert(*time);
    return;
  }
  // Packets queue: they come at uneven distances, but in order.
  base::Instant& last = last_arrival_[to_server ? 1 : 0];
  base::Instant arrival = last = std::max(last, now + cell_.round_trip / 2 + up_to(kJitter));
  if (to_server && webrtc::classify(transmit.payload) == webrtc::PacketClass::Rtcp) {
    if (cell_.reports == Reports::Missing) return;
    if (cell_.reports == Reports::Late) arrival += kLateReports;
  }
  if (to_server && public_port_ != 0) transmit.flow.local.port = public_port_;
  if (random_.below(1000) < cell_.duplicate_permille) {
    under_way_.emplace(arrival + up_to(30ms), UnderWay{to_server, transmit});
  }
  if (random_.below(1000) < cell_.reorder_permille) arrival += 10ms + up_to(40ms);
  under_way_.emplace(arrival, UnderWay{to_server, std::move(transmit)});
}

std::optional<base::Instant> Wire::next() const {
  if (under_way_.empty()) return std::nullopt;
  return under_way_.begin()->first;
}

std::optional<Arrival> Wire::take_due(base::Instant now) {
  while (!under_way_.empty() && under_way_.begin()->first <= now) {
    UnderWay sent = std::move(under_way_.extract(under_way_.begin()).mapped());
    base::Flow flow{sent.transmit.flow.remote, sent.transmit.flow.local};
    if (!sent.to_server && public_port_ != 0) {
      if (flow.local.port != public_port_) continue;
      flow.local.port = kCameraPort;
    }
    return Arrival{sent.to_server, flow, std::move(sent.transmit.payload)};
  }
  return std::nullopt;
}

void Wire::change_address() {
  public_port_ = kSecondPort;
}

}  // namespace impairments

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The network between camera and server, in virtual time.

#include <map>
#include <optional>
#include <set>

#include "base/random.hpp"
#include "base/sans_io.hpp"
#include "cell.hpp"

namespace impairments {

// The camera's own, before any NAT.
inline constexpr std::uint16_t kCameraPort = 50'000;

// One datagram as its receiver sees it.
struct Arrival {
  bool at_server = false;
  base::Flow flow;
  base::Bytes payload;
};

// What it loses, delays, repeats and swaps depends on the seed alone. The camera sits behind a NAT with one mapping.
class Wire {
 public:
  Wire(const Cell& cell, base::Random& random) : cell_(cell), random_(random) {}

  void send(base::Instant now, base::Transmit transmit, bool to_server);
  std::optional<base::Instant> next() const;
  std::optional<Arrival> take_due(base::Instant now);

  void set_dark(bool dark) { dark_ = dark; }
  // The NAT forgets its mapping: the camera's next datagram comes from another port, and the old one leads nowhere.
  void change_address();
  // Everything that is under way is lost.
  void clear() { under_way_.clear(); }

  // RTP times of media packets that did not arrive when they were first sent, or again.
  const std::set<std::uint32_t>& lost_media() const { return lost_media_; }

 private:
  struct UnderWay {
    bool to_server;
    base::Transmit transmit;
  };
  bool loses(base::Instant now, bool to_server);
  base::Duration up_to(base::Duration most) {
    return base::Duration(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most.count()) + 1)));
  }

  const Cell& cell_;
  base::Random& random_;
  std::multimap<base::Instant, UnderWay> under_way_;
  std::set<std::uint32_t> lost_media_;
  bool in_burst_[2] = {};
  base::Instant last_sent_[2] = {};
  base::Instant last_arrival_[2] = {};
  bool dark_ = false;
  std::uint16_t public_port_ = 0;  // 0: the camera's own
};

}  // namespace impairments

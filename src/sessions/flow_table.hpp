// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "base/address.hpp"

namespace sessions {

// Which row each flow belongs to: one look for each datagram, at one place in memory. Open addressing with linear
// probing; at most half full. How many flows there are is bounded by who adds them.
class FlowTable {
 public:
  std::optional<std::uint32_t> find(const base::Flow& flow) const {
    if (places_.empty()) return std::nullopt;
    for (std::size_t at = home_of(flow); places_[at].used; at = next(at)) {
      if (places_[at].flow == flow) return places_[at].row;
    }
    return std::nullopt;
  }

  // Where find() will look, into the cache.
  void prefetch(const base::Flow& flow) const {
    if (!places_.empty()) __builtin_prefetch(&places_[home_of(flow)]);
  }

  // False if it is there already; it stays as it is then.
  bool add(const base::Flow& flow, std::uint32_t row) {
    if (find(flow)) return false;
    if (2 * (size_ + 1) > places_.size()) grow();
    put({flow, row, true});
    ++size_;
    return true;
  }

  bool erase(const base::Flow& flow) {
    if (places_.empty()) return false;
    std::size_t hole = home_of(flow);
    while (places_[hole].used && places_[hole].flow != flow) hole = next(hole);
    if (!places_[hole].used) return false;
    // Those behind it that would be found through the hole move up.
    for (std::size_t at = next(hole); places_[at].used; at = next(at)) {
      const std::size_t home = home_of(places_[at].flow);
      const bool reachable = hole <= at ? (hole < home && home <= at) : (hole < home || home <= at);
      if (reachable) continue;
      places_[hole] = places_[at];
      hole = at;
    }
    places_[hole].used = false;
    --size_;
    return true;
  }

  std::size_t size() const { return size_; }

 private:
  struct alignas(64) Place {
    base::Flow flow;
    std::uint32_t row = 0;
    bool used = false;
  };

  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xd6e8feb86659fd93);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  static std::uint64_t hash(const base::SocketAddress& address) {
    std::uint64_t halves[2];
    std::memcpy(halves, address.ip.bytes.data(), sizeof halves);
    return mix(halves[0] ^ address.port, halves[1] ^ static_cast<std::uint64_t>(address.ip.family));
  }
  std::size_t home_of(const base::Flow& flow) const {
    const std::uint64_t both = mix(hash(flow.remote), hash(flow.local) ^ static_cast<std::uint64_t>(flow.transport));
    return both & (places_.size() - 1);
  }
  std::size_t next(std::size_t at) const { return (at + 1) & (places_.size() - 1); }

  void put(const Place& place) {
    std::size_t at = home_of(place.flow);
    while (places_[at].used) at = next(at);
    places_[at] = place;
  }
  void grow() {
    std::vector<Place> old = std::move(places_);
    places_.assign(std::max<std::size_t>(64, 2 * old.size()), Place{});
    for (const Place& place : old) {
      if (place.used) put(place);
    }
  }

  std::vector<Place> places_;  // a power of two
  std::size_t size_ = 0;
};

}  // namespace sessions

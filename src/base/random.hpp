// SPDX-License-Identifier: Apache-2.0
#pragma once
// Randomness is an argument: production passes async::SecureRandom, simulations pass SeededRandom.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace base {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableByteView out) = 0;

  std::uint64_t u64() {
    std::uint64_t value = 0;
    fill({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
    return value;
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(u64()); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(u64()); }
  // Uniform in [0, bound); `bound` > 0. The bias of the modulo is below 2^-32 for bounds below 2^32.
  std::uint64_t below(std::uint64_t bound) { return u64() % bound; }
  // `count` characters of [A-Za-z0-9+/], the alphabet of ICE credentials (RFC 8839 5.4).
  std::string ice_characters(std::size_t count);
  // A version 4 UUID (RFC 9562), lower case.
  std::string uuid();
};

// xoshiro256**, for tests and simulations only: the same seed gives the same bytes on every machine.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  void fill(MutableByteView out) override;

 private:
  std::uint64_t next();
  std::uint64_t state_[4];
};

}  // namespace base

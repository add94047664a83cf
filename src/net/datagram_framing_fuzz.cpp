// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "net/datagram_framing.hpp"

// The first byte is the size of the pieces in which the rest arrives. What is cut out, framed again, is what came, less
// the empty datagrams.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = std::size_t{bytes[0]} + 1;
  const base::ByteView all(bytes + 1, size - 1);

  net::DatagramCutter cutter;
  std::size_t sent = 0, checked = 0;
  while (true) {
    const auto peeked = cutter.peek();
    const auto datagram = cutter.next();
    if (peeked.has_value() != datagram.has_value()) abort();
    if (datagram) {
      if (datagram->empty() || datagram->size() > net::DatagramCutter::kMaxDatagram) abort();
      while (all[checked] == 0 && all[checked + 1] == 0) checked += 2;
      base::Bytes framed;
      net::append_framed(framed, *datagram);
      if (checked + framed.size() > sent || std::memcmp(framed.data(), &all[checked], framed.size()) != 0) abort();
      checked += framed.size();
      continue;
    }
    if (cutter.is_bad() || sent == all.size()) return 0;
    const auto space = cutter.space();
    if (space.empty()) abort();
    const std::size_t count = std::min({piece, all.size() - sent, space.size()});
    std::memcpy(space.data(), &all[sent], count);
    cutter.add(count);
    sent += count;
  }
}

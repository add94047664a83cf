// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "base/check.hpp"
#include "rtp/packet.hpp"

// What parses as RTP lies inside the datagram, whatever extension is looked for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const base::ByteView datagram(bytes, size);
  (void)rtp::is_rtcp(datagram);
  const auto packet = rtp::parse_rtp(datagram);
  if (!packet) return 0;
  CHECK(packet->header_size + packet->payload.size() + packet->padding == size);
  for (unsigned id = 0; id < 256; ++id) {
    if (const auto value = packet->find_extension(static_cast<std::uint8_t>(id)); value && !value->empty()) {
      CHECK(value->data() >= bytes && value->data() + value->size() <= bytes + packet->header_size);
    }
  }
  return 0;
}

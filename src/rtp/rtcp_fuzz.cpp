// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "base/check.hpp"
#include "rtp/rtcp.hpp"

// What is parsed can be written, and what was written parses to the same packet again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::vector<rtp::RtcpPacket> packets;
  (void)rtp::parse_rtcp({bytes, size}, packets);
  for (const rtp::RtcpPacket& packet : packets) {
    base::Bytes written;
    rtp::write_rtcp(written, packet);
    std::vector<rtp::RtcpPacket> again;
    CHECK(rtp::parse_rtcp(written, again));
    CHECK(again.size() == 1 && again[0].index() == packet.index());
    base::Bytes rewritten;
    rtp::write_rtcp(rewritten, again[0]);
    CHECK(rewritten == written);
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "net/datagram_framing.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace net {
namespace {

void feed(DatagramCutter& cutter, base::ByteView bytes) {
  const auto space = cutter.space();
  ASSERT_GE(space.size(), bytes.size());
  std::ranges::copy(bytes, space.begin());
  cutter.add(bytes.size());
}

TEST(DatagramFraming, PutsTheLengthInFront) {
  base::Bytes out;
  append_framed(out, base::Bytes{1, 2, 3});
  append_framed(out, base::Bytes(258, 9));
  EXPECT_EQ(base::Bytes(out.begin(), out.begin() + 7), (base::Bytes{0, 3, 1, 2, 3, 1, 2}));
  EXPECT_EQ(out.size(), 2u + 3 + 2 + 258);
}

TEST(DatagramFraming, CutsWhateverThePieces) {
  base::Bytes stream = {0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0, 0, 1, 'd', 0x01, 0x00};
  stream.insert(stream.end(), 256, 'e');
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    DatagramCutter cutter;
    std::vector<std::string> found;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      feed(cutter, base::ByteView(stream).subspan(at, std::min(piece, stream.size() - at)));
      while (const auto peeked = cutter.peek()) {
        const std::string first(base::as_text(*peeked));
        found.emplace_back(base::as_text(*cutter.next()));
        EXPECT_EQ(found.back(), first);
      }
      EXPECT_FALSE(cutter.next());
    }
    EXPECT_EQ(found, (std::vector<std::string>{"abc", "d", std::string(256, 'e')})) << piece;
    EXPECT_FALSE(cutter.is_bad());
  }
}

TEST(DatagramFraming, GoesOnForLongAndStopsAtWhatIsNoMedia) {
  DatagramCutter cutter;
  base::Bytes largest = {0x08, 0x00};
  largest.resize(2 + DatagramCutter::kMaxDatagram, 7);
  for (int i = 0; i < 100; ++i) {
    feed(cutter, largest);
    ASSERT_EQ(cutter.next()->size(), 2048u);
  }
  feed(cutter, base::Bytes{0x08, 0x01, 1, 2, 3});
  EXPECT_FALSE(cutter.next());
  EXPECT_TRUE(cutter.is_bad());
}

}  // namespace
}  // namespace net

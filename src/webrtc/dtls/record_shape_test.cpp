// SPDX-License-Identifier: Apache-2.0
#include "webrtc/dtls/record_shape.hpp"

#include <gtest/gtest.h>

namespace webrtc::dtls {
namespace {

constexpr std::size_t kGcm = 24;

base::Bytes record(std::uint8_t type, std::uint16_t epoch, const base::Bytes& body) {
  base::Bytes bytes;
  base::ByteWriter writer(bytes);
  writer.u8(type);
  writer.u16(0xfefd);
  writer.u16(epoch);
  writer.big_endian(1, 6);
  writer.u16(body.size());
  writer.bytes(body);
  return bytes;
}

base::Bytes message(std::size_t whole, std::size_t offset, std::size_t length) {
  base::Bytes bytes;
  base::ByteWriter writer(bytes);
  writer.u8(11);
  writer.u24(whole);
  writer.u16(1);
  writer.u24(offset);
  writer.u24(length);
  writer.zeros(length);
  return bytes;
}

base::Bytes joined(base::Bytes one, const base::Bytes& other) {
  base::append(one, other);
  return one;
}

TEST(RecordShape, WhatImplementationsSendPasses) {
  const base::Bytes finished(40);
  EXPECT_TRUE(is_well_formed(record(22, 0, message(50, 0, 50)), kNothingSealed));
  EXPECT_TRUE(is_well_formed(record(22, 0, message(50, 20, 30)), kNothingSealed));
  EXPECT_TRUE(is_well_formed(record(22, 0, message(0, 0, 0)), kNothingSealed));  // ServerHelloDone
  EXPECT_TRUE(is_well_formed(record(22, 0, joined(message(50, 0, 50), message(0, 0, 0))), kGcm));
  EXPECT_TRUE(is_well_formed(record(21, 0, {2, 40}), kNothingSealed));
  const base::Bytes flight =
      joined(record(22, 0, message(66, 0, 66)), joined(record(20, 0, {1}), record(22, 1, finished)));
  EXPECT_TRUE(is_well_formed(flight, kGcm));
  EXPECT_TRUE(is_well_formed(record(21, 1, base::Bytes(18)), 16));  // close_notify under ChaCha20-Poly1305
}

TEST(RecordShape, WhatNobodySendsDoesNot) {
  EXPECT_FALSE(is_well_formed({}, kGcm));
  EXPECT_FALSE(is_well_formed(base::Bytes(12, 22), kGcm));
  EXPECT_FALSE(is_well_formed(record(19, 1, base::Bytes(40)), kGcm));
  EXPECT_FALSE(is_well_formed(record(24, 1, base::Bytes(40)), kGcm));
  EXPECT_FALSE(is_well_formed(record(22, 2, base::Bytes(40)), kGcm));
  EXPECT_FALSE(is_well_formed(record(23, 1, base::Bytes(23)), kGcm));
  EXPECT_TRUE(is_well_formed(record(23, 1, base::Bytes(24)), kGcm));
  EXPECT_FALSE(is_well_formed(record(22, 1, base::Bytes(40)), kNothingSealed));
  EXPECT_FALSE(is_well_formed(record(23, 0, base::Bytes(40)), kGcm));
  for (const base::Bytes& alert : {base::Bytes{}, {2}, {0, 40}, {3, 40}, {2, 40, 0}}) {
    EXPECT_FALSE(is_well_formed(record(21, 0, alert), kGcm));
  }
  for (const base::Bytes& change : {base::Bytes{}, {0}, {1, 1}})
    EXPECT_FALSE(is_well_formed(record(20, 0, change), kGcm));
  EXPECT_FALSE(is_well_formed(record(22, 0, {}), kGcm));
  EXPECT_FALSE(is_well_formed(record(22, 0, base::Bytes(11)), kGcm));
  EXPECT_FALSE(is_well_formed(record(22, 0, message(50, 21, 30)), kGcm));
  EXPECT_FALSE(is_well_formed(record(22, 0, message((1 << 16) + 1, 0, 10)), kGcm));
  base::Bytes cut = record(22, 0, message(50, 0, 50));
  cut.pop_back();
  EXPECT_FALSE(is_well_formed(cut, kGcm));
  EXPECT_FALSE(is_well_formed(joined(record(22, 0, message(50, 0, 50)), {22}), kGcm));  // bytes after the last record
}

}  // namespace
}  // namespace webrtc::dtls

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/address.hpp"
#include "base/byte_count.hpp"
#include "base/bytes.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"

namespace base {
namespace {

TEST(Base64, MatchesTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    ASSERT_TRUE(parse_base64(encoded)) << encoded;
    EXPECT_EQ(as_text(*parse_base64(encoded)), plain);
  }
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  for (const char* bad : {"Zg", "Zg=", "Z===", "Zh==", "Zm 8", "Zm9v\n", "Zm-_"})
    EXPECT_FALSE(parse_base64(bad)) << bad;
}

TEST(ByteReader, PastTheEndReadsZeroAndStaysBad) {
  const Bytes bytes = {1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u16(), 0x0102);
  EXPECT_EQ(reader.u32(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);
}

TEST(SocketAddress, RoundTripsAndRefusesNames) {
  for (const char* text : {"127.0.0.1:8443", "[2001:db8::1]:1", "0.0.0.0:0"}) {
    ASSERT_TRUE(SocketAddress::parse(text)) << text;
    EXPECT_EQ(SocketAddress::parse(text)->text(), text);
  }
  for (const char* bad :
       {"localhost:1", "127.0.0.1", "127.0.0.1:65536", "2001:db8::1:1", "[127.0.0.1]:1", "1.2.3.4:", ":1"}) {
    EXPECT_FALSE(SocketAddress::parse(bad)) << bad;
  }
}

TEST(WallTime, RendersKnownInstants) {
  const WallTime time = from_microseconds(784'111'777'250'000);  // RFC 9110 5.6.7 gives this second as its example
  EXPECT_EQ(to_http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(to_iso8601(time), "1994-11-06T08:49:37.250Z");
  EXPECT_EQ(to_basic_iso8601(time), "19941106T084937Z");
  EXPECT_EQ(parse_basic_iso8601("19941106T084937Z"), from_microseconds(784'111'777'000'000));
  for (const char* bad :
       {"", "19941306T084937Z", "19940230T084937Z", "19941106T244937Z", "19941106t084937Z", "1994110+T084937Z"}) {
    EXPECT_FALSE(parse_basic_iso8601(bad)) << bad;
  }
}

TEST(WallTime, parses_both_forms_that_people_write) {
  for (const char* text :
       {"784111777.25", "784111777.250000", "1994-11-06T08:49:37.25Z", "1994-11-06T08:49:37.250000Z"}) {
    EXPECT_EQ(parse_time(text), from_microseconds(784'111'777'250'000)) << text;
  }
  EXPECT_EQ(parse_time("784111777"), from_microseconds(784'111'777'000'000));
  EXPECT_EQ(parse_time("0"), from_microseconds(0));
  for (const char* bad :
       {"", "-1", "1e9", "12.", ".5", "12.1234567", "1.2.3", "1994-11-06", "1994-11-06T08:49:37",
        "1994-13-06T08:49:37Z", "1994-11-06T08:49:37+01:00", "1994/11/06T08:49:37Z", "253402300800"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

TEST(SeededRandom, SameSeedSameBytes) {
  SeededRandom a(7), b(7), c(8);
  EXPECT_EQ(a.uuid(), b.uuid());
  EXPECT_NE(a.u64(), c.u64());
  EXPECT_EQ(a.ice_characters(24).size(), 24u);
}

Result<int> half(int value) {
  if (value % 2 != 0) return fail(Errc::InvalidArgument, "odd");
  return value / 2;
}
Result<int> quarter(int value) {
  TRY(const int first, half(value));
  return half(first);
}

TEST(Result, TryHandsTheErrorOn) {
  EXPECT_EQ(quarter(12).value(), 3);
  ASSERT_FALSE(quarter(6));
  EXPECT_EQ(std::move(quarter(6)).error().with_context("quartering 6").message, "quartering 6: odd");
}

TEST(ConstantTime, ComparesContent) {
  EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
}

TEST(ByteCount, ReadsAndWritesWhatPeopleWrite) {
  EXPECT_EQ(parse_byte_count("0"), 0U);
  EXPECT_EQ(parse_byte_count("500000"), 500'000U);
  EXPECT_EQ(parse_byte_count("500 MB"), 500'000'000U);
  EXPECT_EQ(parse_byte_count("2gib"), 2ULL << 30U);
  for (const char* bad : {"", "MB", "-1", "1.5 GB", "5 GBs", "9223372036854775808", "9223373 TB", "1 KB x"})
    EXPECT_FALSE(parse_byte_count(bad)) << bad;
  EXPECT_EQ(to_byte_count_text(0), "0 B");
  EXPECT_EQ(to_byte_count_text(999), "999 B");
  EXPECT_EQ(to_byte_count_text(1'250'000), "1.25 MB");
  EXPECT_EQ(to_byte_count_text(310'000'000'000), "310 GB");
  EXPECT_EQ(to_byte_count_text(999'600), "1.00 MB");
}

TEST(TokenBucket, HoldsOneSecondsWorth) {
  using std::chrono::milliseconds;
  TokenBucket bucket;
  Instant now(milliseconds(5000));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(bucket.take(now, 4));
  EXPECT_FALSE(bucket.take(now, 4));
  EXPECT_FALSE(bucket.is_full(now));
  EXPECT_FALSE(bucket.take(now + milliseconds(249), 4));
  EXPECT_TRUE(bucket.take(now + milliseconds(250), 4));
  EXPECT_FALSE(bucket.take(now + milliseconds(250), 4));
  // A long pause saves no more than that.
  now += milliseconds(60'000);
  EXPECT_TRUE(bucket.is_full(now));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(bucket.take(now, 4));
  EXPECT_FALSE(bucket.take(now, 4));
  EXPECT_TRUE(bucket.take(now, 0)) << "no limit";
  // In the long run as many as were asked for.
  TokenBucket steady;
  int taken = 0;
  for (int ms = 0; ms < 10'000; ++ms) taken += steady.take(Instant(milliseconds(ms)), 7) ? 1 : 0;
  EXPECT_NEAR(taken, 70 + 7, 1);
}

TEST(TokenBucket, WhatCostsMoreThanASecondsWorthIsPaidForAfterwards) {
  using std::chrono::milliseconds;
  TokenBucket bucket;
  const Instant now(milliseconds(5000));
  EXPECT_TRUE(bucket.take(now, 500, 200));
  EXPECT_FALSE(bucket.take(now, 500, 1000)) << "only a full bucket";
  EXPECT_TRUE(bucket.take(now + milliseconds(400), 500, 1000));
  EXPECT_FALSE(bucket.take(now + milliseconds(1400), 500, 1)) << "two seconds to pay for, one is held";
  EXPECT_TRUE(bucket.take(now + milliseconds(1402), 500, 1));
}

}  // namespace
}  // namespace base

// SPDX-License-Identifier: Apache-2.0
#include "webrtc/ice/stun.hpp"

#include <gtest/gtest.h>

namespace webrtc::ice {
namespace {

const char* const kRfc5769Password = "VOkJxbRl1RmTxUk/WvJxBt";

base::Bytes hex(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return base::parse_hex(text).value();
}

// RFC 5769 2.1.
base::Bytes rfc5769_request() {
  return hex(
      "00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74 00240004 6e0001ff"
      "80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020 00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249"
      "c1b571a2 80280004 e57a3bcf");
}
// RFC 5769 2.2 and 2.3.
base::Bytes rfc5769_response_v4() {
  return hex(
      "0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200008 0001a147 e112a643"
      "00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96");
}
base::Bytes rfc5769_response_v6() {
  return hex(
      "01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220 00200014 0002a147 0113a9fa"
      "a5d3f179 bc25f4b5 bed2b9d9 00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c");
}

TEST(Stun, ReadsTheRequestOfRfc5769) {
  const auto message = parse_stun(rfc5769_request());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, StunClass::Request);
  EXPECT_EQ(message->method, kBindingMethod);
  EXPECT_EQ(message->username, "evtj:h6vY");
  EXPECT_EQ(message->software, "STUN test client");
  EXPECT_EQ(message->priority, 0x6e0001ffU);
  EXPECT_EQ(message->ice_controlled, 0x932ff9b151263b36ULL);
  EXPECT_FALSE(message->ice_controlling);
  EXPECT_TRUE(message->has_integrity);
  EXPECT_TRUE(message->has_fingerprint);
  EXPECT_TRUE(message->unknown_required.empty());
  EXPECT_TRUE(check_integrity(rfc5769_request(), kRfc5769Password));
  EXPECT_FALSE(check_integrity(rfc5769_request(), "VOkJxbRl1RmTxUk/WvJxBu"));
  EXPECT_FALSE(check_integrity(rfc5769_request(), ""));
}

TEST(Stun, ReadsTheResponsesOfRfc5769) {
  const auto v4 = parse_stun(rfc5769_response_v4());
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->kind, StunClass::Success);
  EXPECT_EQ(v4->mapped_address, base::SocketAddress::parse("192.0.2.1:32853"));
  EXPECT_TRUE(check_integrity(rfc5769_response_v4(), kRfc5769Password));
  const auto v6 = parse_stun(rfc5769_response_v6());
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->mapped_address, base::SocketAddress::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
  EXPECT_TRUE(check_integrity(rfc5769_response_v6(), kRfc5769Password));
}

TEST(Stun, WritesTheResponsesOfRfc5769) {
  for (const auto& expected : {rfc5769_response_v4(), rfc5769_response_v6()}) {
    auto message = parse_stun(expected).value();
    base::Bytes written = write_stun(message, kRfc5769Password);
    // The RFC pads SOFTWARE with a space, we pad with zero: everything before and the sizes agree.
    ASSERT_EQ(written.size(), expected.size());
    EXPECT_TRUE(std::equal(written.begin(), written.begin() + 35, expected.begin()));
    EXPECT_TRUE(std::equal(written.begin() + 36, written.end() - 32, expected.begin() + 36));
    EXPECT_TRUE(check_integrity(written, kRfc5769Password));
    EXPECT_EQ(parse_stun(written)->mapped_address, message.mapped_address);
  }
}

TEST(Stun, ReadsBackWhatItWrites) {
  StunMessage message;
  message.kind = StunClass::Error;
  message.transaction = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  message.error_code = 487;
  message.error_reason = "Role Conflict";
  message.unknown_attributes = {0x7001, 0x7002, 0x7003};
  const auto back = parse_stun(write_stun(message, "secret"));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->kind, StunClass::Error);
  EXPECT_EQ(back->error_code, 487);
  EXPECT_EQ(back->error_reason, "Role Conflict");
  EXPECT_EQ(back->unknown_attributes, message.unknown_attributes);
  EXPECT_EQ(back->transaction, message.transaction);

  StunMessage check;
  check.username = "a:b";
  check.priority = 7;
  check.use_candidate = true;
  check.ice_controlling = 99;
  const auto check_back = parse_stun(write_stun(check, "secret"));
  ASSERT_TRUE(check_back);
  EXPECT_TRUE(check_back->use_candidate);
  EXPECT_EQ(check_back->ice_controlling, 99U);
  EXPECT_EQ(check_back->priority, 7U);
}

TEST(Stun, MapsEveryMethodAndClass) {
  for (std::uint16_t method = 0; method < 0x1000; ++method) {
    for (const auto kind : {StunClass::Request, StunClass::Indication, StunClass::Success, StunClass::Error}) {
      StunMessage message;
      message.method = method;
      message.kind = kind;
      const auto back = parse_stun(write_stun(message, {}));
      ASSERT_TRUE(back);
      ASSERT_EQ(back->method, method);
      ASSERT_EQ(back->kind, kind);
    }
  }
}

TEST(Stun, RefusesEveryTruncationAndEveryFlippedBit) {
  const base::Bytes whole = rfc5769_request();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_stun(base::ByteView(whole).first(size))) << size;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    base::Bytes flipped = whole;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    // FINGERPRINT catches every single bit error. A flipped length may swallow FINGERPRINT itself; then the integrity
    // fails, unless the bit is in the FINGERPRINT's own header.
    const auto message = parse_stun(flipped);
    if (!message) continue;
    EXPECT_FALSE(message->has_fingerprint) << bit;
    EXPECT_TRUE(!check_integrity(flipped, kRfc5769Password) || bit >= (whole.size() - 8) * 8) << bit;
  }
}

TEST(Stun, RefusesAttributesThatRunPastTheEnd) {
  base::Bytes bytes = hex("00010008 2112a442 00000000 00000000 00000000 00060009 61626364");
  EXPECT_FALSE(parse_stun(bytes));
  EXPECT_FALSE(peek_username(bytes));
  bytes = hex("00010006 2112a442 00000000 00000000 00000000 00060002 6162");  // length not a multiple of four
  EXPECT_FALSE(parse_stun(bytes));
}

TEST(Stun, IgnoresAttributesAfterTheIntegrity) {
  StunMessage message;
  message.username = "a:b";
  base::Bytes bytes = write_stun(message, "secret");
  bytes.resize(bytes.size() - 8);  // FINGERPRINT off
  base::ByteWriter writer(bytes);
  writer.u32(0x00250000);  // USE-CANDIDATE, by somebody on the way
  writer.patch(2, bytes.size() - 20, 2);
  const auto back = parse_stun(bytes);
  ASSERT_TRUE(back);
  EXPECT_FALSE(back->use_candidate);
  EXPECT_TRUE(check_integrity(bytes, "secret"));
}

TEST(Stun, NamesUnknownAttributesThatMustBeUnderstood) {
  base::Bytes bytes = hex("00010008 2112a442 00000000 00000000 00000000 7fff0000 ffff0000");
  const auto message = parse_stun(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->unknown_required, std::vector<std::uint16_t>{0x7fff});
}

TEST(Stun, PeeksTheUserName) {
  const base::Bytes request = rfc5769_request();
  EXPECT_EQ(peek_username(request), "evtj:h6vY");
  EXPECT_EQ(peek_local_ufrag(request), "evtj");
  EXPECT_FALSE(peek_username(rfc5769_response_v4()));
  EXPECT_FALSE(peek_username({}));
}

TEST(Stun, AnswersAPlainBindingRequestOnly) {
  const auto remote = base::SocketAddress::parse("[2001:db8::7]:999").value();
  StunMessage request;
  request.transaction[3] = 42;
  const base::Bytes bytes = write_stun(request, {});
  const auto answer = answer_plain_binding(bytes, remote);
  ASSERT_TRUE(answer);
  const auto message = parse_stun(*answer);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, StunClass::Success);
  EXPECT_EQ(message->mapped_address, remote);
  EXPECT_EQ(message->transaction, request.transaction);

  EXPECT_FALSE(answer_plain_binding(*answer, remote)) << "an answer is never answered";
  EXPECT_FALSE(answer_plain_binding(rfc5769_request(), remote)) << "a check belongs to an agent";
  request.kind = StunClass::Indication;
  EXPECT_FALSE(answer_plain_binding(write_stun(request, {}), remote));

  const base::Bytes odd = hex("00010004 2112a442 00000000 00000000 00000000 7fff0000");
  const auto refusal = parse_stun(answer_plain_binding(odd, remote).value());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->error_code, 420);
  EXPECT_EQ(refusal->unknown_attributes, std::vector<std::uint16_t>{0x7fff});
}

// A response must not be much larger than the request it answers, or the port becomes an amplifier.
TEST(Stun, DoesNotAmplify) {
  const base::Bytes bare = hex("00010000 2112a442 00000000 00000000 00000000");
  const auto answer = answer_plain_binding(bare, base::SocketAddress::parse("192.0.2.1:1").value());
  ASSERT_TRUE(answer);
  EXPECT_LE(answer->size(), 2 * bare.size());
}

}  // namespace
}  // namespace webrtc::ice

// SPDX-License-Identifier: Apache-2.0
#include "webrtc/ice/stun.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

namespace webrtc::ice {
namespace {

// RFC 8489 5:
//  0 0|  type (14 bits: method and class)  |        length (16)       |
//  |                     magic cookie 0x2112A442                      |
//  |                     transaction id (96 bits)                     |
constexpr std::size_t kHeaderBytes = 20;
constexpr std::uint32_t kMagicCookie = 0x2112A442;
constexpr std::uint32_t kFingerprintXor = 0x5354554E;
constexpr std::size_t kIntegrityBytes = 20;
constexpr std::size_t kMaxUsernameBytes = 513;  // RFC 8489 14.3: fewer than 509; some send one block more
constexpr std::size_t kMaxUnknownAttributes = 16;
constexpr std::size_t kMaxMessageBytes = 4096;  // ours are below 200; nobody sends an IP datagram of this size

// Attribute types (RFC 8489 18.3, RFC 8445 16.1).
constexpr std::uint16_t kMappedAddress = 0x0001;
constexpr std::uint16_t kUsername = 0x0006;
constexpr std::uint16_t kMessageIntegrity = 0x0008;
constexpr std::uint16_t kErrorCode = 0x0009;
constexpr std::uint16_t kUnknownAttributes = 0x000A;
constexpr std::uint16_t kRealm = 0x0014;
constexpr std::uint16_t kNonce = 0x0015;
constexpr std::uint16_t kMessageIntegritySha256 = 0x001C;
constexpr std::uint16_t kPasswordAlgorithm = 0x001D;
constexpr std::uint16_t kUserhash = 0x001E;
constexpr std::uint16_t kXorMappedAddress = 0x0020;
constexpr std::uint16_t kPriority = 0x0024;
constexpr std::uint16_t kUseCandidate = 0x0025;
constexpr std::uint16_t kSoftware = 0x8022;
constexpr std::uint16_t kFingerprint = 0x8028;
constexpr std::uint16_t kIceControlled = 0x8029;
constexpr std::uint16_t kIceControlling = 0x802A;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
    table[i] = crc;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

// The CRC-32 of ITU V.42 over the two parts of a message whose length field differs from the one on the wire.
std::uint32_t crc32(base::ByteView bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::uint8_t byte : bytes) crc = kCrcTable[(crc ^ byte) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

struct RawAttribute {
  std::uint16_t type = 0;
  base::ByteView value;
  std::size_t offset = 0;  // of the attribute's header in the message
};

// Walks the attributes of a message whose header has been checked.
class AttributeReader {
 public:
  explicit AttributeReader(base::ByteView message) : message_(message), reader_(message.subspan(kHeaderBytes)) {}

  // Nothing at the end or at a truncated attribute; ok() tells which.
  std::optional<RawAttribute> next() {
    if (reader_.remaining() == 0 || !reader_.ok()) return std::nullopt;
    RawAttribute attribute;
    attribute.offset = message_.size() - reader_.remaining();
    attribute.type = reader_.u16();
    const std::size_t length = reader_.u16();
    attribute.value = reader_.take(length);
    reader_.skip((4 - length % 4) % 4);
    if (!reader_.ok()) return std::nullopt;
    return attribute;
  }
  bool ok() const { return reader_.ok(); }

 private:
  base::ByteView message_;
  base::ByteReader reader_;
};

bool has_sound_header(base::ByteView datagram) {
  if (!looks_like_stun(datagram) || datagram.size() > kMaxMessageBytes) return false;
  const std::size_t length = static_cast<std::size_t>(datagram[2] << 8 | datagram[3]);
  return length % 4 == 0 && kHeaderBytes + length == datagram.size();
}

// The type field interleaves two class bits with the method: M11..M7 C1 M6..M4 C0 M3..M0.
std::uint16_t encode_type(std::uint16_t method, StunClass kind) {
  const unsigned c = static_cast<unsigned>(kind);
  return static_cast<std::uint16_t>((method & 0x000FU) | (method & 0x0070U) << 1 | (method & 0x0F80U) << 2 |
                                    (c & 1U) << 4 | (c & 2U) << 7);
}
std::uint16_t decode_method(std::uint16_t type) {
  return static_cast<std::uint16_t>((type & 0x000FU) | (type & 0x00E0U) >> 1 | (type & 0x3E00U) >> 2);
}
StunClass decode_class(std::uint16_t type) {
  return static_cast<StunClass>((type & 0x0010U) >> 4 | (type & 0x0100U) >> 7);
}

// RFC 8489 14.1, 14.2: reserved, family, port, address; the XOR form hides all but the family from meddling NATs.
std::optional<base::SocketAddress> parse_address(base::ByteView value, const TransactionId* xor_with) {
  base::ByteReader reader(value);
  reader.u8();
  const std::uint8_t family = reader.u8();
  base::SocketAddress address;
  address.port = reader.u16();
  if (family != 1 && family != 2) return std::nullopt;
  const std::size_t count = family == 1 ? 4 : 16;
  address.ip.family = family == 1 ? base::IpAddress::Family::V4 : base::IpAddress::Family::V6;
  const base::ByteView bytes = reader.take(count);
  if (!reader.ok() || reader.remaining() != 0) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), address.ip.bytes.begin());
  if (xor_with == nullptr) return address;
  address.port = static_cast<std::uint16_t>(address.port ^ (kMagicCookie >> 16));
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t mask = i < 4 ? static_cast<std::uint8_t>(kMagicCookie >> (24 - 8 * i)) : (*xor_with)[i - 4];
    address.ip.bytes[i] = static_cast<std::uint8_t>(address.ip.bytes[i] ^ mask);
  }
  return address;
}

void write_xor_address(base::ByteWriter& out, const base::SocketAddress& address, const TransactionId& transaction) {
  const bool v4 = address.ip.family == base::IpAddress::Family::V4;
  const std::size_t count = v4 ? 4 : 16;
  out.u16(kXorMappedAddress);
  out.u16(4 + count);
  out.u8(0);
  out.u8(v4 ? 1 : 2);
  out.u16(address.port ^ (kMagicCookie >> 16));
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t mask = i < 4 ? static_cast<std::uint8_t>(kMagicCookie >> (24 - 8 * i)) : transaction[i - 4];
    out.u8(static_cast<std::uint8_t>(address.ip.bytes[i] ^ mask));
  }
}

// Integers of a fixed size: a wrong size makes the attribute malformed.
template <class T>
bool read_integer(base::ByteView value, std::optional<T>& out) {
  if (value.size() != sizeof(T)) return false;
  base::ByteReader reader(value);
  out = static_cast<T>(reader.big_endian(sizeof(T)));
  return true;
}

bool read_error(base::ByteView value, StunMessage& message) {
  base::ByteReader reader(value);
  reader.u16();
  const int hundreds = reader.u8() & 7;
  const int number = reader.u8();
  if (!reader.ok() || hundreds < 3 || hundreds > 6 || number > 99) return false;
  message.error_code = hundreds * 100 + number;
  message.error_reason = std::string(base::as_text(reader.rest()));
  return true;
}

bool is_skipped_knowingly(std::uint16_t type) {
  return type == kRealm || type == kNonce || type == kMessageIntegritySha256 || type == kPasswordAlgorithm ||
         type == kUserhash || type >= 0x8000;
}

// False for a malformed value.
bool read_attribute(const RawAttribute& attribute, StunMessage& message) {
  switch (attribute.type) {
    case kUsername:
      if (attribute.value.size() > kMaxUsernameBytes) return false;
      message.username = std::string(base::as_text(attribute.value));
      return true;
    case kSoftware:
      message.software = std::string(base::as_text(attribute.value));
      return true;
    case kMappedAddress:
      if (!message.mapped_address) message.mapped_address = parse_address(attribute.value, nullptr);
      return true;
    case kXorMappedAddress:
      message.mapped_address = parse_address(attribute.value, &message.transaction);
      return message.mapped_address.has_value();
    case kPriority:
      return read_integer(attribute.value, message.priority);
    case kIceControlling:
      return read_integer(attribute.value, message.ice_controlling);
    case kIceControlled:
      return read_integer(attribute.value, message.ice_controlled);
    case kUseCandidate:
      message.use_candidate = true;
      return true;
    case kErrorCode:
      return read_error(attribute.value, message);
    case kUnknownAttributes: {
      base::ByteReader reader(attribute.value);
      while (reader.remaining() >= 2 && message.unknown_attributes.size() < kMaxUnknownAttributes)
        message.unknown_attributes.push_back(reader.u16());
      return true;
    }
    default:
      break;
  }
  if (!is_skipped_knowingly(attribute.type) && message.unknown_required.size() < kMaxUnknownAttributes)
    message.unknown_required.push_back(attribute.type);
  return true;
}

// FINGERPRINT must be the last attribute; it covers everything before it (RFC 8489 14.7).
bool is_fingerprint_right(base::ByteView datagram, const RawAttribute& attribute) {
  if (attribute.value.size() != 4 || attribute.offset + 8 != datagram.size()) return false;
  base::ByteReader reader(attribute.value);
  return reader.u32() == (crc32(datagram.first(attribute.offset)) ^ kFingerprintXor);
}

using Mac = std::array<std::uint8_t, kIntegrityBytes>;

// `message` ends where the attribute begins, and its length field already counts the attribute (RFC 8489 14.5).
Mac integrity_of(base::ByteView message, std::string_view password) {
  Mac mac{};
  unsigned length = 0;
  HMAC(EVP_sha1(), password.data(), static_cast<int>(password.size()), message.data(), message.size(), mac.data(),
       &length);
  return mac;
}

void write_padded(base::ByteWriter& out, std::uint16_t type, std::string_view text) {
  out.u16(type);
  out.u16(text.size());
  out.text(text);
  out.zeros((4 - text.size() % 4) % 4);
}

void write_error(base::ByteWriter& out, const StunMessage& message) {
  out.u16(kErrorCode);
  out.u16(4 + message.error_reason.size());
  out.u16(0);
  out.u8(static_cast<std::uint64_t>(message.error_code / 100));
  out.u8(static_cast<std::uint64_t>(message.error_code % 100));
  out.text(message.error_reason);
  out.zeros((4 - message.error_reason.size() % 4) % 4);
}

void write_attributes(base::ByteWriter& out, const StunMessage& message) {
  if (!message.software.empty()) write_padded(out, kSoftware, message.software);
  if (message.error_code != 0) write_error(out, message);
  if (!message.unknown_attributes.empty()) {
    out.u16(kUnknownAttributes);
    out.u16(2 * message.unknown_attributes.size());
    for (const std::uint16_t type : message.unknown_attributes) out.u16(type);
    if (message.unknown_attributes.size() % 2 != 0) out.u16(0);
  }
  if (!message.username.empty()) write_padded(out, kUsername, message.username);
  if (message.mapped_address) write_xor_address(out, *message.mapped_address, message.transaction);
  if (message.priority) {
    out.u16(kPriority);
    out.u16(4);
    out.u32(*message.priority);
  }
  if (message.use_candidate) out.u32(std::uint32_t{kUseCandidate} << 16);
  const auto& role = message.ice_controlling ? message.ice_controlling : message.ice_controlled;
  if (role) {
    out.u16(message.ice_controlling ? kIceControlling : kIceControlled);
    out.u16(8);
    out.u64(*role);
  }
}

}  // namespace

bool looks_like_stun(base::ByteView datagram) {
  return datagram.size() >= kHeaderBytes && datagram[0] < 0x40 && datagram[4] == 0x21 && datagram[5] == 0x12 &&
         datagram[6] == 0xA4 && datagram[7] == 0x42;
}

std::optional<StunMessage> parse_stun(base::ByteView datagram) {
  if (!has_sound_header(datagram)) return std::nullopt;
  StunMessage message;
  const auto type = static_cast<std::uint16_t>(datagram[0] << 8 | datagram[1]);
  message.kind = decode_class(type);
  message.method = decode_method(type);
  std::copy_n(datagram.begin() + 8, message.transaction.size(), message.transaction.begin());
  AttributeReader attributes(datagram);
  while (const auto attribute = attributes.next()) {
    if (attribute->type == kFingerprint) {
      if (!is_fingerprint_right(datagram, *attribute)) return std::nullopt;
      message.has_fingerprint = true;
    } else if (message.has_integrity) {
      continue;
    } else if (attribute->type == kMessageIntegrity) {
      if (attribute->value.size() != kIntegrityBytes) return std::nullopt;
      message.has_integrity = true;
    } else if (!read_attribute(*attribute, message)) {
      return std::nullopt;
    }
  }
  if (!attributes.ok()) return std::nullopt;
  return message;
}

bool check_integrity(base::ByteView datagram, std::string_view password) {
  if (!has_sound_header(datagram) || password.empty()) return false;
  AttributeReader attributes(datagram);
  while (const auto attribute = attributes.next()) {
    if (attribute->type != kMessageIntegrity) continue;
    if (attribute->value.size() != kIntegrityBytes) return false;
    base::Bytes covered(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(attribute->offset));
    base::ByteWriter(covered).patch(2, attribute->offset + 4 + kIntegrityBytes - kHeaderBytes, 2);
    return base::equal_in_constant_time(integrity_of(covered, password), attribute->value);
  }
  return false;
}

base::Bytes write_stun(const StunMessage& message, std::string_view password) {
  base::Bytes out;
  out.reserve(160);
  base::ByteWriter writer(out);
  writer.u16(encode_type(message.method, message.kind));
  writer.u16(0);
  writer.u32(kMagicCookie);
  writer.bytes(message.transaction);
  write_attributes(writer, message);
  if (!password.empty()) {
    writer.patch(2, out.size() + 4 + kIntegrityBytes - kHeaderBytes, 2);
    const Mac mac = integrity_of(out, password);
    writer.u16(kMessageIntegrity);
    writer.u16(kIntegrityBytes);
    writer.bytes(mac);
  }
  writer.patch(2, out.size() + 8 - kHeaderBytes, 2);
  const std::uint32_t fingerprint = crc32(out) ^ kFingerprintXor;
  writer.u16(kFingerprint);
  writer.u16(4);
  writer.u32(fingerprint);
  return out;
}

std::optional<std::string_view> peek_username(base::ByteView datagram) {
  if (!has_sound_header(datagram) || datagram[0] != 0 || datagram[1] != 1) return std::nullopt;
  AttributeReader attributes(datagram);
  while (const auto attribute = attributes.next()) {
    if (attribute->type == kUsername && attribute->value.size() <= kMaxUsernameBytes)
      return base::as_text(attribute->value);
  }
  return std::nullopt;
}

std::optional<std::string_view> peek_local_ufrag(base::ByteView datagram) {
  const auto username = peek_username(datagram);
  if (!username) return std::nullopt;
  const std::size_t colon = username->find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return username->substr(0, colon);
}

std::optional<base::Bytes> answer_plain_binding(base::ByteView datagram, const base::SocketAddress& remote) {
  const auto request = parse_stun(datagram);
  if (!request || request->kind != StunClass::Request || request->method != kBindingMethod) return std::nullopt;
  if (request->has_integrity || !request->username.empty()) return std::nullopt;
  StunMessage answer;
  answer.transaction = request->transaction;
  if (request->unknown_required.empty()) {
    answer.kind = StunClass::Success;
    answer.mapped_address = remote;
  } else {
    answer.kind = StunClass::Error;
    answer.error_code = 420;
    answer.error_reason = "Unknown Attribute";
    answer.unknown_attributes = request->unknown_required;
  }
  return write_stun(answer, {});
}

}  // namespace webrtc::ice

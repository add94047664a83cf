// SPDX-License-Identifier: Apache-2.0
#include "webrtc/dtls/record_shape.hpp"

#include <cstdint>

namespace webrtc::dtls {
namespace {

enum Content : std::uint8_t { ChangeCipherSpec = 20, Alert = 21, Handshake = 22, ApplicationData = 23 };

// Longer than any chain of certificates in use, shorter than OpenSSL's own limit (100 KiB).
constexpr std::size_t kMaxMessage = 1 << 16;

// RFC 6347 4.2.2; a record may hold several messages or fragments of them.
bool is_row_of_messages(base::ByteView body) {
  if (body.empty()) return false;
  base::ByteReader reader(body);
  while (reader.remaining() > 0) {
    reader.skip(1);  // type
    const std::size_t whole = reader.u24();
    reader.skip(2);  // sequence number
    const std::size_t offset = reader.u24();
    const std::size_t length = reader.u24();
    reader.skip(length);
    if (!reader.ok() || whole > kMaxMessage || offset + length > whole) return false;
  }
  return true;
}

bool is_plain_record(std::uint8_t type, base::ByteView body) {
  switch (type) {
    case ChangeCipherSpec:
      return body.size() == 1 && body[0] == 1;
    case Alert:
      return body.size() == 2 && (body[0] == 1 || body[0] == 2);
    case Handshake:
      return is_row_of_messages(body);
    default:
      return false;  // application data is never sent in the clear
  }
}

}  // namespace

bool is_well_formed(base::ByteView datagram, std::size_t shortest_sealed) {
  base::ByteReader reader(datagram);
  while (reader.remaining() > 0) {
    const std::uint8_t type = reader.u8();
    reader.skip(2);  // version: OpenSSL ignores records of another one
    const std::uint16_t epoch = reader.u16();
    reader.skip(6);  // sequence number
    const base::ByteView body = reader.take(reader.u16());
    if (!reader.ok() || type < ChangeCipherSpec || type > ApplicationData || epoch > 1)
      return false;  // no renegotiation
    if (epoch == 1 ? body.size() < shortest_sealed : !is_plain_record(type, body)) return false;
  }
  return !datagram.empty();
}

}  // namespace webrtc::dtls

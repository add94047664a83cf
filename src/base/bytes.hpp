// SPDX-License-Identifier: Apache-2.0
#pragma once
// Bytes and the big-endian cursor pair that every parser and writer of this project uses.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace base {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  // std::uint8_t is unsigned char, which may alias anything.
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(std::string_view text) {
  return {text.begin(), text.end()};
}
inline void append(Bytes& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// Reads big-endian values from the front of a view. A read past the end returns zero (or an empty view) and
// makes ok() false for good, so that a parser may read a whole header first and check once.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return rest_.size(); }
  ByteView rest() const { return rest_; }

  std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian(2)); }
  std::uint32_t u24() { return static_cast<std::uint32_t>(big_endian(3)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian(4)); }
  std::uint64_t u64() { return big_endian(8); }
  // `count` is 0..8 bytes.
  std::uint64_t big_endian(std::size_t count);
  ByteView take(std::size_t count);
  void skip(std::size_t count) { take(count); }

 private:
  ByteView rest_;
  bool ok_ = true;
};

// Appends big-endian values to a buffer that it does not own; the buffer outlives the writer.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(std::uint64_t value) { big_endian(value, 1); }
  void u16(std::uint64_t value) { big_endian(value, 2); }
  void u24(std::uint64_t value) { big_endian(value, 3); }
  void u32(std::uint64_t value) { big_endian(value, 4); }
  void u64(std::uint64_t value) { big_endian(value, 8); }
  // Writes the low `count` bytes of `value`, 0..8.
  void big_endian(std::uint64_t value, std::size_t count);
  void bytes(ByteView view) { append(out_, view); }
  void text(std::string_view view) { append(out_, as_bytes(view)); }
  void zeros(std::size_t count) { out_.resize(out_.size() + count); }
  // Overwrites `count` bytes at `offset`, which must have been written already (a length known only later).
  void patch(std::size_t offset, std::uint64_t value, std::size_t count);
  std::size_t size() const { return out_.size(); }

 private:
  Bytes& out_;
};

// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);
std::optional<Bytes> parse_hex(std::string_view text);

// RFC 4648 section 4, with padding. parse_base64 refuses white space, wrong padding and other alphabets.
std::string to_base64(ByteView bytes);
std::optional<Bytes> parse_base64(std::string_view text);
// RFC 4648 section 5, without padding.
std::string to_base64_url(ByteView bytes);
std::optional<Bytes> parse_base64_url(std::string_view text);

// Compares secrets: time depends on the lengths only.
bool equal_in_constant_time(ByteView a, ByteView b);

}  // namespace base

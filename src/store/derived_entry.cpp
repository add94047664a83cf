// SPDX-License-Identifier: Apache-2.0
#include "store/derived_entry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.hpp"
#include "store/crc32c.hpp"

namespace store {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {'T', 'G', 'D', 'E', 'R', 'I', 'V', '1'};
constexpr std::size_t kCrcAt = 8;        // covers everything after itself
constexpr std::size_t kHeaderSize = 44;  // the tag follows
constexpr std::string_view kExtension = ".tgd";

// Exactly `digits` lower-case hexadecimal digits from the front of `text`.
std::optional<std::uint64_t> take_hex(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  const std::string_view part = text.substr(0, digits);
  if (part.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  std::from_chars(part.data(), part.data() + part.size(), value, 16);
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

}  // namespace

base::Bytes write_derived_entry(const DerivedEntry& entry) {
  CHECK(entry.tag.size() <= kMostTagBytes);
  base::Bytes bytes;
  bytes.reserve(kHeaderSize + entry.tag.size() + entry.payload.size());
  base::ByteWriter out(bytes);
  out.bytes(kMagic);
  out.u32(0);
  out.u64(kHeaderSize + entry.tag.size() + entry.payload.size());
  out.u64(entry.name.stream.id);
  out.u32(entry.name.stream.generation);
  out.u64(entry.name.fragment.value);
  out.u32(entry.tag.size());
  out.text(entry.tag);
  out.bytes(entry.payload);
  out.patch(kCrcAt, crc32c(base::ByteView(bytes).subspan(kCrcAt + 4)), 4);
  return bytes;
}

std::optional<DerivedEntry> parse_derived_entry(base::ByteView bytes) {
  base::ByteReader in(bytes);
  if (!std::ranges::equal(in.take(kMagic.size()), kMagic)) return std::nullopt;
  const std::uint32_t crc = in.u32();
  const std::uint64_t size = in.u64();
  DerivedEntry entry;
  entry.name.stream.id = in.u64();
  entry.name.stream.generation = in.u32();
  entry.name.fragment.value = in.u64();
  const std::uint32_t tag_size = in.u32();
  if (!in.ok() || size != bytes.size() || tag_size > std::min(kMostTagBytes, in.remaining())) return std::nullopt;
  if (crc32c(bytes.subspan(kCrcAt + 4)) != crc) return std::nullopt;
  entry.tag = base::as_text(in.take(tag_size));
  entry.payload = in.rest();
  return entry;
}

std::string derived_file_name(const DerivedName& name) {
  return fmt::format("{:016x}-{:08x}-{:016x}{}", name.stream.id, name.stream.generation, name.fragment.value,
                     kExtension);
}

std::optional<DerivedName> parse_derived_file_name(std::string_view text) {
  const auto id = take_hex(text, 16);
  if (!id || !take(text, "-")) return std::nullopt;
  const auto generation = take_hex(text, 8);
  if (!generation || !take(text, "-")) return std::nullopt;
  const auto number = take_hex(text, 16);
  if (!number || text != kExtension) return std::nullopt;
  return DerivedName{{*id, static_cast<std::uint32_t>(*generation)}, {*number}};
}

}  // namespace store

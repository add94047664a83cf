// SPDX-License-Identifier: Apache-2.0
#pragma once
// The file of one derived thing: docs/formats/derived.md. Pure bytes.

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "store/fragment.hpp"

namespace store {

// The fragment that something was derived from.
struct DerivedName {
  StreamKey stream;
  FragmentNumber fragment;
  friend auto operator<=>(const DerivedName&, const DerivedName&) = default;
};

// Views into the file's bytes.
struct DerivedEntry {
  DerivedName name;
  std::string_view tag;  // how it was derived: what another tag was made by is not the same thing
  base::ByteView payload;
};

inline constexpr std::size_t kMostTagBytes = 4096;

// Header, tag, payload. The tag has at most kMostTagBytes.
base::Bytes write_derived_entry(const DerivedEntry& entry);
// Nothing unless every byte is as it was written: a torn or damaged file is no entry.
std::optional<DerivedEntry> parse_derived_entry(base::ByteView bytes);

// "0000000000000007-00000001-000660a2e1b3c4d5.tgd"
std::string derived_file_name(const DerivedName& name);
// Exactly the form above; nothing for any other name.
std::optional<DerivedName> parse_derived_file_name(std::string_view text);

}  // namespace store

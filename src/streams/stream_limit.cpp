// SPDX-License-Identifier: Apache-2.0
#include "streams/stream_limit.hpp"

#include <fmt/format.h>

#include "base/byte_count.hpp"

namespace streams {

RetentionPolicy retention_of(const Stream& stream, std::uint64_t default_max_bytes) {
  RetentionPolicy policy{stream.retention_hours, default_max_bytes};
  const auto tag = stream.tags.find(std::string(kMaxBytesTag));
  if (tag != stream.tags.end()) policy.max_bytes = base::parse_byte_count(tag->second).value_or(default_max_bytes);
  return policy;
}

base::Result<void> check_stream_tags(const Tags& tags) {
  const auto tag = tags.find(std::string(kMaxBytesTag));
  if (tag == tags.end() || base::parse_byte_count(tag->second)) return {};
  return base::fail(
      base::Errc::InvalidArgument,
      fmt::format("The tag {} has the value \"{}\": give a number of bytes, such as 500000000 or \"500 GB\"",
                  kMaxBytesTag, tag->second));
}

}  // namespace streams

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The tag that limits how much a stream keeps: "tidegate:max-bytes" = "500 GB". Beyond AWS, set with its own API.

#include <string_view>

#include "base/result.hpp"
#include "streams/catalog.hpp"

namespace streams {

inline constexpr std::string_view kMaxBytesTag = "tidegate:max-bytes";

// Retention as the stream and its tags say. `default_max_bytes` holds without the tag; a tag of 0 means no limit.
RetentionPolicy retention_of(const Stream& stream, std::uint64_t default_max_bytes);

// InvalidArgument if a tag of ours has a value that means nothing.
base::Result<void> check_stream_tags(const Tags& tags);

}  // namespace streams

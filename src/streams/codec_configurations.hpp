// SPDX-License-Identifier: Apache-2.0
#pragma once
// AWS plays a change of the codecs' private data within HLS only (contract 5.3). We play it everywhere, unless a limit
// says otherwise.

#include <span>

#include "base/result.hpp"
#include "streams/fragment_log.hpp"

namespace streams {

// LimitExceeded when the fragments, in this order, have more than `most` codec configurations one after the other.
// 0: no limit.
inline base::Result<void> check_configurations(std::span<const StoredFragment> fragments, std::size_t most) {
  std::size_t seen = 0;
  const StoredFragment* before = nullptr;
  for (const StoredFragment& fragment : fragments) {
    if (before == nullptr || before->header.codec_fingerprint != fragment.header.codec_fingerprint) ++seen;
    before = &fragment;
  }
  if (most == 0 || seen <= most) return {};
  return base::fail(base::Errc::LimitExceeded,
                    "The codec private data changes between the fragments; the limits of this server allow " +
                        std::to_string(most) + " configuration" + (most == 1 ? "" : "s") + " here.");
}

}  // namespace streams

// SPDX-License-Identifier: Apache-2.0
#pragma once
// AWS plays a change of the codecs' private data within HLS only (contract 5.3). We play it everywhere, unless a limit
// says otherwise.

#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "streams/fragment_log.hpp"
#include "streams/session_window.hpp"

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

// LimitExceeded when the codecs' private data has changed more than `most` times between the session's first fragment
// and the end of its window. 0: no limit.
inline base::Result<void> check_codec_changes(const SessionWindow& window, std::size_t most) {
  std::uint64_t changes = window.before ? window.before->codec_changes : 0;
  std::optional<std::uint64_t> last;
  if (window.before) last = window.before->codec_fingerprint;
  for (const StoredFragment& fragment : window.fragments) {
    if (last && *last != fragment.header.codec_fingerprint) ++changes;
    last = fragment.header.codec_fingerprint;
  }
  if (most == 0 || changes <= most) return {};
  return base::fail(base::Errc::LimitExceeded, "The codec private data has changed " + std::to_string(changes) +
                                                   " times in this session; the limits of this server allow " +
                                                   std::to_string(most) + ": ask for a new session that begins later.");
}

}  // namespace streams

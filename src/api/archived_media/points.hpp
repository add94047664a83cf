// SPDX-License-Identifier: Apache-2.0
#pragma once
// What reads of a stream cost in AWS's points (contract 8), charged before anything is read.

#include "api/media_handlers.hpp"
#include "async/shard.hpp"

namespace api {

struct Points {
  std::uint64_t metadata = 0;
  std::uint64_t media = 0;
};

// ClientLimitExceededException; nothing is limited without a throttle.
inline aws::Outcome<void> charge(const MediaServices& services, streams::StreamKey stream, Points points) {
  if (services.throttle == nullptr) return {};
  const std::string key = std::to_string(stream.id) + '.' + std::to_string(stream.generation);
  const base::Instant now = async::now();
  if (points.metadata > 0) {
    auto metadata = services.throttle->charge(Limit::FragmentMetadataPoints, key, points.metadata, now);
    if (!metadata) return metadata;
  }
  if (points.media == 0) return {};
  return services.throttle->charge(Limit::FragmentMediaPoints, key, points.media, now);
}

}  // namespace api

// SPDX-License-Identifier: Apache-2.0
#include "app/room_limits.hpp"

namespace app {

streams::ProducerLimits producer_limits(const api::Limits& limits) {
  streams::ProducerLimits producer;
  producer.rules.tracks = limits[api::Limit::FragmentTracks];
  producer.rules.tags = limits[api::Limit::FragmentTags];
  producer.rules.fragment_span = std::chrono::seconds(limits[api::Limit::FragmentSeconds]);
  producer.rules.least_duration = std::chrono::seconds(limits[api::Limit::FragmentLeastSeconds]);
  producer.stream.fragment_bytes = limits[api::Limit::FragmentBytes];
  producer.connection = std::chrono::seconds(limits[api::Limit::PutMediaSeconds]);
  producer.fragments_per_second = limits[api::Limit::PutMediaFragments];
  return producer;
}

sessions::SessionLimits session_limits(const api::Limits& limits) {
  const auto seconds = [&](api::Limit limit) { return std::chrono::seconds(limits[limit]); };
  return {.length = seconds(api::Limit::SessionSeconds),
          .master_idle = seconds(api::Limit::SessionIdle),
          .viewer_idle = seconds(api::Limit::SessionViewerIdle),
          .without_master = seconds(api::Limit::SessionWithoutMaster)};
}

}  // namespace app

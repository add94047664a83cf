// SPDX-License-Identifier: Apache-2.0
// Ends the connections of a storage session that have been there for too long.
#include <utility>
#include <vector>

#include "async/shard.hpp"
#include "sessions/storage_session_member.hpp"

namespace sessions {
namespace {

constexpr std::chrono::seconds kLookInterval(1);

std::uint64_t count_media(const webrtc::PeerStats& stats, bool is_master) {
  const std::uint64_t received = stats.video_received.packets + stats.audio_received.packets;
  return is_master ? received : received + stats.video_sent.packets + stats.audio_sent.packets;
}

}  // namespace

void StorageSession::watch_limits(base::Instant now, Member& member) {
  member.clock.start(now);
  if (environment_.limits.any()) limit_timer_.arm(now + kLookInterval);
}

void StorageSession::check_limits() {
  const base::Instant now = async::now();
  bool any_connected = false;
  std::vector<std::pair<Member*, SessionEnd>> over;  // ending one leaves the others where they are
  for (const auto& member : members_) {
    if (!member->connected) continue;
    member->clock.note(now, count_media(member->peer().stats(), member->is_master()), master_ != nullptr);
    if (auto how = member->clock.find_overrun(now, environment_.limits)) {
      over.emplace_back(member.get(), *std::move(how));
    } else {
      any_connected = true;
    }
  }
  for (auto& [member, how] : over) end(now, *member, std::move(how));
  if (any_connected) limit_timer_.arm(now + kLookInterval);
}

}  // namespace sessions

// SPDX-License-Identifier: Apache-2.0
// What a shard does to its sessions when it has more to do than it can (overload.hpp says when and how much).
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/log.hpp"
#include "sessions/shard_channel.hpp"

namespace sessions {

// Looks go on while there is a session. Without any there is nothing that could be too much.
void ShardChannels::watch_load() {
  if (watches_load_) return;
  watches_load_ = true;
  const net::UdpPort::Stats udp = environment_.port.udp_stats();
  last_look_ = {shard_.now(), udp.processor_time, udp.receive_overflows};
  load_timer_.arm(last_look_.at + Overload::kLookEvery);
}

void ShardChannels::look_at_load() {
  const net::UdpPort::Stats udp = environment_.port.udp_stats();
  const Look look{shard_.now(), udp.processor_time, udp.receive_overflows};
  const std::chrono::duration<double> passed = look.at - last_look_.at;
  const std::chrono::duration<double> worked = look.processor_time - last_look_.processor_time;
  // What was read before the last look says nothing about now.
  const bool has_read = udp.last_read > last_look_.at;
  overload_.look(look.at, {.queue_fill = udp.receive_fill,
                           .queue_delay = has_read ? udp.receive_delay : base::Duration(),
                           .busy = passed.count() > 0 ? std::min(1.0, worked / passed) : 0,
                           .kernel_drops = look.kernel_drops - last_look_.kernel_drops});
  last_look_ = look;
  watches_load_ = std::ranges::any_of(channels_, [](const auto& each) { return each.second->session != nullptr; });
  if (!watches_load_) overload_ = Overload(environment_.busy_limit);
  apply_load(look.at);
  if (watches_load_) load_timer_.arm(look.at + Overload::kLookEvery);
}

// Who came last rests first: of what has been recorded for long nothing is missing.
void ShardChannels::apply_load(base::Instant now) {
  const Applied wanted{overload_.admits(), overload_.bitrate_share(), overload_.resting_share()};
  if (wanted == applied_) return;
  const Applied before = std::exchange(applied_, wanted);
  std::vector<StorageSession*> recording;
  for (const auto& [arn, channel] : channels_) {
    if (channel->session != nullptr && channel->session->is_recording()) recording.push_back(channel->session.get());
  }
  std::ranges::sort(recording, std::greater{}, &StorageSession::recording_since);
  const auto resting = static_cast<std::size_t>(std::ceil(wanted.resting * static_cast<double>(recording.size())));
  for (std::size_t i = 0; i < recording.size(); ++i) {
    recording[i]->ask_for_share(now, wanted.bitrate);
    if (i < resting) {
      recording[i]->rest(now);
    } else {
      recording[i]->resume(now);
    }
  }
  stats_.refuses = !wanted.admits;
  stats_.asked_less = wanted.bitrate < 1 ? recording.size() : 0;
  stats_.resting = resting;
  if (before.admits != wanted.admits || (before.resting > 0) != (wanted.resting > 0)) {
    log_load(resting, recording.size());
  }
}

void ShardChannels::log_load(std::size_t resting, std::size_t recording) const {
  if (applied_.resting > 0) {
    base::log_warning(
        "{}: more arrives than can be recorded: {} of {} recordings rest, which shows as gaps (overload); give the "
        "server more cores or fewer cameras",
        shard_.name(), resting, recording);
  } else if (!applied_.admits) {
    base::log_warning("{}: busy with {} recordings: new sessions are refused until there is room", shard_.name(),
                      recording);
  } else {
    base::log_info("{}: there is room for new sessions again", shard_.name());
  }
}

}  // namespace sessions

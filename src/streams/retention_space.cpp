// SPDX-License-Identifier: Apache-2.0
// The space of what has expired: empty volumes are removed, the others get holes.
#include <algorithm>

#include "streams/retention.hpp"

namespace streams {

base::Result<void> Retention::reclaim(base::WallTime now) {
  if (fading_.empty()) return {};
  TRY(const auto uses, index_.volume_uses());
  const std::uint64_t open = volumes_.open_volume();
  for (const store::VolumeUse& use : uses) {
    const auto fading = fading_.find(use.volume);
    if (fading == fading_.end()) continue;
    if (use.live == 0 && use.volume != open) {
      TRY_VOID(remove_volume(use.volume));
    } else if (fading->second <= now) {
      TRY_VOID(punch_dead(use));
      fading_.erase(fading);
    }
  }
  return {};
}

// What lies in it and is not indexed yet is alive. Once a volume is not written any more, everything in it has reached
// the index writer, so its queue tells.
base::Result<void> Retention::remove_volume(std::uint64_t volume) {
  if (index_writer_.has_waiting(volume)) return {};
  TRY(const auto now, index_.volume_uses());
  const auto use = std::ranges::find(now, volume, &store::VolumeUse::volume);
  if (use == now.end() || use->live > 0) return {};
  TRY(const auto buried, index_.buried_streams());
  std::vector<store::Tombstone> again;
  for (const store::BuriedStream& each : buried) {
    if (each.volume != volume) continue;
    // Its record goes with the volume. It is written again while an older volume may hold what it covers.
    const bool needed = std::ranges::any_of(
        now, [&](const store::VolumeUse& other) { return other.volume != volume && other.volume <= each.born; });
    if (needed) {
      again.push_back(each.tombstone);
    } else {
      TRY_VOID(index_.settle_tombstone(each.tombstone.stream));
    }
  }
  TRY_VOID(bury_(again));
  TRY_VOID(volumes_.remove_volume(volume));
  TRY_VOID(index_.forget_volume(volume));
  fading_.erase(volume);
  const std::lock_guard lock(mutex_);
  ++stats_.removed_volumes;
  return {};
}

base::Result<void> Retention::punch_dead(const store::VolumeUse& use) {
  if (use.fragments - use.live <= use.hollow) return {};
  std::vector<store::VolumeRange> ranges;
  std::uint64_t bytes = 0;
  TRY_VOID(volumes_.visit(use.volume, [&](const StoredFragment& record) -> base::Result<void> {
    if (record.place.offset >= use.indexed_to) return {};  // new: alive, whatever the index says
    TRY(const auto row, index_.find(record.header.stream, record.header.number));
    if (row && row->place == record.place) return {};
    ranges.push_back({record.place.offset + record.place.header_size, record.payload_size});
    bytes += record.payload_size;
    return {};
  }));
  TRY_VOID(volumes_.punch(use.volume, ranges));
  TRY_VOID(index_.note_hollow(use.volume, use.fragments - use.live));
  const std::lock_guard lock(mutex_);
  stats_.punched_bytes += bytes;
  return {};
}

}  // namespace streams

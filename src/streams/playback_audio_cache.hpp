// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rendered audio by fragment, or by units of one for a part, least recently used first out. Any thread; owned by
// Playback.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "streams/playback.hpp"
#include "streams/recent_cache.hpp"
#include "streams/rendered_sound.hpp"

namespace streams {

class Playback::AudioCache {
 public:
  struct Key {
    StreamKey stream;
    FragmentNumber fragment;
    AacUnits part{};  // of the whole fragment: none
    auto operator<=>(const Key&) const = default;
  };
  using Audio = std::shared_ptr<const RenderedAudio>;

  // A fragment that several readers want at once is rendered by the first; the others wait on its mutex (on the
  // workers, never on a shard) and find it done.
  struct Slot {
    std::mutex rendering;
    Audio audio;  // guarded by `rendering`
  };

  // How to keep a rendering on disk.
  struct Keeping {
    std::string tag;
    std::uint64_t ticket = 0;
  };

  explicit AudioCache(const PlaybackOptions& options)
      : aac_(options.aac), disk_(options.disk), done_(options.audio_cache_bytes) {}

  store::DerivedFiles* disk() const { return disk_; }

  // The tag of sound rendered now; nothing when it is not to be kept: a stream without retention has nothing on disk.
  std::optional<Keeping> begin_keeping(const StoredFragment& fragment) const {
    if (disk_ == nullptr || !fragment.is_durable()) return std::nullopt;
    return Keeping{sound_tag(aac_, fragment), disk_->ticket()};
  }

  // Blocking: on a worker. From disk, and into memory.
  Audio load(const Key& key, const StoredFragment& fragment) {
    const AacUnits units = find_aac_units(fragment.header.producer_time, producer_end(fragment));
    const auto bytes = disk_->find({key.stream, key.fragment}, sound_tag(aac_, fragment));
    auto sound = bytes ? parse_sound(*bytes, units) : std::nullopt;
    if (!sound) return nullptr;
    auto audio = std::make_shared<const RenderedAudio>(*std::move(sound));
    done_.put(key, audio, size_of(*audio));
    const std::lock_guard lock(mutex_);
    ++stats_.audio_from_disk;
    return audio;
  }

  Audio find(const Key& key) {
    Audio found = done_.find(key);
    const std::lock_guard lock(mutex_);
    if (found) ++stats_.audio_from_cache;
    return found;
  }

  Stats stats() const {
    const std::lock_guard lock(mutex_);
    Stats stats = stats_;
    stats.audio_cache_bytes = done_.bytes();
    return stats;
  }

  // Blocking: on a worker. What another reader has rendered meanwhile, or is rendering, is not rendered again.
  base::Result<Audio> render(const Key& key, std::span<const OpusPacket> packets, base::WallTime start,
                             base::WallTime end, const std::optional<Keeping>& keeping = std::nullopt) {
    const std::shared_ptr<Slot> slot = find_slot(key);
    const std::lock_guard lock(slot->rendering);
    if (slot->audio) return slot->audio;
    if (Audio done = done_.find(key)) return done;
    auto result = render_audio(packets, start, end, {}, aac_);
    if (!result) {
      drop_slot(key);
      return base::fail(std::move(result).error());
    }
    slot->audio = std::make_shared<const RenderedAudio>(*std::move(result));
    put(key, slot->audio);
    if (keeping) disk_->put({key.stream, key.fragment}, keeping->tag, write_sound(*slot->audio), keeping->ticket);
    return slot->audio;
  }

 private:
  std::shared_ptr<Slot> find_slot(const Key& key) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Slot> slot = rendering_[key].lock();
    if (!slot) {
      slot = std::make_shared<Slot>();
      rendering_[key] = slot;
    }
    return slot;
  }

  static std::size_t size_of(const RenderedAudio& audio) {
    static constexpr std::size_t kEntry = 384;
    return kEntry + audio.room();
  }

  void put(const Key& key, const Audio& audio) {
    done_.put(key, audio, size_of(*audio));
    const std::lock_guard lock(mutex_);
    rendering_.erase(key);
    ++(key.part == AacUnits{} ? stats_.audio_rendered : stats_.audio_parts_rendered);
  }

  void drop_slot(const Key& key) {
    const std::lock_guard lock(mutex_);
    rendering_.erase(key);
  }

  const AacChoice aac_;
  store::DerivedFiles* const disk_;
  RecentCache<Key, Audio> done_;
  mutable std::mutex mutex_;
  std::map<Key, std::weak_ptr<Slot>> rendering_;
  Stats stats_;  // without the bytes
};

}  // namespace streams

// SPDX-License-Identifier: Apache-2.0
#include "streams/thumbnails.hpp"

#include <algorithm>

namespace streams {
namespace {

constexpr int kQuality = 70;
// Fragments of a lossy recording that may in a row begin without a key frame.
constexpr std::size_t kLookBack = 16;

bool has_key_frame(const StoredFragment& fragment) {
  return (fragment.header.flags & kDependent) == 0;
}

async::Task<base::Result<StoredFragment>> newest_with_key_frame(FragmentLogPtr log) {
  const auto last = log->last();
  if (!last) co_return base::fail(base::Errc::NotFound, "nothing is recorded in this stream");
  if (has_key_frame(*last)) co_return *last;
  CO_TRY(const auto newest, co_await log->newest(kLookBack));
  const auto found = std::ranges::find_if(newest.rbegin(), newest.rend(), has_key_frame);
  if (found == newest.rend()) {
    co_return base::fail(base::Errc::NotFound, "the newest fragments of this stream have no key frame");
  }
  co_return *found;
}

}  // namespace

async::Task<base::Result<ThumbnailPtr>> Thumbnails::find(FragmentLogPtr log, base::Instant now) {
  CO_TRY(const StoredFragment fragment, co_await newest_with_key_frame(log));
  const StreamKey stream = log->stream();
  if (ThumbnailPtr kept = find_kept(stream, fragment.header.number, now)) co_return kept;
  CO_TRY(const ThumbnailPtr made, co_await make(log, fragment));
  keep(stream, {made, fragment.header.number, now, now + kFreshFor});
  co_return made;
}

ThumbnailPtr Thumbnails::find_kept(StreamKey stream, FragmentNumber newest, base::Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(stream);
  if (found == entries_.end()) return nullptr;
  Entry& entry = found->second;
  entry.asked = now;
  if (entry.number == newest || now < entry.fresh_until) return entry.thumbnail;
  // This call makes the next one; those that come meanwhile get what there is.
  entry.fresh_until = now + kFreshFor;
  return nullptr;
}

void Thumbnails::keep(StreamKey stream, Entry entry) {
  const std::lock_guard lock(mutex_);
  entries_[stream] = std::move(entry);
  if (entries_.size() <= kMostStreams) return;
  entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& each) { return each.second.asked; }));
}

async::Task<base::Result<ThumbnailPtr>> Thumbnails::make(FragmentLogPtr log, StoredFragment fragment) {
  FragmentImages wanted;
  wanted.axis = TimeAxis::Producer;
  wanted.times = {fragment.header.producer_time};
  wanted.options.quality = kQuality;
  wanted.options.width = kWidth;
  const base::WallTime time = fragment.header.producer_time;
  CO_TRY(auto images,
         co_await images_of_fragment(playback_, workers_, std::move(log), std::move(fragment), std::move(wanted)));
  CO_TRY(base::Bytes jpeg, std::move(images.front()));
  co_return std::make_shared<const Thumbnail>(Thumbnail{time, std::move(jpeg)});
}

}  // namespace streams

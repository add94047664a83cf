// SPDX-License-Identifier: Apache-2.0
#include "streams/index_writer.hpp"

#include <algorithm>
#include <map>

#include "base/log.hpp"
#include "streams/stream_log.hpp"

namespace streams {
namespace {

constexpr std::size_t kBatch = 500;
// Rows are cheaper by the dozen, and nobody waits for them: listings see what is durable and not yet indexed.
constexpr auto kGather = std::chrono::milliseconds(500);
constexpr auto kRetry = std::chrono::seconds(1);

}  // namespace

IndexWriter::IndexWriter(store::FragmentIndex& index) : index_(index), thread_([this] { run(); }) {}

IndexWriter::~IndexWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void IndexWriter::push(std::shared_ptr<StreamLog> log, const store::StoredFragment& fragment) {
  push_item(Fragment{std::move(log), fragment});
}

void IndexWriter::push(const store::Tombstone& tombstone, const store::RecordPlace& place) {
  push_item(Burial{tombstone, place});
}

void IndexWriter::push_item(Item item) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(item));
  if (queue_.size() == 1 || queue_.size() == kBatch) changed_.notify_all();
}

void IndexWriter::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t failures = failures_;
  hurry_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this, failures] { return (queue_.empty() && !writing_) || failures_ != failures; });
  hurry_ = false;
}

std::uint64_t IndexWriter::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

bool IndexWriter::has_waiting(std::uint64_t volume) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(queue_, [volume](const Item& item) {
    const auto* fragment = std::get_if<Fragment>(&item);
    return (fragment ? fragment->fragment.place.volume : std::get<Burial>(item).place.volume) == volume;
  });
}

std::size_t IndexWriter::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void IndexWriter::run() {
  std::unique_lock lock(mutex_);
  bool failed = false;
  while (true) {
    if (failed) {
      changed_.wait_for(lock, kRetry, [this] { return stopping_; });
    } else {
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      changed_.wait_for(lock, kGather, [this] { return stopping_ || hurry_ || queue_.size() >= kBatch; });
    }
    if (queue_.empty() || (stopping_ && failed))
      return;  // what is not indexed is found in the volumes at the next start
    std::deque<Item> batch;
    batch.insert(batch.end(), queue_.begin(),
                 queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), kBatch)));
    writing_ = true;
    lock.unlock();
    failed = !write(batch);
    lock.lock();
    writing_ = false;
    ++attempts_;
    if (failed) {
      ++failures_;
    } else {
      queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(batch.size()));
    }
    changed_.notify_all();
  }
}

// Burials split the batch, so that nothing is marked as indexed before it is.
bool IndexWriter::write(const std::deque<Item>& batch) {
  std::vector<store::StoredFragment> fragments;
  std::map<std::uint64_t, store::VolumeMark> marks;
  const auto flush_fragments = [&] {
    std::vector<store::VolumeMark> list;
    for (const auto& [volume, mark] : marks) list.push_back(mark);
    auto done = index_.insert(fragments, list);
    fragments.clear();
    marks.clear();
    return done;
  };
  base::Result<void> done;
  for (const Item& item : batch) {
    if (const auto* fragment = std::get_if<Fragment>(&item)) {
      const store::RecordPlace& place = fragment->fragment.place;
      fragments.push_back(fragment->fragment);
      marks[place.volume] = {place.volume, store::end_of_record(place, fragment->fragment.payload_size), false};
      continue;
    }
    const auto& burial = std::get<Burial>(item);
    done = flush_fragments();
    if (done) done = index_.bury(burial.tombstone, burial.place.volume);
    if (!done) break;
    marks[burial.place.volume] = {burial.place.volume, store::end_of_record(burial.place, 0), false};
  }
  if (done) done = flush_fragments();
  if (!done) {
    base::log_error("the fragment index cannot be written, trying again: {}", done.error().message);
    return false;
  }
  for (const Item& item : batch) {
    if (const auto* fragment = std::get_if<Fragment>(&item))
      fragment->log->forget_unindexed(fragment->fragment.header.number);
  }
  return true;
}

}  // namespace streams

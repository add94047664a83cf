// SPDX-License-Identifier: Apache-2.0
#include "streams/stream_log.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/log.hpp"

namespace streams {
namespace {

constexpr std::size_t kRecent = 256;
// Durable and not indexed. Past it nothing more is taken: the index is derived, but listings look through this list.
constexpr std::size_t kMaxUnindexed = 200'000;

}  // namespace

StreamLog::StreamLog(LogSurroundings& around, StreamKey stream, FragmentNumber last, std::vector<StoredFragment> recent,
                     std::uint32_t retention_hours)
    : around_(around),
      stream_(stream),
      retention_hours_(retention_hours),
      last_number_(last),
      visible_through_(last),
      recent_(recent.begin(), recent.end()),
      recent_is_all_(recent.empty()) {}

FragmentNumber StreamLog::open_fragment(base::WallTime server_time) {
  const std::int64_t us = std::max<std::int64_t>(base::to_microseconds(server_time), 0);
  const std::lock_guard lock(mutex_);
  last_number_.value = std::max(last_number_.value + 1, static_cast<std::uint64_t>(us));
  open_.try_emplace(last_number_);
  return last_number_;
}

void StreamLog::commit(FragmentNumber number, FragmentDraft draft, Committed done) {
  if (deleted_) {
    abandon(number);
    done(base::fail(base::Errc::NotFound, "the stream has been deleted"));
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    open_[number].handed_over =
        RecordingEnd{draft.producer_time + draft.duration, gap_reason_after(number, draft.ended_by)};
  }
  FragmentHeader header;
  header.stream = stream_;
  header.number = number;
  header.producer_time = draft.producer_time;
  header.server_time = draft.server_time;
  header.duration = draft.duration;
  header.flags = draft.flags;
  header.codec_fingerprint = draft.codec_fingerprint;
  header.pictures_after = draft.pictures_after;
  header.sound_after = draft.sound_after;
  header.sound_length = draft.sound_length;
  header.gap_before = draft.gap_before;
  header.ended_by = draft.ended_by;
  if (retention_hours_ == 0) {
    commit_to_memory(header, std::move(draft.payload), std::move(done));
    return;
  }
  if (around_.index_writer->waiting() >= kMaxUnindexed) {
    note_refused();
    abandon(number);
    done(base::fail(base::Errc::Unavailable, "the fragment index has not been writable for too long"));
    return;
  }
  around_.volumes->append(header, draft.payload,
                          [self = shared_from_this(), number, payload = draft.payload,
                           done = std::move(done)](base::Result<StoredFragment> result) mutable {
                            self->handle_appended(number, payload, std::move(done), std::move(result));
                          });
}

void StreamLog::commit_to_memory(const FragmentHeader& header, Payload payload, Committed done) {
  StoredFragment fragment;
  fragment.payload_size = static_cast<std::uint32_t>(payload->size());
  fragment.place.offset = header.number.value;  // no volume; distinct for whoever compares places
  fragment.header = header;
  Published published;
  {
    const std::lock_guard lock(mutex_);
    Open& open = open_[fragment.header.number];
    open.durable = fragment;
    open.done = std::move(done);
    open.payload = std::move(payload);
    publish_resolved(published);
  }
  around_.kept.keep(shared_from_this());
  announce(published);
}

void StreamLog::handle_appended(FragmentNumber number, const Payload& payload, Committed done,
                                base::Result<StoredFragment> result) {
  if (!result) {
    note_refused();
    abandon(number);
    done(std::move(result));
    return;
  }
  around_.cache->put(*result, payload);
  Published published;
  {
    const std::lock_guard lock(mutex_);
    unindexed_[number] = *result;
    Open& open = open_[number];
    open.durable = *result;
    open.done = std::move(done);
    publish_resolved(published);
  }
  around_.index_writer->push(shared_from_this(), *result);
  announce(published);
}

void StreamLog::abandon(FragmentNumber number) {
  Published published;
  {
    const std::lock_guard lock(mutex_);
    open_.erase(number);
    publish_resolved(published);
  }
  live_edge().abandoned(number);
  announce(published);
}

// Without mutex_: who is told may call back in.
void StreamLog::announce(Published& published) {
  if (!published.empty()) {
    live_edge().committed(published.back().second.header.number);
    signal_.notify_all();
  }
  for (auto& [tell, fragment] : published) {
    if (around_.committed && fragment.is_durable()) around_.committed(shared_from_this(), fragment);
    tell(fragment);
  }
}

// Needs mutex_. A fragment becomes visible when every number before it is committed or abandoned.
void StreamLog::publish_resolved(Published& published) {
  while (!open_.empty() && open_.begin()->second.durable) {
    auto node = open_.extract(open_.begin());
    const StoredFragment& fragment = *node.mapped().durable;
    visible_through_ = fragment.header.number;
    refused_ = false;
    if (const auto& gap = fragment.header.gap_before) ++around_.gaps.at(static_cast<std::size_t>(gap->reason));
    if (node.mapped().payload) live_.push(fragment, std::move(node.mapped().payload));
    recent_.push_back(fragment);
    if (recent_.size() > kRecent) {
      recent_.pop_front();
      recent_is_all_ = false;
    }
    published.emplace_back(std::move(node.mapped().done), fragment);
  }
}

void StreamLog::forget_unindexed(FragmentNumber number) {
  const std::lock_guard lock(mutex_);
  unindexed_.erase(number);
}

void StreamLog::mark_deleted() {
  deleted_ = true;
  signal_.notify_all();
  live_edge().changed().notify_all();
}

void StreamLog::hide_through(FragmentNumber number) {
  std::uint64_t hidden = hidden_through_;
  while (hidden < number.value && !hidden_through_.compare_exchange_weak(hidden, number.value)) {
  }
}

FragmentNumber StreamLog::last_number() const {
  const std::lock_guard lock(mutex_);
  return last_number_;
}

bool StreamLog::prune() {
  const base::WallTime oldest = around_.wall_clock() - LiveBuffer::kMaxAge;
  const std::lock_guard lock(mutex_);
  live_.forget_before(oldest);
  if (deleted_) live_.clear();
  return !live_.empty() || (refused_ && !deleted_);
}

void KeptLogs::keep(std::shared_ptr<StreamLog> log) {
  const std::lock_guard lock(mutex_);
  logs_.insert(std::move(log));
}

void KeptLogs::prune() {
  const std::lock_guard lock(mutex_);
  std::erase_if(logs_, [](const auto& log) { return !log->prune(); });
}

FragmentNumber StreamLog::first_kept() const {
  const FragmentNumber by_age = streams::first_kept({retention_hours_, 0}, around_.wall_clock());
  const std::uint64_t hidden = hidden_through_;
  return std::max(by_age, FragmentNumber{hidden == UINT64_MAX ? hidden : hidden + 1});
}

bool StreamLog::Memory::shows(const StoredFragment& fragment) const {
  return !deleted && fragment.header.number <= visible_through && fragment.header.number >= first_kept;
}

// Of the live buffer everything counts that is still in it and young enough; pruning is a matter of memory only.
bool StreamLog::is_kept(const StoredFragment& fragment, FragmentNumber first) const {
  if (fragment.is_durable()) return fragment.header.number >= first;
  const base::WallTime oldest = around_.wall_clock() - LiveBuffer::kMaxAge;
  return fragment.header.server_time >= oldest && live_.find(fragment.header.number) != nullptr;
}

StreamLog::Memory StreamLog::look() const {
  Memory memory;
  memory.first_kept = first_kept();
  memory.deleted = deleted_;
  const std::lock_guard lock(mutex_);
  memory.visible_through = visible_through_;
  for (const auto& [number, fragment] : unindexed_) {
    if (memory.shows(fragment)) memory.unindexed.push_back(fragment);
  }
  if (deleted_ || live_.empty()) return memory;
  memory.live = live_.fragments();
  std::erase_if(memory.live, [&](const auto& fragment) { return !is_kept(fragment, memory.first_kept); });
  return memory;
}

std::optional<StoredFragment> StreamLog::last() const {
  const FragmentNumber first = first_kept();
  const std::lock_guard lock(mutex_);
  if (deleted_ || recent_.empty() || !is_kept(recent_.back(), first)) return std::nullopt;
  return recent_.back();
}

std::optional<RecordingEnd> StreamLog::recorded_until() const {
  {
    const std::lock_guard lock(mutex_);
    const auto newest = std::ranges::find_if(open_.rbegin(), open_.rend(),
                                             [](const auto& each) { return each.second.handed_over.has_value(); });
    if (newest != open_.rend() && !deleted_) return newest->second.handed_over;
  }
  const auto visible = last();
  if (!visible) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const GapReason reason =
      refused_ ? GapReason::DiskSlow : gap_reason_after(visible->header.number, visible->header.ended_by);
  return RecordingEnd{producer_end(*visible), reason};
}

// A recording that ended in the middle of a gap left without a word. One that said nothing and is not of this process
// was stopped with the server.
GapReason StreamLog::gap_reason_after(FragmentNumber number, std::optional<GapReason> ended_by) const {
  if (ended_by == GapReason::ServerStopped) return GapReason::ServerStopped;
  const bool is_ours = static_cast<std::int64_t>(number.value) >= base::to_microseconds(around_.opened);
  return ended_by || is_ours ? GapReason::PublisherLeft : GapReason::ServerStopped;
}

void StreamLog::note_refused() {
  {
    const std::lock_guard lock(mutex_);
    refused_ = true;
  }
  around_.kept.keep(shared_from_this());
}

// What readers of the live end ask for is in memory; nothing means "ask the index".
std::optional<std::vector<StoredFragment>> StreamLog::after_in_memory(FragmentNumber number, std::size_t limit) const {
  const FragmentNumber first = first_kept();
  const std::lock_guard lock(mutex_);
  if (deleted_) return std::vector<StoredFragment>();
  const bool covered =
      recent_is_all_ || number >= visible_through_ || (!recent_.empty() && number >= recent_.front().header.number);
  if (!covered) return std::nullopt;
  std::vector<StoredFragment> fragments;
  auto fragment = std::ranges::upper_bound(recent_, number, {}, [](const auto& each) { return each.header.number; });
  for (; fragment != recent_.end() && fragments.size() < limit; ++fragment) {
    if (is_kept(*fragment, first)) fragments.push_back(*fragment);
  }
  return fragments;
}

async::Task<std::optional<StoredFragment>> StreamLog::wait_after(FragmentNumber number, base::Duration timeout) {
  const base::Instant deadline = async::now() + timeout;
  while (true) {
    const std::uint64_t ticket = signal_.ticket();
    auto found = co_await after(number, 1);
    if (!found) {
      base::log_warning("waiting for a fragment: {}", found.error().message);
      co_return std::nullopt;
    }
    if (!found->empty()) co_return found->front();
    if (deleted_) co_return std::nullopt;
    const bool notified = co_await signal_.wait(ticket, deadline);
    if (!notified) co_return std::nullopt;
  }
}

async::Task<base::Result<Payload>> StreamLog::read(StoredFragment fragment) {
  if (deleted_) co_return base::fail(base::Errc::NotFound, "the stream has been deleted");
  if (!fragment.is_durable()) {
    const std::lock_guard lock(mutex_);
    if (Payload payload = live_.find(fragment.header.number)) co_return payload;
    co_return base::fail(base::Errc::NotFound, "the fragment has left the live buffer");
  }
  if (Payload cached = around_.cache->find(fragment)) {
    ++around_.cache_hits;
    co_return cached;
  }
  ++around_.cache_misses;
  auto payload = co_await around_.readers->run([this, &fragment] { return around_.volumes->read(fragment); });
  if (payload) around_.cache->put(fragment, *payload);
  co_return payload;
}

}  // namespace streams

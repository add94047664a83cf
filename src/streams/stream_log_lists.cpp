// SPDX-License-Identifier: Apache-2.0
// Listings: what the index has and what is durable but not yet indexed, as one.
#include <algorithm>

#include "streams/stream_log.hpp"

namespace streams {
namespace {

constexpr std::size_t kMaxPage = 10'000;
constexpr std::uint8_t kTokenVersion = 1;
// Rows that are past their retention and not removed yet are stepped over by so many.
constexpr std::size_t kStepOverExpired = 1000;

store::ListPosition position_of(TimeAxis axis, const StoredFragment& fragment) {
  return {start_of(fragment, axis), fragment.header.number};
}

// Adds `more` to `fragments`, in the order of `before`, without repetition, at most `limit`.
template <class Before>
void merge(std::vector<StoredFragment>& fragments, std::span<const StoredFragment> more, std::size_t limit,
           Before before) {
  fragments.insert(fragments.end(), more.begin(), more.end());
  std::ranges::sort(fragments, before);
  const auto same = [](const auto& a, const auto& b) { return a.header.number == b.header.number; };
  fragments.erase(std::unique(fragments.begin(), fragments.end(), same), fragments.end());
  if (fragments.size() > limit) fragments.resize(limit);
}

bool by_number(const StoredFragment& a, const StoredFragment& b) {
  return a.header.number < b.header.number;
}

}  // namespace

std::string StreamLog::write_token(const Cursor& cursor) const {
  base::Bytes bytes;
  base::ByteWriter out(bytes);
  out.u8(kTokenVersion);
  out.u64(stream_.id);
  out.u32(stream_.generation);
  out.u8(static_cast<std::uint8_t>(cursor.axis));
  for (const base::WallTime time : {cursor.from, cursor.to, cursor.past.time}) {
    out.u64(static_cast<std::uint64_t>(base::to_microseconds(time)));
  }
  out.u64(cursor.past.number.value);
  return base::to_base64(bytes);
}

std::optional<StreamLog::Cursor> StreamLog::parse_token(const std::string& token) const {
  const auto bytes = base::parse_base64(token);
  if (!bytes) return std::nullopt;
  base::ByteReader in(*bytes);
  if (in.u8() != kTokenVersion || in.u64() != stream_.id || in.u32() != stream_.generation) return std::nullopt;
  Cursor cursor;
  const std::uint8_t axis = in.u8();
  if (axis > static_cast<std::uint8_t>(TimeAxis::Producer)) return std::nullopt;
  cursor.axis = static_cast<TimeAxis>(axis);
  for (base::WallTime* time : {&cursor.from, &cursor.to, &cursor.past.time}) {
    *time = base::from_microseconds(static_cast<std::int64_t>(in.u64()));
  }
  cursor.past.number.value = in.u64();
  if (!in.ok() || in.remaining() != 0) return std::nullopt;
  return cursor;
}

async::Task<base::Result<FragmentPage>> StreamLog::list(FragmentQuery query) {
  Cursor cursor;
  cursor.axis = query.axis;
  cursor.from = query.from.value_or(base::WallTime::min());
  cursor.to = query.to.value_or(base::WallTime::max());
  cursor.past = {base::WallTime::min(), {}};
  const std::size_t limit = query.limit;
  auto page = co_await around_.readers->run([this, &cursor, limit] { return list_now(cursor, limit); });
  co_return page;
}

async::Task<base::Result<FragmentPage>> StreamLog::list_next(std::string token, std::size_t limit) {
  const auto cursor = parse_token(token);
  if (!cursor)
    co_return base::fail(base::Errc::InvalidArgument, "NextToken is not one that this stream's listing gave");
  auto page = co_await around_.readers->run([this, &cursor, limit] { return list_now(*cursor, limit); });
  co_return page;
}

base::Result<FragmentPage> StreamLog::list_now(const Cursor& cursor, std::size_t limit) {
  limit = std::clamp<std::size_t>(limit, 1, kMaxPage);
  const TimeAxis axis = cursor.axis;
  // Memory first: what is indexed between the two looks is then seen twice rather than never.
  const Memory memory = look();
  std::vector<StoredFragment> more;
  for (const StoredFragment& fragment : memory.unindexed) {
    const auto time = start_of(fragment, axis);
    if (time >= cursor.from && time <= cursor.to && position_of(axis, fragment) > cursor.past) more.push_back(fragment);
  }
  std::vector<StoredFragment> shown;
  std::size_t batch = limit + 1;
  for (store::ListPosition past = cursor.past; shown.size() <= limit && !memory.deleted;) {
    TRY(const auto rows, around_.index->between(stream_, {axis, cursor.from, cursor.to}, past, batch));
    for (const StoredFragment& row : rows) {
      if (memory.shows(row)) shown.push_back(row);
    }
    if (rows.size() < batch) break;
    past = position_of(axis, rows.back());
    batch = std::max(batch, kStepOverExpired);
  }
  merge(shown, more, limit + 1,
        [axis](const auto& a, const auto& b) { return position_of(axis, a) < position_of(axis, b); });
  FragmentPage page;
  if (shown.size() > limit) {
    shown.resize(limit);
    Cursor next = cursor;
    next.past = position_of(axis, shown.back());
    page.next_token = write_token(next);
  }
  page.fragments = std::move(shown);
  return page;
}

async::Task<base::Result<std::optional<StoredFragment>>> StreamLog::find(FragmentNumber number) {
  const Memory memory = look();
  for (const auto* list : {&memory.unindexed, &memory.live}) {
    const auto found = std::ranges::find(*list, number, [](const auto& each) { return each.header.number; });
    if (found != list->end()) co_return std::optional(*found);
  }
  auto found = co_await around_.readers->run([this, number] { return around_.index->find(stream_, number); });
  if (found && *found && !memory.shows(**found)) co_return std::optional<StoredFragment>();
  co_return found;
}

async::Task<base::Result<std::vector<StoredFragment>>> StreamLog::after(FragmentNumber number, std::size_t limit) {
  if (auto known = after_in_memory(number, limit)) co_return *std::move(known);
  auto found = co_await around_.readers->run([this, number, limit] { return after_now(number, limit); });
  co_return found;
}

base::Result<std::vector<StoredFragment>> StreamLog::after_now(FragmentNumber number, std::size_t limit) {
  limit = std::clamp<std::size_t>(limit, 1, kMaxPage);
  const Memory memory = look();
  std::vector<StoredFragment> shown;
  FragmentNumber past{std::max(number.value, std::max<std::uint64_t>(memory.first_kept.value, 1) - 1)};
  while (shown.size() < limit && !memory.deleted) {
    TRY(const auto rows, around_.index->after(stream_, past, limit));
    for (const StoredFragment& row : rows) {
      if (memory.shows(row)) shown.push_back(row);
    }
    if (rows.size() < limit) break;
    past = rows.back().header.number;
  }
  std::vector<StoredFragment> more;
  for (const auto* list : {&memory.unindexed, &memory.live}) {
    std::ranges::copy_if(*list, std::back_inserter(more),
                         [number](const auto& fragment) { return fragment.header.number > number; });
  }
  merge(shown, more, limit, by_number);
  return shown;
}

async::Task<base::Result<std::vector<StoredFragment>>> StreamLog::newest(std::size_t limit) {
  {
    const FragmentNumber first = first_kept();
    const std::lock_guard lock(mutex_);
    if (deleted_) co_return std::vector<StoredFragment>();
    if (recent_is_all_ || recent_.size() >= limit) {
      const std::size_t count = std::min(limit, recent_.size());
      std::vector<StoredFragment> fragments(recent_.end() - static_cast<std::ptrdiff_t>(count), recent_.end());
      std::erase_if(fragments, [&](const auto& fragment) { return !is_kept(fragment, first); });
      co_return fragments;
    }
  }
  auto found = co_await around_.readers->run([this, limit] { return newest_now(limit); });
  co_return found;
}

base::Result<std::vector<StoredFragment>> StreamLog::newest_now(std::size_t limit) {
  limit = std::clamp<std::size_t>(limit, 1, kMaxPage);
  const Memory memory = look();
  if (memory.deleted) return std::vector<StoredFragment>();
  TRY(auto rows, around_.index->newest(stream_, limit));
  std::erase_if(rows, [&memory](const auto& row) { return !memory.shows(row); });
  merge(rows, memory.unindexed, SIZE_MAX, by_number);
  merge(rows, memory.live, SIZE_MAX, by_number);
  if (rows.size() > limit) rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(limit));
  return rows;
}

async::Task<base::Result<std::optional<StoredFragment>>> StreamLog::starting_at(TimeAxis axis, base::WallTime time) {
  auto found = co_await around_.readers->run([this, axis, time] { return starting_at_now(axis, time); });
  co_return found;
}

base::Result<std::optional<StoredFragment>> StreamLog::starting_at_now(TimeAxis axis, base::WallTime time) {
  Memory memory = look();
  if (memory.deleted) return std::optional<StoredFragment>();
  TRY(auto best, around_.index->at_or_before(stream_, axis, time));
  if (best && !memory.shows(*best)) best.reset();
  for (const auto* list : {&memory.unindexed, &memory.live}) {
    for (const StoredFragment& fragment : *list) {
      if (start_of(fragment, axis) <= time && (!best || position_of(axis, fragment) > position_of(axis, *best)))
        best = fragment;
    }
  }
  if (best && time < start_of(*best, axis) + best->header.duration) return best;
  const Cursor later{axis, time, base::WallTime::max(), {base::WallTime::min(), {}}};
  TRY(FragmentPage page, list_now(later, 1));
  std::erase_if(memory.live, [axis, time](const auto& fragment) { return start_of(fragment, axis) < time; });
  merge(page.fragments, memory.live, 1,
        [axis](const auto& a, const auto& b) { return position_of(axis, a) < position_of(axis, b); });
  if (page.fragments.empty()) return std::optional<StoredFragment>();
  return std::optional(page.fragments.front());
}

}  // namespace streams

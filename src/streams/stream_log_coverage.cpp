// SPDX-License-Identifier: Apache-2.0
// Coverage of one stream: the fragments with gaps, from the index and from memory as one.
#include <algorithm>

#include "streams/stream_log.hpp"

namespace streams {
namespace {

constexpr std::uint8_t kTokenVersion = 'c';  // no token of a listing begins so
constexpr auto kLive = std::chrono::seconds(30);
constexpr std::size_t kFirstRows = 32;  // most windows hold few gaps

store::ListPosition position_of(const StoredFragment& fragment) {
  return {fragment.header.producer_time, fragment.header.number};
}

bool by_position(const StoredFragment& a, const StoredFragment& b) {
  return position_of(a) < position_of(b);
}

}  // namespace

std::string StreamLog::write_coverage_token(base::WallTime from, base::WallTime to) const {
  base::Bytes bytes;
  base::ByteWriter out(bytes);
  out.u8(kTokenVersion);
  out.u64(stream_.id);
  out.u32(stream_.generation);
  out.u64(static_cast<std::uint64_t>(base::to_microseconds(from)));
  out.u64(static_cast<std::uint64_t>(base::to_microseconds(to)));
  return base::to_base64_url(bytes);
}

// Puts the window of the token into the query.
bool StreamLog::parse_coverage_token(CoverageQuery& query) const {
  const auto bytes = base::parse_base64_url(query.token);
  if (!bytes) return false;
  base::ByteReader in(*bytes);
  if (in.u8() != kTokenVersion || in.u64() != stream_.id || in.u32() != stream_.generation) return false;
  query.from = base::from_microseconds(static_cast<std::int64_t>(in.u64()));
  query.to = base::from_microseconds(static_cast<std::int64_t>(in.u64()));
  return in.ok() && in.remaining() == 0;
}

async::Task<base::Result<Coverage>> StreamLog::coverage(CoverageQuery query) {
  if (!query.token.empty() && !parse_coverage_token(query)) {
    co_return base::fail(base::Errc::InvalidArgument, "nextToken is not one that this stream's coverage gave");
  }
  if (query.from && query.to && *query.to <= *query.from) {
    co_return base::fail(base::Errc::InvalidArgument, "to must be after from");
  }
  auto found = co_await around_.readers->run([this, &query] { return coverage_now(query); });
  co_return found;
}

base::Result<Coverage> StreamLog::coverage_now(const CoverageQuery& query) {
  const base::WallTime from = query.from.value_or(base::WallTime::min());
  const base::WallTime to = query.to.value_or(base::WallTime::max());
  const base::WallTime now = around_.wall_clock();
  const std::size_t limit = std::max<std::size_t>(query.limit, 1);
  const Memory memory = look();
  CoverageWalk walk(from, to);
  TRY(const auto first, starting_at_now(TimeAxis::Producer, from));
  if (first) {
    walk.begin(*first);
    TRY(const auto rows, gaps_past(memory, position_of(*first), to, limit));
    for (const StoredFragment& row : rows) {
      if (walk.gap_count() >= limit && row.header.producer_time < to) {
        const base::WallTime next = walk.range_start();
        Coverage coverage = walk.take();
        coverage.next_token = write_coverage_token(next, to);
        return coverage;
      }
      if (!walk.pass(row)) break;
    }
  }
  TRY(const auto last, last_starting_before(memory, to));
  if (first) walk.finish(last ? *last : *first);
  TRY(const auto newest, last_starting_before(memory, base::WallTime::max()));
  if (newest && newest->header.producer_time < to) walk.add_open_gap(*newest, now);
  Coverage coverage = walk.take();
  const auto latest = this->last();
  coverage.is_live =
      latest && !latest->header.ended_by && now - (latest->header.server_time + latest->header.duration) < kLive;
  return coverage;
}

// The visible fragments with gaps past a position, one of them at or behind `to`, at most `limit` + 1.
base::Result<std::vector<StoredFragment>> StreamLog::gaps_past(const Memory& memory, store::ListPosition past,
                                                               base::WallTime to, std::size_t limit) {
  std::vector<StoredFragment> found;
  const auto is_enough = [&] {
    return found.size() > limit || (!found.empty() && found.back().header.producer_time >= to);
  };
  std::size_t page = std::min(kFirstRows, limit + 1);
  for (store::ListPosition at = past; !is_enough() && !memory.deleted; page = std::min<std::size_t>(page * 4, 4096)) {
    TRY(const auto rows, around_.index->gaps(stream_, at, page));
    for (const StoredFragment& row : rows) {
      if (memory.shows(row)) found.push_back(row);
    }
    if (rows.size() < page) break;
    at = position_of(rows.back());
  }
  for (const StoredFragment& fragment : memory.unindexed) {
    if (fragment.header.gap_before && position_of(fragment) > past) found.push_back(fragment);
  }
  std::ranges::sort(found, by_position);
  const auto same = [](const auto& a, const auto& b) { return a.header.number == b.header.number; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  if (found.size() > limit + 1) found.resize(limit + 1);
  return found;
}

// By producer time. Steps back over what is durable and not yet visible; what is past retention ends the search.
base::Result<std::optional<StoredFragment>> StreamLog::last_starting_before(const Memory& memory, base::WallTime time) {
  std::optional<StoredFragment> best;
  for (const StoredFragment& fragment : memory.unindexed) {
    const bool later = !best || position_of(fragment) > position_of(*best);
    if (fragment.header.producer_time < time && later) best = fragment;
  }
  for (base::WallTime at = time; !memory.deleted;) {
    TRY(const auto row, around_.index->at_or_before(stream_, TimeAxis::Producer, at - std::chrono::microseconds(1)));
    if (!row) break;
    at = row->header.producer_time;
    if (!memory.shows(*row) && row->header.number > memory.visible_through) continue;
    if (memory.shows(*row) && (!best || position_of(*row) > position_of(*best))) best = row;
    break;
  }
  return best;
}

}  // namespace streams

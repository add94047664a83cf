// SPDX-License-Identifier: Apache-2.0
#include "streams/session_window.hpp"

#include <algorithm>

namespace streams {
namespace {

using async::Task;
using base::Errc;
using base::Result;

constexpr std::size_t kCountAtOnce = 1000;
// A replay begins with its first playlist full, but for more than so much: players want some segments to begin with.
constexpr auto kMostReplayHead = std::chrono::seconds(10);
constexpr std::size_t kMostHeadFragments = 100;
constexpr std::size_t kMeasuredFragments = 100;

// Producer time: of fragments with the same start, the larger number stays (contract 5.2).
void drop_duplicates(std::vector<StoredFragment>& fragments) {
  const auto same_start = [](const StoredFragment& a, const StoredFragment& b) {
    return a.header.producer_time == b.header.producer_time;
  };
  std::ranges::reverse(fragments);
  const auto rest = std::ranges::unique(fragments, same_start);
  fragments.erase(rest.begin(), rest.end());
  std::ranges::reverse(fragments);
}

// Moves on by one fragment and keeps the newest of the playlist.
void push(SessionWindow& window, const StreamingSession& session, const StoredFragment& fragment) {
  window.fragments.push_back(fragment);
  if (window.fragments.size() <= session.max_fragments) return;
  window.before = count_fragment(session, window.before ? &*window.before : nullptr, window.fragments.front());
  window.fragments.erase(window.fragments.begin());
}

// Counts from `place` (none: the session's start) up to just before `until`.
Task<Result<std::optional<LivePlace>>> count_until(FragmentLogPtr log, StreamingSession session,
                                                   std::optional<LivePlace> place, FragmentNumber until) {
  for (;;) {
    const FragmentNumber after = place ? place->number : FragmentNumber{session.first.value - 1};
    CO_TRY(std::vector<StoredFragment> next, co_await log->after(after, kCountAtOnce));
    for (const StoredFragment& fragment : next) {
      if (fragment.header.number >= until) co_return place;
      place = count_fragment(session, place ? &*place : nullptr, fragment);
    }
    if (next.empty()) co_return place;
  }
}

// What a replay has reached: fragments follow as the durations of those before them pass (contract 5.2).
Task<Result<SessionWindow>> find_replay(FragmentLogPtr log, StreamingSession session, std::optional<LivePlace> place,
                                        base::WallTime now) {
  SessionWindow window{.fragments = {}, .before = place, .ended = false};
  const auto reached = now - session.origin;
  FragmentNumber after = place ? place->number : FragmentNumber{session.first.value - 1};
  for (;;) {
    CO_TRY(std::vector<StoredFragment> next, co_await log->after(after, kCountAtOnce));
    for (const StoredFragment& fragment : next) {
      after = fragment.header.number;
      const base::WallTime start = start_of(fragment, session.axis);
      if (start < session.from || start > session.to) continue;
      if (place && place->played > reached) co_return window;
      place = count_fragment(session, place ? &*place : nullptr, fragment);
      push(window, session, fragment);
    }
    if (next.empty()) break;
  }
  window.ended = now > session.to;
  co_return window;
}

Task<Result<SessionWindow>> find_live(FragmentLogPtr log, StreamingSession session, std::optional<LivePlace> known) {
  SessionWindow window;
  CO_TRY(window.fragments, co_await log->newest(session.max_fragments));
  std::erase_if(window.fragments, [&](const StoredFragment& f) { return f.header.number < session.first; });
  if (window.fragments.empty()) co_return window;
  const FragmentNumber first = window.fragments.front().header.number;
  // A count that is past this window belongs to a newer one: count anew.
  if (known && known->number >= first) known.reset();
  CO_TRY(window.before, co_await count_until(log, session, known, first));
  co_return window;
}

}  // namespace

Task<Result<SessionWindow>> find_window(FragmentLogPtr log, StreamingSession session, std::optional<LivePlace> known,
                                        base::WallTime now) {
  SessionWindow window;
  switch (session.mode) {
    case PlaybackMode::OnDemand: {
      CO_TRY(window.fragments, co_await list_range(log, session, session.max_fragments));
      window.ended = true;
      break;
    }
    case PlaybackMode::LiveReplay: {
      CO_TRY(window, co_await find_replay(log, session, known, now));
      break;
    }
    case PlaybackMode::Live: {
      CO_TRY(window, co_await find_live(log, session, known));
      break;
    }
  }
  if (window.fragments.empty()) co_return base::fail(Errc::NotFound, kNothingToPlay);
  co_return window;
}

Task<Result<std::vector<StoredFragment>>> list_range(FragmentLogPtr log, StreamingSession session, std::size_t limit) {
  const FragmentQuery query{
      .axis = session.axis, .from = session.from, .to = session.to, .limit = std::min(limit, kCountAtOnce)};
  CO_TRY(FragmentPage page, co_await log->list(query));
  std::vector<StoredFragment> fragments = std::move(page.fragments);
  while (!page.next_token.empty() && fragments.size() < limit) {
    CO_TRY(page, co_await log->list_next(page.next_token, std::min(limit - fragments.size(), kCountAtOnce)));
    fragments.insert(fragments.end(), page.fragments.begin(), page.fragments.end());
  }
  if (session.axis == TimeAxis::Producer) drop_duplicates(fragments);
  co_return fragments;
}

Task<Result<std::chrono::microseconds>> find_replay_head(FragmentLogPtr log, StreamingSession session) {
  const std::size_t count = std::min<std::size_t>(session.max_fragments, kMostHeadFragments);
  CO_TRY(const std::vector<StoredFragment> first, co_await log->after({session.first.value - 1}, count));
  std::chrono::microseconds head{};
  for (std::size_t i = 0; i + 1 < first.size(); ++i) head += first[i].header.duration;
  co_return std::min<std::chrono::microseconds>(head, kMostReplayHead);
}

Task<Result<std::chrono::microseconds>> longest_of(FragmentLogPtr log, StreamingSession session) {
  std::vector<StoredFragment> measured;
  if (session.mode == PlaybackMode::Live) {
    CO_TRY(measured, co_await log->newest(kMeasuredFragments));
  } else {
    CO_TRY(measured, co_await log->after({session.first.value - 1}, kMeasuredFragments));
  }
  std::chrono::microseconds longest{};
  for (const StoredFragment& fragment : measured) longest = std::max(longest, fragment.header.duration);
  co_return longest;
}

}  // namespace streams

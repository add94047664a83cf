// SPDX-License-Identifier: Apache-2.0
#pragma once
// For the tests of this room: a log that answers when the test says so.

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "streams/fragment_log.hpp"

namespace streams {

class HeldLog final : public FragmentLog {
 public:
  struct Commit {
    FragmentNumber number;
    FragmentDraft draft;
    Committed done;
  };

  StreamKey stream() const override { return {1, 1}; }
  FragmentNumber open_fragment(base::WallTime) override {
    open.push_back({++next});
    return {next};
  }
  void commit(FragmentNumber number, FragmentDraft draft, Committed done) override {
    std::erase(open, number);
    drafts.push_back(draft);
    held.push_back({number, std::move(draft), std::move(done)});
    if (at_once) answer();
  }
  void abandon(FragmentNumber number) override { std::erase(open, number); }
  std::optional<StoredFragment> last() const override { return std::nullopt; }
  std::optional<RecordingEnd> recorded_until() const override { return recording_end; }
  async::Task<base::Result<FragmentPage>> list(FragmentQuery) override { co_return FragmentPage{}; }
  async::Task<base::Result<FragmentPage>> list_next(std::string, std::size_t) override { co_return FragmentPage{}; }
  async::Task<base::Result<std::optional<StoredFragment>>> find(FragmentNumber) override {
    co_return std::optional<StoredFragment>();
  }
  async::Task<base::Result<std::vector<StoredFragment>>> after(FragmentNumber, std::size_t) override {
    co_return std::vector<StoredFragment>();
  }
  async::Task<base::Result<std::vector<StoredFragment>>> newest(std::size_t) override {
    co_return std::vector<StoredFragment>();
  }
  async::Task<base::Result<std::optional<StoredFragment>>> starting_at(TimeAxis, base::WallTime) override {
    co_return std::optional<StoredFragment>();
  }
  async::Task<base::Result<Coverage>> coverage(CoverageQuery) override { co_return Coverage{}; }
  async::Task<base::Result<Payload>> read(StoredFragment) override { co_return Payload(); }
  async::Task<std::optional<StoredFragment>> wait_after(FragmentNumber, base::Duration) override {
    co_return std::nullopt;
  }
  bool deleted() const override { return is_deleted; }

  void answer() {
    while (!held.empty()) {
      Commit commit = std::move(held.front());
      held.pop_front();
      if (refuse) {
        live_edge().abandoned(commit.number);
        commit.done(base::fail(base::Errc::Unavailable, "full"));
      } else {
        StoredFragment stored;
        stored.place.volume = is_durable ? 1 : 0;
        live_edge().committed(commit.number);
        commit.done(stored);
      }
    }
  }

  std::uint64_t next = 0;
  std::vector<FragmentNumber> open;
  std::vector<FragmentDraft> drafts;
  std::deque<Commit> held;
  std::optional<RecordingEnd> recording_end;
  bool at_once = true;
  bool refuse = false;
  bool is_durable = true;
  bool is_deleted = false;
};

}  // namespace streams

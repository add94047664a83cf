// SPDX-License-Identifier: Apache-2.0
// A month of recordings in a data directory that no server has open, for clients/console_month:
//
//   recorded_month DATA_DIR FROM_STREAM TO_STREAM DAYS
//
// Every hour the fragments of FROM_STREAM are recorded again into TO_STREAM, which exists and is empty, one behind the
// other. Before each hour nobody was sending; within it every seventh fragment says that packets were lost before it.
// The pictures keep the clock of the fragments that they are copies of.
#include <fmt/format.h>

#include <cstdlib>
#include <semaphore>

#include "async/disk_worker.hpp"
#include "async/secure_random.hpp"
#include "async/shard.hpp"
#include "streams/archive.hpp"
#include "streams/catalog.hpp"

namespace {

using base::WallTime;
using std::chrono::hours;

constexpr auto kLost = std::chrono::milliseconds(400);
constexpr std::size_t kBetweenLosses = 7;

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "recorded_month: {}\n", why);
  std::exit(1);
}

template <class T>
T must(base::Result<T> result) {
  if (!result) give_up(result.error().message);
  return *std::move(result);
}

struct Copied {
  streams::StoredFragment fragment;
  streams::Payload payload;
};

std::vector<Copied> read_all(async::Shard& shard, streams::FragmentLog& log) {
  std::vector<Copied> copies;
  const auto read = [&]() -> async::Task<base::Result<void>> {
    CO_TRY(const auto fragments, co_await log.after({}, 1000));
    for (const streams::StoredFragment& fragment : fragments) {
      CO_TRY(streams::Payload payload, co_await log.read(fragment));
      copies.push_back({fragment, std::move(payload)});
    }
    co_return base::Result<void>{};
  };
  if (const auto done = shard.run_blocking(read); !done) give_up(done.error().message);
  return copies;
}

// `durable`, where it is given, is released when the fragment is on disk.
void commit(streams::FragmentLog& log, streams::FragmentDraft draft, std::binary_semaphore* durable) {
  const auto number = log.open_fragment(draft.server_time);
  log.commit(number, std::move(draft), [durable](base::Result<streams::StoredFragment> stored) {
    if (!stored) give_up(stored.error().message);
    if (durable != nullptr) durable->release();
  });
}

// One hour's recording from `at` on; where it ended.
WallTime record_hour(streams::FragmentLog& log, const std::vector<Copied>& copies, WallTime before, WallTime at) {
  std::binary_semaphore durable(0);
  WallTime end = before;
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const streams::FragmentHeader& header = copies[i].fragment.header;
    streams::FragmentDraft draft;
    if (i == 0) {
      draft.gap_before = store::Gap{streams::GapReason::PublisherLeft, before, at};
    } else if (i % kBetweenLosses == 0) {
      draft.gap_before = store::Gap{streams::GapReason::PacketsLost, end, end + kLost};
      end += kLost;
    }
    draft.producer_time = draft.server_time = i == 0 ? at : end;
    draft.duration = header.duration;
    draft.flags = header.flags;
    draft.codec_fingerprint = header.codec_fingerprint;
    draft.pictures_after = header.pictures_after;
    draft.sound_after = header.sound_after;
    draft.sound_length = header.sound_length;
    draft.payload = copies[i].payload;
    if (i + 1 == copies.size()) draft.ended_by = streams::GapReason::PublisherLeft;
    end = draft.producer_time + header.duration;
    commit(log, std::move(draft), i + 1 == copies.size() ? &durable : nullptr);
  }
  durable.acquire();
  return end;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) give_up("usage: recorded_month DATA_DIR FROM_STREAM TO_STREAM DAYS");
  async::DiskWorker readers{{"readers", 1, 64}};
  async::SecureRandom random;
  async::Shard shard("month");
  streams::ArchiveOptions options;
  options.directory = argv[1];
  const auto archive = must(streams::open_archive(options, readers));
  const auto metadata = must(store::open_sqlite_metadata(options.directory + "/catalog.sqlite"));
  streams::Catalog catalog({}, *metadata, *archive, readers, random);
  if (const auto loaded = catalog.load(); !loaded) give_up(loaded.error().message);
  const auto from = archive->log(must(catalog.find_stream({argv[2], std::nullopt}))->key);
  const auto to = archive->log(must(catalog.find_stream({argv[3], std::nullopt}))->key);
  const std::vector<Copied> copies = read_all(shard, *from);
  if (copies.empty()) give_up("FROM_STREAM holds nothing");
  const auto all_hours = hours(24 * std::atoi(argv[4]));
  const WallTime begin = std::chrono::floor<hours>(async::wall_now()) - all_hours + hours(1);
  WallTime end = begin - hours(1);
  for (auto hour = hours(0); hour < all_hours - hours(2); ++hour) end = record_hour(*to, copies, end, begin + hour);
  archive->flush();
  fmt::print("{{\"fragments\":{},\"first\":{},\"end\":{}}}\n",
             copies.size() * static_cast<std::size_t>((all_hours - hours(2)).count()), base::to_microseconds(begin),
             base::to_microseconds(end));
  return 0;
}

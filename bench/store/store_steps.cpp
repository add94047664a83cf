// SPDX-License-Identifier: Apache-2.0
// One step of `./dev bench store` per run, so that each has a process of its own whose CPU time is counted whole:
//
//   store_steps archive|log|files DIR STREAMS SECONDS   fragments of 250 KB, one every 2 s from each stream, staggered
//   store_steps index DIR ROWS                          rows into the fragment index, 500 to a transaction
//   store_steps fill DIR FRAGMENTS                      an archive of fragments of 1 KB
//   store_steps start DIR                               opening such an archive, and listing it
//
// `log` is the floor: appended to one preallocated file, one fdatasync for all that waits. `files`: a file per fragment
// on four threads, each synced with its directory. Each prints one line of JSON.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "async/disk_worker.hpp"
#include "async/shard.hpp"
#include "base/random.hpp"
#include "store/fragment_index.hpp"
#include "streams/archive.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using streams::StoredFragment;

constexpr std::size_t kFragmentBytes = 250'000;
constexpr auto kPeriod = std::chrono::seconds(2);

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "store_steps: {}\n", why);
  std::exit(1);
}

base::Result<void> no_problem(bool ok, const char* what) {
  if (!ok) give_up(fmt::format("{}: {}", what, std::generic_category().message(errno)));
  return {};
}

// Latencies from handing over to durable. Filled by writer threads.
class Latencies {
 public:
  void add(Clock::time_point handed) {
    const std::lock_guard lock(mutex_);
    milliseconds_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - handed).count());
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return milliseconds_.size();
  }
  double at(double share) {
    std::ranges::sort(milliseconds_);
    return milliseconds_[std::min(milliseconds_.size() - 1,
                                  static_cast<std::size_t>(share * static_cast<double>(milliseconds_.size())))];
  }

 private:
  mutable std::mutex mutex_;
  std::vector<double> milliseconds_;
};

// Hands a fragment over for each stream in turn, on schedule, and waits until all are durable.
using HandOver = std::function<void(std::size_t stream, Clock::time_point handed)>;

void run_schedule(const char* step, std::size_t streams, int seconds, Latencies& latencies, const HandOver& hand_over) {
  const auto gap = std::chrono::duration_cast<Clock::duration>(kPeriod) / streams;
  const std::size_t count = streams * static_cast<std::size_t>(seconds) / 2;
  const double cpu_before = cpu_seconds();
  const Clock::time_point began = Clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    std::this_thread::sleep_until(began + gap * i);
    hand_over(i % streams, Clock::now());
  }
  while (latencies.count() < count) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const double elapsed = std::chrono::duration<double>(Clock::now() - began).count();
  fmt::print(
      "{{\"step\":\"{}\",\"streams\":{},\"fragments\":{},\"fragments_per_second\":{:.1f},"
      "\"cpu_us_per_fragment\":{:.1f},\"p50_ms\":{:.2f},\"p99_ms\":{:.2f},\"max_ms\":{:.2f}}}\n",
      step, streams, count, static_cast<double>(count) / elapsed,
      (cpu_seconds() - cpu_before) / static_cast<double>(count) * 1e6, latencies.at(0.5), latencies.at(0.99),
      latencies.at(1));
}

base::Bytes make_payload(std::size_t size) {
  base::SeededRandom random(1);
  base::Bytes payload(size);
  random.fill(payload);
  return payload;
}

void run_archive(const std::string& directory, std::size_t streams, int seconds) {
  async::DiskWorker readers{{"readers", 1, 64}};
  streams::ArchiveOptions options;
  options.directory = directory;
  auto archive = streams::open_archive(options, readers);
  if (!archive) give_up(archive.error().message);
  std::vector<std::shared_ptr<streams::FragmentLog>> logs;
  for (std::size_t i = 0; i < streams; ++i) logs.push_back((*archive)->log({i + 1, 1}));
  const auto payload = std::make_shared<const base::Bytes>(make_payload(kFragmentBytes));
  Latencies latencies;
  run_schedule("archive", streams, seconds, latencies, [&](std::size_t stream, Clock::time_point handed) {
    streams::FragmentDraft draft;
    draft.producer_time = draft.server_time = async::wall_now();
    draft.duration = kPeriod;
    draft.payload = payload;
    const auto number = logs[stream]->open_fragment(draft.server_time);
    logs[stream]->commit(number, std::move(draft), [&latencies, handed](base::Result<StoredFragment> result) {
      if (!result) give_up(result.error().message);
      latencies.add(handed);
    });
  });
}

// The raw step: nothing but append, group commit and fdatasync.
class RawLog {
 public:
  RawLog(const std::string& path, Latencies& latencies, const base::Bytes& payload)
      : latencies_(latencies), payload_(payload), fd_(::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR, 0640)) {
    no_problem(fd_ >= 0, "open").value();
    thread_ = std::thread([this] { run(); });
  }
  ~RawLog() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    arrived_.notify_one();
    thread_.join();
    ::close(fd_);
  }
  void hand_over(Clock::time_point handed) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(handed);
    }
    arrived_.notify_one();
  }

 private:
  void run() {
    constexpr off_t kReserve = 32 << 20;
    off_t at = 0, reserved = 0;
    while (true) {
      std::deque<Clock::time_point> group;
      {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        group.swap(queue_);
      }
      const auto size = static_cast<off_t>(group.size() * kFragmentBytes);
      if (at + size > reserved) {
        reserved = (at + size + kReserve - 1) / kReserve * kReserve;
        no_problem(::fallocate(fd_, 0, 0, reserved) == 0, "fallocate").value();
      }
      std::vector<iovec> pieces(group.size(), iovec{const_cast<std::uint8_t*>(payload_.data()), payload_.size()});
      for (std::size_t done = 0; done < pieces.size();) {
        const int part = static_cast<int>(std::min<std::size_t>(pieces.size() - done, 512));
        const ssize_t written = ::pwritev(fd_, &pieces[done], part, at);
        no_problem(written == static_cast<ssize_t>(static_cast<std::size_t>(part) * kFragmentBytes), "pwritev").value();
        at += written;
        done += static_cast<std::size_t>(part);
      }
      no_problem(::fdatasync(fd_) == 0, "fdatasync").value();
      for (const Clock::time_point handed : group) latencies_.add(handed);
    }
  }

  Latencies& latencies_;
  const base::Bytes& payload_;
  int fd_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Clock::time_point> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

void run_log(const std::string& directory, std::size_t streams, int seconds) {
  std::filesystem::create_directories(directory);
  const base::Bytes payload = make_payload(kFragmentBytes);
  Latencies latencies;
  RawLog log(directory + "/raw.log", latencies, payload);
  run_schedule("log", streams, seconds, latencies,
               [&log](std::size_t, Clock::time_point handed) { log.hand_over(handed); });
}

void write_file(const std::string& path, const base::Bytes& payload, int directory) {
  const int fd = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0640);
  no_problem(fd >= 0, "open").value();
  no_problem(::write(fd, payload.data(), payload.size()) == static_cast<ssize_t>(payload.size()), "write").value();
  no_problem(::fdatasync(fd) == 0, "fdatasync").value();
  ::close(fd);
  no_problem(::fsync(directory) == 0, "fsync").value();
}

void run_files(const std::string& directory, std::size_t streams, int seconds) {
  std::filesystem::create_directories(directory);
  const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY);
  const base::Bytes payload = make_payload(kFragmentBytes);
  Latencies latencies;
  async::DiskWorker writers{{"writers", 4, 4096}};
  async::Shard shard("bench");
  std::atomic<std::size_t> next = 0;
  run_schedule("files", streams, seconds, latencies, [&](std::size_t, Clock::time_point handed) {
    shard.spawn("write", [&, handed]() -> async::Task<void> {
      co_await writers.run([&] { write_file(fmt::format("{}/{}.mkv", directory, next++), payload, folder); });
      latencies.add(handed);
    });
  });
  ::close(folder);
}

void run_index(const std::string& directory, std::size_t rows) {
  std::filesystem::create_directories(directory);
  auto index = store::open_sqlite_index(directory + "/index.db");
  if (!index) give_up(index.error().message);
  constexpr std::size_t kBatch = 500, kStreams = 500;
  const double cpu_before = cpu_seconds();
  const Clock::time_point began = Clock::now();
  std::vector<StoredFragment> batch(kBatch);
  for (std::size_t done = 0; done < rows; done += kBatch) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      StoredFragment& fragment = batch[i];
      fragment.header.stream = {(done + i) % kStreams + 1, 1};
      fragment.header.number = {1'790'000'000'000'000 + (done + i) * 4'000};
      fragment.header.producer_time = fragment.header.server_time =
          base::from_microseconds(static_cast<std::int64_t>(fragment.header.number.value));
      fragment.header.duration = kPeriod;
      fragment.payload_size = kFragmentBytes;
      fragment.place = {1 + done / 4'000, (done + i) * 250'128, 128};
    }
    const store::VolumeMark mark{batch.back().place.volume, batch.back().place.offset, false};
    if (auto inserted = (*index)->insert(batch, {&mark, 1}); !inserted) give_up(inserted.error().message);
  }
  const double elapsed = std::chrono::duration<double>(Clock::now() - began).count();
  fmt::print("{{\"step\":\"index\",\"rows\":{},\"cpu_us_per_row\":{:.2f},\"rows_per_second\":{:.0f}}}\n", rows,
             (cpu_seconds() - cpu_before) / static_cast<double>(rows) * 1e6, static_cast<double>(rows) / elapsed);
}

void run_fill(const std::string& directory, std::size_t fragments) {
  constexpr std::size_t kStreams = 10;
  async::DiskWorker readers{{"readers", 1, 64}};
  streams::ArchiveOptions options;
  options.directory = directory;
  auto archive = streams::open_archive(options, readers);
  if (!archive) give_up(archive.error().message);
  const auto payload = std::make_shared<const base::Bytes>(make_payload(1000));
  const base::WallTime start = async::wall_now() - std::chrono::hours(24 * 365);
  std::vector<std::shared_ptr<streams::FragmentLog>> logs;
  for (std::size_t i = 0; i < kStreams; ++i) logs.push_back((*archive)->log({i + 1, 1}));
  for (std::size_t i = 0; i < fragments; ++i) {
    streams::FragmentDraft draft;
    draft.producer_time = draft.server_time = start + kPeriod * (i / kStreams);
    draft.duration = kPeriod;
    draft.payload = payload;
    auto& log = logs[i % kStreams];
    log->commit(log->open_fragment(draft.server_time), std::move(draft), [](base::Result<StoredFragment> result) {
      if (!result) give_up(result.error().message);
    });
    if (i % 20'000 == 0) (*archive)->flush();
  }
  (*archive)->flush();
  fmt::print("{{\"step\":\"fill\",\"fragments\":{}}}\n", fragments);
}

double milliseconds_of(const std::function<void()>& work) {
  const Clock::time_point began = Clock::now();
  work();
  return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

void run_start(const std::string& directory) {
  async::DiskWorker readers{{"readers", 1, 64}};
  streams::ArchiveOptions options;
  options.directory = directory;
  std::unique_ptr<streams::Archive> archive;
  const double open = milliseconds_of([&] {
    auto opened = streams::open_archive(options, readers);
    if (!opened) give_up(opened.error().message);
    archive = *std::move(opened);
  });
  async::Shard shard("bench");
  const auto log = archive->log({3, 1});
  std::vector<double> lists;
  for (int round = 0; round < 21; ++round) {
    lists.push_back(milliseconds_of([&] {
      streams::FragmentQuery query;
      query.from = async::wall_now() - std::chrono::hours(24 * 365) + std::chrono::minutes(round);
      auto page = shard.run_blocking([&] { return log->list(query); });
      if (!page || page->fragments.empty()) give_up("the listing is empty");
    }));
  }
  std::ranges::sort(lists);
  fmt::print("{{\"step\":\"start\",\"open_ms\":{:.2f},\"list_100_ms\":{:.3f}}}\n", open, lists[lists.size() / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) give_up("see the head of bench/store/store_steps.cpp");
  const std::string step = argv[1], directory = argv[2];
  const std::size_t number = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
  const int seconds = argc > 4 ? std::atoi(argv[4]) : 0;
  if (step == "archive") run_archive(directory, number, seconds);
  if (step == "log") run_log(directory, number, seconds);
  if (step == "files") run_files(directory, number, seconds);
  if (step == "index") run_index(directory, number);
  if (step == "fill") run_fill(directory, number);
  if (step == "start") run_start(directory);
  return 0;
}

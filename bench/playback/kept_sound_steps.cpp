// SPDX-License-Identifier: Apache-2.0
// What a fragment's rendered sound costs: rendering it, putting it into the cache on disk, and finding it there again
// while the kernel has the file in memory and when it does not. Medians over all fragments, as one line of JSON.
#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/check.hpp"
#include "client/media_files.hpp"
#include "store/derived_files.hpp"
#include "streams/rendered_sound.hpp"

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::WallTime kOnAir{seconds(1'795'000'000)};
constexpr int kPacketsInFragment = 100;  // of 20 ms

// Processor time of this thread, and time that passed, in microseconds.
struct Costs {
  std::vector<double> processor, passed;

  template <class F>
  void add(F step) {
    timespec before{}, after{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    const auto began = std::chrono::steady_clock::now();
    step();
    passed.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count());
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    processor.push_back(static_cast<double>(after.tv_sec - before.tv_sec) * 1e6 +
                        static_cast<double>(after.tv_nsec - before.tv_nsec) / 1e3);
  }
  static double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
  }
  std::string text(const char* name) const {
    return fmt::format("\"{0}_cpu_us\": {1:.1f}, \"{0}_wall_us\": {2:.1f}", name, median(processor), median(passed));
  }
};

void forget_pages(const std::string& directory) {
  ::sync();
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
    ::close(fd);
  }
}

std::vector<streams::OpusPacket> packets_of(const std::vector<base::Bytes>& all, std::size_t fragment) {
  std::vector<streams::OpusPacket> packets;
  const std::size_t first = fragment * kPacketsInFragment;
  for (std::size_t i = first < 20 ? 0 : first - 20; i < first + kPacketsInFragment; ++i) {
    const auto at = static_cast<std::int64_t>(i);
    packets.push_back({2, kOnAir + milliseconds(20 * at), 960 * at, all[i]});
  }
  return packets;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "kept_sound_steps FILE.opus NEW_DIRECTORY\n");
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  const base::Bytes bytes{std::istreambuf_iterator<char>(file), {}};
  const auto packets = client::read_ogg_opus(bytes);
  if (!packets || packets->size() < kPacketsInFragment) {
    fmt::print(stderr, "{} is no Ogg Opus file of two seconds or more\n", argv[1]);
    return 1;
  }
  store::DerivedOptions options;
  options.directory = argv[2];
  auto files = store::DerivedFiles::open(options, store::posix_files()).value();
  Costs rendering, putting, warm, cold;
  const std::size_t fragments = packets->size() / kPacketsInFragment;
  std::size_t size = 0;
  for (std::size_t f = 0; f < fragments; ++f) {
    const base::WallTime start = kOnAir + seconds(2 * static_cast<std::int64_t>(f));
    const auto from = packets_of(*packets, f);
    base::Result<streams::RenderedAudio> sound;
    rendering.add([&] { sound = streams::render_audio(from, start, start + seconds(2)); });
    CHECK(sound.has_value());
    putting.add([&] { files->put({{1, 1}, {f + 1}}, "bench", streams::write_sound(*sound), files->ticket()); });
  }
  size = files->stats().bytes / fragments;
  const auto find_all = [&](Costs& costs) {
    for (std::size_t f = 0; f < fragments; ++f) {
      const base::WallTime start = kOnAir + seconds(2 * static_cast<std::int64_t>(f));
      std::optional<streams::RenderedAudio> sound;
      costs.add([&] {
        const auto kept = files->find({{1, 1}, {f + 1}}, "bench");
        if (kept) sound = streams::parse_sound(*kept, streams::find_aac_units(start, start + seconds(2)));
      });
      CHECK(sound.has_value());
    }
  };
  find_all(warm);
  forget_pages(argv[2]);
  find_all(cold);
  fmt::print("{{\"fragments\": {}, \"disk_bytes\": {}, {}, {}, {}, {}}}\n", fragments, size, rendering.text("render"),
             putting.text("put"), warm.text("find_warm"), cold.text("find_cold"));
  return 0;
}

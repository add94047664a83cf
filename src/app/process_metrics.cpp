// SPDX-License-Identifier: Apache-2.0
#include "app/process_metrics.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "store/sqlite_memory.hpp"

namespace app {
namespace {

// Second number of /proc/self/statm, in pages (proc(5)).
std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t open_files() {
  std::error_code ignored;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", ignored), end; it != end; it.increment(ignored)) ++count;
  return count > 0 ? count - 1 : 0;  // the one that reads the directory
}

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string sample(const char* name, const char* type, const char* help, const auto& value) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, type, help, value);
}

}  // namespace

std::string render_process_metrics() {
  const struct mallinfo2 heap = mallinfo2();
  return sample("process_resident_memory_bytes", "gauge", "memory in use", resident_bytes()) +
         sample("process_open_fds", "gauge", "open files and sockets", open_files()) +
         sample("process_cpu_seconds_total", "counter", "CPU time", processor_seconds()) +
         sample("tidegate_heap_used_bytes", "gauge", "allocated and not freed (mallinfo2)",
                static_cast<std::uint64_t>(heap.uordblks) + static_cast<std::uint64_t>(heap.hblkhd)) +
         sample("tidegate_sqlite_memory_bytes", "gauge",
                "of that, what SQLite holds: pages of the index and the catalog", store::sqlite_memory_bytes());
}

}  // namespace app

// SPDX-License-Identifier: Apache-2.0
// kill -9 of a process that writes: everything that it acknowledged is listed afterwards, bit for bit.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "async/disk_worker.hpp"
#include "async/shard.hpp"
#include "base/random.hpp"
#include "store/crc32c.hpp"
#include "streams/archive.hpp"

extern char** environ;

namespace streams {
namespace {

constexpr const char* kDirectoryVariable = "TIDEGATE_KILL_TEST_DIRECTORY";
constexpr const char* kSeedVariable = "TIDEGATE_KILL_TEST_SEED";
constexpr std::uint64_t kStreams = 5;

// The child: writes for ever, and says on standard output what was acknowledged.
void write_until_killed(const char* directory) {
  base::SeededRandom random(std::strtoull(std::getenv(kSeedVariable), nullptr, 10));
  async::DiskWorker readers{{"readers", 1, 4096}};
  ArchiveOptions options;
  options.directory = directory;
  auto archive = open_archive(options, readers);
  ASSERT_TRUE(archive) << archive.error().message;
  while (true) {
    const StreamKey key{1 + random.below(kStreams), 1};
    static std::map<StreamKey, std::shared_ptr<FragmentLog>> logs;
    auto& log = logs[key];
    if (!log) log = (*archive)->log(key);
    base::Bytes payload(random.below(random.below(10) == 0 ? 300'000 : 20'000) + 1);
    random.fill(payload);
    FragmentDraft draft;
    draft.server_time = draft.producer_time = async::wall_now();
    draft.duration = std::chrono::seconds(2);
    draft.payload = std::make_shared<const base::Bytes>(std::move(payload));
    const std::uint32_t crc = store::crc32c(*draft.payload);
    const FragmentNumber number = log->open_fragment(draft.server_time);
    log->commit(number, std::move(draft), [key, number, crc](base::Result<StoredFragment> result) {
      if (!result) return;
      const std::string line =
          "ack " + std::to_string(key.id) + " " + std::to_string(number.value) + " " + std::to_string(crc) + "\n";
      if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::abort();
    });
    if (random.below(4) == 0) (*archive)->flush();
  }
}

struct Acknowledged {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> crcs;  // by stream and number
};

// Lets a child write until it has acknowledged `count` fragments, then kills it.
void run_and_kill(const std::string& directory, std::uint64_t seed, std::size_t count, Acknowledged& acknowledged) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  ::setenv(kDirectoryVariable, directory.c_str(), 1);
  ::setenv(kSeedVariable, std::to_string(seed).c_str(), 1);
  std::string filter = "--gtest_filter=Kill.NothingAcknowledgedIsLost";
  std::string program = "/proc/self/exe";
  char* arguments[] = {program.data(), filter.data(), nullptr};
  pid_t child = 0;
  ASSERT_EQ(::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  ::unsetenv(kDirectoryVariable);
  ::close(pipe_ends[1]);
  FILE* answers = ::fdopen(pipe_ends[0], "r");
  char line[256];
  std::size_t seen = 0;
  // What the child wrote before it died is read to the end: all of that was acknowledged.
  while (std::fgets(line, sizeof line, answers) != nullptr) {
    unsigned long long stream = 0, number = 0;
    unsigned crc = 0;
    char end = 0;
    if (std::sscanf(line, "ack %llu %llu %u%c", &stream, &number, &crc, &end) != 4 || end != '\n') continue;
    acknowledged.crcs[{stream, number}] = crc;
    if (++seen == count) ::kill(child, SIGKILL);
  }
  std::fclose(answers);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_GE(seen, count);
}

TEST(Kill, NothingAcknowledgedIsLost) {
  if (const char* directory = std::getenv(kDirectoryVariable)) {  // this process is the child of the same test
    write_until_killed(directory);
    return;
  }
  std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-kill-XXXXXX").string();
  const std::string directory = ::mkdtemp(pattern.data());
  Acknowledged acknowledged;
  base::SeededRandom random(11);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    run_and_kill(directory, seed, 1 + random.below(300), acknowledged);
    async::DiskWorker readers{{"readers", 1, 4096}};
    ArchiveOptions options;
    options.directory = directory;
    auto archive = open_archive(options, readers);
    ASSERT_TRUE(archive) << archive.error().message;
    async::Shard shard("test");
    std::size_t found = 0;
    for (std::uint64_t stream = 1; stream <= kStreams; ++stream) {
      const auto log = (*archive)->log({stream, 1});
      auto listed = shard.run_blocking([&] { return log->after({}, 10'000); });
      ASSERT_TRUE(listed) << listed.error().message;
      std::set<std::uint64_t> numbers;
      for (const StoredFragment& fragment : *listed) {
        auto payload = shard.run_blocking([&] { return log->read(fragment); });
        ASSERT_TRUE(payload) << payload.error().message;  // nothing partial is listed
        const auto ack = acknowledged.crcs.find({stream, fragment.header.number.value});
        if (ack == acknowledged.crcs.end()) continue;  // complete, but not acknowledged any more
        ASSERT_EQ(store::crc32c(**payload), ack->second);
        ++found;
      }
    }
    ASSERT_EQ(found, acknowledged.crcs.size()) << "seed " << seed;
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace streams

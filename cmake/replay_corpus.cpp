// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over every file of its corpus, and over truncations and single-byte changes of each.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr, "no corpus folder: %s\n", argc > 1 ? argv[1] : "(missing argument)");
    return 1;
  }
  std::size_t files = 0, inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<std::uint8_t> original((std::istreambuf_iterator<char>(file)), {});
    LLVMFuzzerTestOneInput(original.data(), original.size());
    ++files, ++inputs;
    const std::size_t step = original.size() / 200 + 1;  // keeps a large seed within a second
    for (std::size_t at = 0; at < original.size(); at += step, inputs += 3) {
      const std::vector<std::uint8_t> truncated(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(at));
      LLVMFuzzerTestOneInput(truncated.data(), truncated.size());
      auto changed = original;
      changed[at] ^= 0xff;
      LLVMFuzzerTestOneInput(changed.data(), changed.size());
      changed[at] = static_cast<std::uint8_t>(original[at] + 1);
      LLVMFuzzerTestOneInput(changed.data(), changed.size());
    }
  }
  std::printf("%zu corpus files, %zu inputs replayed\n", files, inputs);
  return files == 0;
}

// SPDX-License-Identifier: Apache-2.0
// ./dev bench impairments [--write] [WORD]: the whole matrix as a table, or the cells with WORD in their name. --write
// puts it into docs/impairments.md.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "matrix.hpp"
#include "recorded_call.hpp"
#include "table.hpp"

namespace {

constexpr const char* kDocument = TIDEGATE_SOURCE_DIR "/docs/impairments.md";

bool write_document(const std::string& table) {
  std::ostringstream before;
  before << std::ifstream(kDocument).rdbuf();
  const auto after = impairments::with_table(before.str(), table);
  if (!after) return false;
  std::ofstream file(kDocument);
  file << *after;
  return file.good();
}

}  // namespace

int main(int count, char** arguments) {
  using namespace impairments;
  const bool write = count > 1 && std::string(arguments[1]) == "--write";
  const std::string word = !write && count > 1 ? arguments[1] : "";
  int failed = 0;
  std::string table = table_head();
  fmt::print("{}", table);
  for (const Cell& cell : all_cells()) {
    if (!cell.name.contains(word)) continue;
    const Result result = RecordedCall(cell, 1).run();
    const std::string row = table_row(cell, result);
    table += row;
    fmt::print("{}", row);
    std::fflush(stdout);
    for (const std::string& shortfall : shortfalls(cell, result)) {
      ++failed;
      fmt::print(stderr, "FAILED {}: {}\n", cell.name, shortfall);
    }
  }
  if (write && !write_document(table)) {
    fmt::print(stderr, "docs/impairments.md was not written: it lacks the marks of its table\n");
    return 2;
  }
  return failed == 0 ? 0 : 1;
}

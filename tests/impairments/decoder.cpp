// SPDX-License-Identifier: Apache-2.0
#include "decoder.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/check.hpp"

namespace impairments {
namespace {

constexpr std::size_t kAtOnce = 40;  // inputs of one run of ffmpeg

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// framecrc: "#media_type 0: video" for each stream, then "0, pts, ..." for each picture or piece of sound.
std::uint64_t count_pictures(const std::string& text) {
  std::set<int> video;
  std::uint64_t pictures = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    int stream = 0;
    if (std::sscanf(line.c_str(), "#media_type %d: video", &stream) == 1) {
      if (line.ends_with("video")) video.insert(stream);
    } else if (!line.starts_with('#') && video.contains(std::atoi(line.c_str()))) {
      ++pictures;
    }
  }
  return pictures;
}

}  // namespace

Decoder::Decoder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-impairments-XXXXXX").string();
  CHECK(mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
}

Decoder::~Decoder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Decoder::add(const base::Bytes& document) {
  std::ofstream file(folder_ / fmt::format("{}.mkv", waiting_++), std::ios::binary);
  file.write(reinterpret_cast<const char*>(document.data()), static_cast<std::streamsize>(document.size()));
  CHECK(file.good());
  file.close();
  if (waiting_ == kAtOnce) flush();
}

void Decoder::flush() {
  if (waiting_ == 0) return;
  std::string command = fmt::format("cd {} && ffmpeg -nostdin -v error -xerror", folder_.string());
  for (std::size_t i = 0; i < waiting_; ++i) command += fmt::format(" -i {}.mkv", i);
  for (std::size_t i = 0; i < waiting_; ++i) command += fmt::format(" -map {}", i);
  command += " -fps_mode passthrough -f framecrc -y decoded.txt 2>errors.txt";
  const int code = std::system(command.c_str());
  if (const std::string errors = read_file(folder_ / "errors.txt"); code != 0 || !errors.empty()) {
    errors_ += fmt::format("ffmpeg ended with {}: {}\n", code, errors);
  }
  pictures_ += count_pictures(read_file(folder_ / "decoded.txt"));
  waiting_ = 0;
}

}  // namespace impairments

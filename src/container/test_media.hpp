// SPDX-License-Identifier: Apache-2.0
#pragma once
// Test material made by ffmpeg, and ffprobe's opinion of what we wrote. Only the tests include this.

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace container::test_media {

inline std::string run(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return "cannot run";
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, count);
  if (pclose(pipe) != 0) out += "\n[failed]";
  return out;
}

inline bool has_ffmpeg() {
  return std::system("command -v ffmpeg ffprobe >/dev/null 2>&1") == 0;
}

inline base::Bytes read_file(const std::string& path) {
  base::Bytes out;
  FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) return out;
  std::uint8_t buffer[65536];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file))
    out.insert(out.end(), buffer, buffer + count);
  std::fclose(file);
  return out;
}

// A directory of its own for each use, removed at the end.
class Scratch {
 public:
  Scratch() {
    char name[] = "/var/tmp/tidegate-test-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Scratch() { std::system(("rm -rf " + path_).c_str()); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, base::ByteView bytes) const {
    FILE* file = std::fopen((*this / name).c_str(), "wb");
    if (file) {
      std::fwrite(bytes.data(), 1, bytes.size(), file);
      std::fclose(file);
    }
    return *this / name;
  }
  base::Bytes read(const std::string& name) const { return read_file(*this / name); }

 private:
  std::string path_;
};

struct AccessUnit {
  base::Bytes payload;  // 4-byte lengths
  bool key_frame = false;
};
struct Video {
  base::Bytes sps, pps, avcc;
  std::vector<AccessUnit> units;
};

// Splits what x264 wrote, where every access unit starts with an AUD. Independent of the codecs room.
inline Video split_video(const base::Bytes& stream) {
  std::vector<base::Bytes> nals;
  std::size_t at = 0, start = 0;
  bool inside = false;
  auto close = [&](std::size_t end) {
    while (end > start && stream[end - 1] == 0) --end;
    if (inside) nals.emplace_back(stream.begin() + static_cast<long>(start), stream.begin() + static_cast<long>(end));
  };
  for (; at + 3 <= stream.size(); ++at) {
    if (stream[at] || stream[at + 1] || stream[at + 2] != 1) continue;
    close(at);
    start = at + 3;
    inside = true;
  }
  close(stream.size());
  Video video;
  for (const base::Bytes& nal : nals) {
    const int type = nal[0] & 0x1F;
    if (type == 9) video.units.emplace_back();
    if (type == 7) video.sps = nal;
    if (type == 8) video.pps = nal;
    base::ByteWriter writer(video.units.back().payload);
    writer.u32(nal.size());
    writer.bytes(nal);
    if (type == 5) video.units.back().key_frame = true;
  }
  base::ByteWriter writer(video.avcc);
  writer.u8(1);
  writer.bytes(base::ByteView(video.sps).subspan(1, 3));
  writer.u8(0xFF);
  writer.u8(0xE1);
  writer.u16(video.sps.size());
  writer.bytes(video.sps);
  writer.u8(1);
  writer.u16(video.pps.size());
  writer.bytes(video.pps);
  return video;
}

// 25 frames a second, 160x96, a key frame every `gop` frames.
inline Video make_video(const Scratch& scratch, int frames, int gop, int b_frames) {
  std::ostringstream command;
  command << "ffmpeg -v error -y -f lavfi -i testsrc=size=160x96:rate=25 -frames:v " << frames
          << " -c:v libx264 -pix_fmt yuv420p -preset veryfast -x264-params aud=1:scenecut=0:keyint=" << gop
          << ":bframes=" << b_frames << " -f h264 " << scratch / "made.h264" << " 2>&1";
  run(command.str());
  return split_video(scratch.read("made.h264"));
}

}  // namespace container::test_media

// SPDX-License-Identifier: Apache-2.0
#include "client/manifest.hpp"

#include <fmt/format.h>

#include <fstream>

#include "aws/sigv4_canonical.hpp"
#include "client/camera.hpp"
#include "client/report_values.hpp"

namespace client {
namespace {

std::string hashes(const MediaLoop& loop, codecs::MediaKind kind) {
  std::string out;
  for (const auto* frames : {&loop.frames, &loop.low_pictures}) {
    for (const MediaFrame& frame : *frames) {
      if (frame.kind() == kind)
        out += fmt::format("{}\"{}\"", out.empty() ? "" : ",", aws::sigv4::sha256_hex(frame.frame->payload));
    }
  }
  return "[" + out + "]";
}

std::string runs(const SentFrames& sent) {
  std::string out;
  for (const SentFrames::Run& run : sent.runs())
    out += fmt::format("{}[{},{}]", out.empty() ? "" : ",", run.first, run.count);
  return "[" + out + "]";
}

}  // namespace

base::Result<void> write_manifest(const std::string& path, const MediaLoop& loop,
                                  const std::vector<CameraResult>& results) {
  std::ofstream file(path, std::ios::trunc);
  file << fmt::format("{{\"video\":{},\"audio\":{}}}\n", hashes(loop, codecs::MediaKind::Video),
                      hashes(loop, codecs::MediaKind::Audio));
  for (const CameraResult& result : results) {
    file << fmt::format("{{\"channel\":{},\"stream\":{},\"video\":{},\"audio\":{}}}\n", quoted(result.channel),
                        quoted(result.stream), runs(result.video_sent), runs(result.audio_sent));
  }
  file.close();
  if (!file) return base::fail(base::Errc::Io, fmt::format("cannot write {}", path));
  return {};
}

}  // namespace client

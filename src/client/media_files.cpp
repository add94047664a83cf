// SPDX-License-Identifier: Apache-2.0
#include "client/media_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "codecs/annex_b_reader.hpp"
#include "codecs/h264_nal.hpp"
#include "codecs/h264_sps.hpp"
#include "codecs/opus.hpp"

namespace client {
namespace {

using base::Errc;
using base::fail;

constexpr std::streamoff kMaxFileBytes = std::streamoff{1} << 30;
constexpr double kUsualFrameRate = 25;

base::Duration from_seconds(double seconds) {
  return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(seconds));
}

base::Result<base::Bytes> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return fail(Errc::NotFound, fmt::format("cannot open {}", path));
  const std::streamoff size = file.tellg();
  if (size > kMaxFileBytes) return fail(Errc::InvalidArgument, fmt::format("{} is larger than 1 GiB", path));
  base::Bytes bytes(static_cast<std::size_t>(size));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), size);
  if (!file) return fail(Errc::Io, fmt::format("cannot read {}", path));
  return bytes;
}

base::Result<void> add_pictures(const FileOptions& options, MediaLoop& loop) {
  TRY(const base::Bytes bytes, read_file(options.h264_file));
  codecs::h264::AnnexBReader reader(bytes);
  double rate = options.frame_rate;
  for (std::size_t i = 0;; ++i) {
    auto frame = reader.next();
    if (!frame) {
      if (i == 0) return fail(Errc::InvalidArgument, fmt::format("{} holds no H.264 access unit", options.h264_file));
      loop.length = from_seconds(static_cast<double>(i) / rate);
      return {};
    }
    if (i == 0 && !frame->key_frame)
      return fail(Errc::InvalidArgument, fmt::format("{} does not begin with a key frame", options.h264_file));
    if (rate <= 0) rate = frame_rate_of(frame->payload);
    if (rate <= 0) rate = kUsualFrameRate;
    loop.frames.push_back(
        {from_seconds(static_cast<double>(i) / rate), std::make_shared<const codecs::Frame>(std::move(*frame))});
  }
}

base::Result<void> add_sound(const FileOptions& options, MediaLoop& loop) {
  TRY(const base::Bytes bytes, read_file(options.opus_file));
  auto packets = read_ogg_opus(bytes);
  if (!packets) return fail(std::move(packets).error().with_context(options.opus_file));
  std::int64_t samples = 0;
  for (base::Bytes& packet : *packets) {
    const auto duration = codecs::opus::packet_duration(packet);
    if (!duration) return fail(Errc::Corrupt, fmt::format("{} holds a malformed Opus packet", options.opus_file));
    const auto begin = std::chrono::nanoseconds(samples * 1'000'000'000 / codecs::opus::kClockRate);
    samples += *duration;
    const auto end = std::chrono::nanoseconds(samples * 1'000'000'000 / codecs::opus::kClockRate);
    if (options.cut_sound_to_picture && end > loop.length) return {};
    codecs::Frame frame{codecs::CodecId::Opus, true, std::move(packet)};
    loop.frames.push_back({begin, std::make_shared<const codecs::Frame>(std::move(frame))});
  }
  return {};
}

}  // namespace

base::Result<void> add_low_pictures(MediaLoop& loop, const std::string& h264_file) {
  MediaLoop low;
  TRY_VOID(add_pictures({h264_file, {}, 0, false}, low));
  std::size_t number = 0;
  for (const MediaFrame& frame : loop.frames) {
    if (frame.kind() != codecs::MediaKind::Video) continue;
    if (number == low.frames.size() || low.frames[number].frame->key_frame != frame.frame->key_frame) {
      return fail(Errc::InvalidArgument, fmt::format("{} has no match for picture {}: both files need as many pictures "
                                                     "and key frames at the same places",
                                                     h264_file, number));
    }
    ++number;
  }
  if (number < low.frames.size()) {
    return fail(Errc::InvalidArgument,
                fmt::format("{} has {} pictures, {} are needed", h264_file, low.frames.size(), number));
  }
  loop.low_pictures = std::move(low.frames);
  return {};
}

double frame_rate_of(base::ByteView access_unit) {
  const base::ByteView nal = codecs::h264::find_nal(access_unit, codecs::h264::NalType::Sps);
  if (nal.empty()) return 0;
  const auto sps = codecs::h264::parse_sps(nal);
  if (!sps || sps->num_units_in_tick == 0) return 0;
  const double rate = static_cast<double>(sps->time_scale) / (2.0 * sps->num_units_in_tick);
  return rate >= 1 && rate <= 240 ? rate : 0;
}

base::Result<std::shared_ptr<MediaLoop>> load_media(const FileOptions& options) {
  auto loop = std::make_shared<MediaLoop>();
  TRY_VOID(add_pictures(options, *loop));
  if (!options.opus_file.empty()) TRY_VOID(add_sound(options, *loop));
  const auto by_time = [](const MediaFrame& a, const MediaFrame& b) { return a.at < b.at; };
  std::sort(loop->frames.begin(), loop->frames.end(), by_time);
  return loop;
}

}  // namespace client

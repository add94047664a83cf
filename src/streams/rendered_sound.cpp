// SPDX-License-Identifier: Apache-2.0
#include "streams/rendered_sound.hpp"

#include <fmt/format.h>
#include <opus.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/avutil.h>
#include <libavutil/cpu.h>
}

namespace streams {

std::string sound_tag(AacChoice encoder, const StoredFragment& fragment) {
  return fmt::format("sound {} {}; {}; avcodec {:x}, avutil {:x}, cpu {:x}; {:08x}", kRenderingVersion,
                     encoder == AacChoice::Own ? "own" : "ffmpeg", opus_get_version_string(), avcodec_version(),
                     avutil_version(), static_cast<unsigned>(av_get_cpu_flags()), fragment.payload_crc);
}

base::Bytes write_sound(const RenderedAudio& audio) {
  base::Bytes bytes;
  base::ByteWriter out(bytes);
  out.u64(static_cast<std::uint64_t>(audio.first_sample));
  out.u32(audio.units().size());
  for (const base::ByteView unit : audio.units()) {
    out.u32(unit.size());
    out.bytes(unit);
  }
  return bytes;
}

std::optional<RenderedAudio> parse_sound(base::ByteView bytes, const AacUnits& units) {
  base::ByteReader in(bytes);
  const auto first_sample = static_cast<std::int64_t>(in.u64());
  const std::uint32_t count = in.u32();
  if (!in.ok() || first_sample != units.first_sample() || count != units.count) return std::nullopt;
  base::Bytes all;
  std::vector<std::uint32_t> ends;
  all.reserve(in.remaining());
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    base::append(all, in.take(in.u32()));
    ends.push_back(static_cast<std::uint32_t>(all.size()));
  }
  if (!in.ok() || in.remaining() > 0) return std::nullopt;
  return RenderedAudio(first_sample, std::move(all), ends);
}

}  // namespace streams

// SPDX-License-Identifier: Apache-2.0
#include "streams/parts.hpp"

#include <algorithm>
#include <functional>

#include "container/mp4.hpp"

namespace streams {
namespace {

using container::Mp4Sample;
using std::chrono::microseconds;

constexpr std::uint32_t kPictureTrack = 1;
constexpr std::uint32_t kSoundTrack = 2;
constexpr int kLeastPercent = 85;
constexpr microseconds kNominalPart{250'000};
constexpr microseconds kLongestPart{2'000'000};

std::int64_t to_ticks(base::WallTime time) {
  return base::to_microseconds(time) * 9 / 100;
}

// A players' counter only; it has to grow within a track.
std::uint32_t to_sequence(std::int64_t milliseconds) {
  return static_cast<std::uint32_t>(milliseconds / 10);
}

}  // namespace

std::vector<PicturePart> cut_pictures(std::span<const PartPicture> pictures, std::optional<base::WallTime> end,
                                      microseconds target) {
  const bool in_order = std::ranges::is_sorted(pictures, std::less<>(), &PartPicture::time);
  std::vector<PicturePart> parts;
  if (pictures.empty() || !in_order || target <= target.zero()) return parts;
  std::size_t first = 0;
  const auto cut = [&](std::size_t past, base::WallTime at) {
    parts.push_back({first, past - first, at - pictures[first].time, pictures[first].key_frame});
    first = past;
  };
  const std::size_t boundaries = pictures.size() + (end ? 1 : 0);
  for (std::size_t i = 1; i < boundaries; ++i) {
    const base::WallTime at = i < pictures.size() ? pictures[i].time : *end;
    if (at - pictures[first].time > target && i - first > 1) cut(i - 1, pictures[i - 1].time);
    const bool is_long_enough = (at - pictures[first].time) * 100 >= target * kLeastPercent;
    if (is_long_enough || i == pictures.size()) cut(i, at);
  }
  return parts;
}

std::vector<SoundPart> cut_sound(base::WallTime start, std::optional<base::WallTime> end, base::WallTime known_until,
                                 microseconds target) {
  std::vector<SoundPart> parts;
  const AacUnits known = find_aac_units(start, std::max(start, end ? std::min(*end, known_until) : known_until));
  const bool is_whole = end && known_until >= *end;
  const std::int64_t each = std::max<std::int64_t>(1, target.count() * 48 / 1000 / kAacFrameSamples);
  for (std::int64_t at = 0; at < known.count; at += each) {
    const std::int64_t count = std::min(each, known.count - at);
    if (count < each && !is_whole) break;
    parts.push_back({{known.first + at, count}, microseconds(count * kAacFrameSamples * 125 / 6)});
  }
  return parts;
}

base::Bytes write_picture_part(std::span<const PartPicture> pictures, const PicturePart& part,
                               std::optional<base::WallTime> end) {
  // Counted from the fragment's start, as in its segment.
  std::vector<std::int64_t> decoded;
  for (const PartPicture& picture : pictures.first(std::min(pictures.size(), part.first + part.count + 1))) {
    const std::int64_t shown = to_ticks(picture.time);
    decoded.push_back(decoded.empty() ? shown : std::max(shown, decoded.back() + 1));
  }
  if (part.first + part.count == pictures.size() && end) {
    decoded.push_back(std::max(to_ticks(*end), decoded.back() + 1));
  }
  std::vector<Mp4Sample> samples;
  for (std::size_t i = part.first; i < part.first + part.count && i + 1 < decoded.size(); ++i) {
    samples.push_back({.duration = static_cast<std::uint32_t>(decoded[i + 1] - decoded[i]),
                       .composition_offset = static_cast<std::int32_t>(to_ticks(pictures[i].time) - decoded[i]),
                       .key_frame = pictures[i].key_frame,
                       .payload = pictures[i].payload});
  }
  const auto start = static_cast<std::uint64_t>(decoded[part.first]);
  return container::write_mp4_segment(kPictureTrack, to_sequence(decoded[part.first] / 90), start, samples);
}

base::Bytes write_sound_part(const RenderedAudio& audio) {
  std::vector<Mp4Sample> samples;
  for (const base::ByteView unit : audio.units()) {
    samples.push_back({.duration = kAacFrameSamples, .composition_offset = 0, .key_frame = true, .payload = unit});
  }
  return container::write_mp4_segment(kSoundTrack, to_sequence(audio.first_sample / 48),
                                      static_cast<std::uint64_t>(audio.first_sample), samples);
}

std::chrono::milliseconds choose_part_target(microseconds picture_interval) {
  const microseconds interval = std::clamp(picture_interval, microseconds(1000), kLongestPart);
  const std::int64_t pictures = std::max<std::int64_t>(1, (kNominalPart + interval / 2) / interval);
  return std::chrono::ceil<std::chrono::milliseconds>(interval * pictures * 21 / 20);
}

}  // namespace streams

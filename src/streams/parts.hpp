// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where a fragment is cut into the parts of low-latency HLS (draft-pantos-hls-rfc8216bis 4.4.4.9). Pure: the parts
// follow from the fragment's frames and the target alone, so that a part is the same at the live edge and once it is
// stored, and the parts of a fragment one after the other are its segment.

#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "streams/audio_renderer.hpp"

namespace streams {

struct PartPicture {
  base::WallTime time{};
  bool key_frame = false;
  base::ByteView payload{};
};

struct PicturePart {
  std::size_t first = 0;  // picture
  std::size_t count = 0;
  std::chrono::microseconds duration{};
  bool independent = false;  // begins with a key frame
};

// A part ends at the first picture that makes it at least 85 % of the target long; where that one makes it longer than
// the target, it ends at the picture before. Only a single picture that is shown for longer than the target makes a
// part longer than it.
// `end`: where the fragment ends; without it more pictures will follow, and the last ones are no part yet. Nothing when
// pictures are not in the order in which they are shown.
std::vector<PicturePart> cut_pictures(std::span<const PartPicture> pictures, std::optional<base::WallTime> end,
                                      std::chrono::microseconds target);

struct SoundPart {
  AacUnits units;
  std::chrono::microseconds duration{};
};

// As many units as fit into the target; the last part has what is left. `known_until`: no sound before it will follow,
// and the fragment does not end before it.
std::vector<SoundPart> cut_sound(base::WallTime start, std::optional<base::WallTime> end, base::WallTime known_until,
                                 std::chrono::microseconds target);

// styp, moof, mdat of a part; `end` as above. The decode times are those of the segment.
base::Bytes write_picture_part(std::span<const PartPicture> pictures, const PicturePart& part,
                               std::optional<base::WallTime> end);
base::Bytes write_sound_part(const RenderedAudio& audio);

// PART-TARGET for pictures that follow each other so closely: about a quarter of a second, a whole number of pictures
// and a twentieth more, so that parts of a steady rate keep to the rules above.
std::chrono::milliseconds choose_part_target(std::chrono::microseconds picture_interval);

}  // namespace streams

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The samples of one track of a fragment with their decode times, as MP4 and MPEG-TS segments need them. No I/O.

#include <cstdint>
#include <vector>

#include "container/matroska.hpp"
#include "container/mp4.hpp"
#include "streams/playback.hpp"

namespace streams {

// The payloads point into the fragment, or into the rendered sound.
struct TrackSamples {
  container::Track track;
  std::uint32_t timescale = 1;    // ticks a second
  std::uint64_t decode_time = 0;  // of the first sample, in ticks since 1970
  std::vector<container::Mp4Sample> samples;
};

// Unsupported: the fragment has no H.264 or H.265 track.
base::Result<TrackSamples> list_video_samples(const OpenedFragment& opened);
// A producer's own sound. Unsupported: no AAC track; Corrupt: its codec private data is no AudioSpecificConfig.
base::Result<TrackSamples> list_stored_audio_samples(const OpenedFragment& opened);
TrackSamples list_rendered_samples(const EdgedSound& sound);
// Leaves out what begins before `start`.
void drop_before(TrackSamples& list, base::WallTime start);
// Silence from the fragment's start to its end, in units that begin with it: where a producer's sound comes and goes.
base::Result<TrackSamples> list_silence(const StoredFragment& fragment);

}  // namespace streams

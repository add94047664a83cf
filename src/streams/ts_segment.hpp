// SPDX-License-Identifier: Apache-2.0
#pragma once
// MPEG-TS segments (ISO/IEC 13818-1, RFC 8216 3.2) by libavformat, in memory.

#include <span>
#include <string>

#include "base/result.hpp"
#include "streams/track_samples.hpp"

namespace streams {

// One segment with the samples of its tracks: at most one of video and one of sound, both on the same timeline. It
// begins with PAT and PMT; its packets' counters begin anew, and say so in their adaptation fields. Time stamps are
// those of the samples, modulo 2^33 ticks of 90 kHz, so that segments that follow each other join. Blocking CPU work.
base::Result<std::string> write_ts_segment(std::span<const TrackSamples> tracks);

}  // namespace streams

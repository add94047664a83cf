// SPDX-License-Identifier: Apache-2.0
#pragma once
// Renders the AAC track of one fragment from the stored Opus packets of all participants. A pure function of its
// input: no state lives between fragments, so a fragment renders to the same bytes wherever reading began.
//
// The grid: access unit n decodes to samples [1024 n, 1024 (n+1)) of the stream's timeline, counted in 1/48000 s
// from the Unix epoch. It belongs to the fragment whose [start, end) holds the last sample it needs, which is
// kAacReach samples after its own first one. The track is always stereo, 48 kHz, AAC-LC.

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "streams/aac_choice.hpp"

namespace streams {

inline constexpr std::int64_t kAacFrameSamples = 1024;
// MDCT overlap (1024) and the encoder's look-ahead (1024) after the unit's own 1024 samples.
inline constexpr std::int64_t kAacReach = 3 * kAacFrameSamples;

struct OpusPacket {
  std::uint32_t track = 0;  // one decoder per track
  base::WallTime time{};    // of its first sample, on the stream's timeline
  std::int64_t rtp_timestamp = 0;
  base::ByteView payload;
};

// Kept by the thousand, by caches, for long: two pieces of memory, whatever it holds.
class RenderedAudio {
 public:
  RenderedAudio() = default;
  // `units`: their bytes, one after the other, and where each ends.
  RenderedAudio(std::int64_t first_sample, base::Bytes units, std::span<const std::uint32_t> ends);
  RenderedAudio(RenderedAudio&&) noexcept = default;
  RenderedAudio& operator=(RenderedAudio&&) noexcept = default;
  RenderedAudio(const RenderedAudio&) = delete;
  RenderedAudio& operator=(const RenderedAudio&) = delete;
  ~RenderedAudio() = default;

  std::int64_t first_sample = 0;  // timeline position of the first unit: its presentation time
  // Raw AAC access units of 1024 samples each, without ADTS. They lie in this object.
  const std::vector<base::ByteView>& units() const { return units_; }
  // Of the heap.
  std::size_t room() const { return bytes_.capacity() + units_.capacity() * sizeof(base::ByteView); }

 private:
  base::Bytes bytes_;
  std::vector<base::ByteView> units_;
};

// Position of `time` on the 48 kHz timeline, rounded up.
std::int64_t to_timeline_sample(base::WallTime time);

// Grid arithmetic without decoding: the units of the fragment [start, end).
struct AacUnits {
  std::int64_t first = 0;  // unit number
  std::int64_t count = 0;
  std::int64_t first_sample() const { return first * kAacFrameSamples; }
  std::int64_t past() const { return first + count; }
  auto operator<=>(const AacUnits&) const = default;
};
AacUnits find_aac_units(base::WallTime start, base::WallTime end);
// Which ends of a fragment's sound are those of its pictures (ADR 12): where nothing is shown beside it.
struct SoundEdges {
  bool from_picture = false;
  bool to_picture = false;
  auto operator<=>(const SoundEdges&) const = default;
};
// The units of [start, end) with such edges: there they are those that begin in it, not those that need nothing after
// it.
AacUnits find_edged_units(base::WallTime start, base::WallTime end, SoundEdges edges);
// A time span that has just these units, for render_audio.
struct AacSpan {
  base::WallTime start, end;
  base::WallTime packets_until;  // packets from here on are not heard in them
};
AacSpan span_of(const AacUnits& units);

// How far back rendering starts, so that decoder and encoder have forgotten where they began. Only tests change it.
struct AudioLookBack {
  std::int64_t opus_samples = 11'520;  // 240 ms: SILK and CELT prediction have converged to inaudible
  std::int64_t aac_units = 3;
};

// Packets older than this are not used for a fragment that starts at `start`; everything from here up to the
// fragment's end is to be given to render_audio.
base::WallTime audio_look_back(base::WallTime start);

// `packets`: of this fragment and the ones before it, in any order. Blocking CPU work (about 3 ms per second of
// audio, most of it decoding; silence costs nothing): call on a disk worker. What does not decode is silence, lost
// packets are concealed up to 120 ms. Fails for a fragment longer than a minute, or when the codec cannot be opened.
base::Result<RenderedAudio> render_audio(std::span<const OpusPacket> packets, base::WallTime start, base::WallTime end,
                                         const AudioLookBack& look_back = {}, AacChoice choice = AacChoice::Own);

// The AudioSpecificConfig of every rendered track.
base::ByteView rendered_audio_config();

}  // namespace streams

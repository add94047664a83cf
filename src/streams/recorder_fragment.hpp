// SPDX-License-Identifier: Apache-2.0
#pragma once
// The fragment that a recorder is filling, and how it becomes a document.

#include <cstdint>
#include <map>
#include <string>

#include "base/time.hpp"
#include "container/matroska.hpp"
#include "streams/fragment_log.hpp"
#include "streams/held_frames.hpp"
#include "streams/timeline.hpp"

namespace streams {

// Who sends, and what of it is waiting for a fragment. The master's client id is empty.
struct Participant {
  explicit Participant(std::chrono::microseconds tolerance) : timeline(tolerance) {}

  Timeline timeline;
  std::uint32_t audio_track = 0;  // kept for the session; 0: none
  HeldFrames audio;
  base::Instant audio_arrived;  // the last packet
  bool has_sent_audio = false;
  base::WallTime audio_end;  // of the last packet
  // No packet here is too old before one of this time comes.
  base::WallTime looked_at_again;
};
using Participants = std::map<std::string, Participant>;

struct OpenFragment {
  // What every frame looks at comes first.
  HeldFrames video;      // never empty
  base::WallTime start;  // of its first picture, which lies far behind the last
  base::Instant opened;

  FragmentNumber number;
  base::WallTime server_time;
  bool dependent = false;
  std::optional<Gap> gap_before;
  std::optional<GapReason> ended_by;
  base::Bytes avcc;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  // Once it is closed. Sound that begins from `end` on is shown by nobody, and kept.
  base::WallTime end, sound_until;
};

// The document of the fragment with every audio packet that belongs to it; those packets leave the participants.
// Packets from before the fragment go with it as far as a block can express, for decoding. `dropped_audio` counts the
// others.
base::Bytes write_document(const OpenFragment& fragment, Participants& participants, std::uint64_t& dropped_audio);

// FNV-1a, 64 bit.
std::uint64_t fingerprint_of(base::ByteView codec_private);

}  // namespace streams

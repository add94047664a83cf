// SPDX-License-Identifier: Apache-2.0
#pragma once
// What of a fragment HLS and DASH can play (contract 5.3).

#include <optional>
#include <string>

#include "base/result.hpp"
#include "streams/playback.hpp"

namespace streams {

// Points into the fragment.
struct PlayableTracks {
  const container::Track* video = nullptr;  // H.264 or H.265
  const container::Track* audio = nullptr;  // a producer's AAC
  bool renders_audio = false;               // of participants

  bool has_audio() const { return renders_audio || audio != nullptr; }
  // "avc1.42E01F,mp4a.40.2"
  std::string codecs() const;
};

// Unsupported when nothing of it can be played, or its video cannot; Incomplete when a codec private data is missing,
// Corrupt when it is not usable. Sound in another codec is left out.
base::Result<PlayableTracks> find_playable_tracks(const OpenedFragment& opened);

inline constexpr std::uint64_t kAudioBitRate = 128'000;   // what playlists say of rendered sound
double seconds_of(const OpenedFragment& opened);          // never zero
std::uint64_t bit_rate_of(const OpenedFragment& opened);  // of all that is stored

// The codec private data and what else an initialisation segment needs, as values of its address.
struct TrackInit {
  std::string codec{};                         // "hvc1"; empty: H.264, or AAC
  std::optional<std::string> codec_private{};  // base64url; none for rendered sound
  std::uint32_t width = 0;                     // H.265 only
  std::uint32_t height = 0;
};
TrackInit describe_init(const PlayableTracks& tracks, PlaybackTrack track);
// The track that it describes. InvalidArgument when the values are not ours.
base::Result<container::Track> to_track(const TrackInit& init, PlaybackTrack track);

}  // namespace streams

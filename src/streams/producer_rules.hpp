// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a PutMedia producer's fragments must keep to (contract 4.1, 4.2), and what follows from their frames.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "container/matroska_stream.hpp"

namespace streams {

// Why a producer's connection ends. The values are the ids of the acknowledgement, but for one.
enum class ProducerError : std::uint16_t {
  StreamRead = 4000,
  FragmentTooLarge = 4001,
  FragmentTooLong = 4002,
  FragmentTooShort = 14002,  // 4002 on the wire: see acknowledgement_id()
  ConnectionTooLong = 4003,
  TimecodeNotLater = 4004,
  InvalidMatroska = 4006,
  InvalidProducerTimestamp = 4007,
  StreamNotActive = 4008,
  TooMuchMetadata = 4009,
  TrackNumberMismatch = 4010,
  FramesMissingForTrack = 4011,
  TooManyTracks = 4012,
  Internal = 5000,
  Archival = 5001,
};
// One for each id.
inline constexpr std::array kProducerErrors = {
    ProducerError::StreamRead,
    ProducerError::FragmentTooLarge,
    ProducerError::FragmentTooLong,
    ProducerError::ConnectionTooLong,
    ProducerError::TimecodeNotLater,
    ProducerError::InvalidMatroska,
    ProducerError::InvalidProducerTimestamp,
    ProducerError::StreamNotActive,
    ProducerError::TooMuchMetadata,
    ProducerError::TrackNumberMismatch,
    ProducerError::FramesMissingForTrack,
    ProducerError::TooManyTracks,
    ProducerError::Internal,
    ProducerError::Archival,
};

// AWS's quotas name MIN_FRAGMENT_DURATION_REACHED without an id (contract 4.2): it gets that of the other limit on a
// fragment's duration.
constexpr int acknowledgement_id(ProducerError error) {
  return static_cast<int>(error == ProducerError::FragmentTooShort ? ProducerError::FragmentTooLong : error);
}

struct ProducerRuleLimits {
  std::size_t tracks = 3;
  std::chrono::nanoseconds fragment_span = std::chrono::seconds(20);  // first to last frame
  std::chrono::nanoseconds least_duration{};  // of a fragment that is not the last, to within one frame; 0: no limit
  std::size_t tags = 10;                      // a fragment's; the service's own (AWS_KINESISVIDEO_...) do not count
  std::size_t tag_name_bytes = 128;
  std::size_t tag_value_bytes = 256;
};

// What is known of a fragment once all of its frames are.
struct ProducerFragmentFacts {
  std::chrono::microseconds duration{};
  std::chrono::microseconds frame_time{};      // the slowest track's
  std::chrono::microseconds pictures_after{};  // from the fragment's time stamp to the first picture's
  std::chrono::microseconds sound_after{};     // and to the first AAC frame's
  std::chrono::milliseconds sound_length{};
  bool dependent = false;  // its video does not begin with a key frame
};

// One connection's; fed with the events of its MatroskaStream. Pure: times are the document's own, in nanoseconds.
class ProducerRules {
 public:
  using Verdict = std::optional<ProducerError>;

  ProducerRules(ProducerRuleLimits limits, const std::vector<container::Track>& tracks);

  Verdict begin_fragment(std::int64_t timestamp_ns);
  // Per track the order is strict across fragments; between tracks it is not: muxers write by decoding time, so sound
  // that belongs before a key frame comes after it.
  Verdict add_frame(const container::stream_event::Frame& frame);
  Verdict add_tags(const std::vector<container::Tag>& tags);
  Verdict complete_fragment(bool is_last, ProducerFragmentFacts& facts);

  // FNV-1a over codecs and their private data.
  std::uint64_t fingerprint() const { return fingerprint_; }

 private:
  struct TrackState {
    std::uint32_t number = 0;
    bool is_video = false;
    bool is_aac = false;
    std::int64_t default_duration_ns = 0;
    std::optional<std::int64_t> latest_before_ns;  // in the fragments before this one
    std::int64_t first_ns = 0, latest_ns = 0, latest_duration_ns = 0;
    std::int64_t frame_time_ns = 0;
    std::uint64_t frames = 0;  // of this fragment
    bool begins_with_key_frame = false;
  };
  static void measure(TrackState& track);

  ProducerRuleLimits limits_;
  std::vector<TrackState> tracks_;
  std::uint64_t fingerprint_ = 0;
  std::optional<std::int64_t> timestamp_ns_;  // of the fragment, or of the one before
  std::int64_t first_ns_ = 0, latest_ns_ = 0;
  bool has_frames_ = false;
  std::size_t tags_ = 0;
};

}  // namespace streams

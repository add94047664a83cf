// SPDX-License-Identifier: Apache-2.0
#pragma once
// Frames of one storage session become fragments of one stream (design sections 5 and 7).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.hpp"
#include "base/time.hpp"
#include "codecs/frame.hpp"
#include "streams/fragment_log.hpp"

namespace streams {

using codecs::MediaKind;

// One frame as it came out of the RTP receiver. Video is the master's; audio may be of any participant.
struct ArrivedFrame {
  MediaKind kind = MediaKind::Video;
  codecs::Frame frame;
  std::int64_t rtp_timestamp = 0;  // unwrapped
  std::uint32_t clock_rate = 90000;
  base::Instant arrived;    // when the frame was complete
  bool after_loss = false;  // something before it is missing for good
};

// What an RTCP sender report says of one of a participant's tracks.
struct ClockReport {
  MediaKind kind = MediaKind::Video;
  base::WallTime ntp;              // the sender's clock ...
  std::int64_t rtp_timestamp = 0;  // ... at this RTP time, unwrapped as in ArrivedFrame
  std::uint32_t clock_rate = 90000;
};

struct RecorderOptions {
  std::chrono::microseconds target_duration{2'000'000};  // a key frame within 5 % of it counts as past it
  std::chrono::microseconds max_duration{20'000'000};
  std::size_t max_fragment_bytes = 50'000'000;
  // Handed to the store and not yet durable; past it whole groups of pictures are dropped as a gap (DiskSlow).
  std::size_t max_uncommitted_bytes = 64U << 20U;
  std::chrono::microseconds camera_clock_tolerance = std::chrono::minutes(15);
  // How long a finished fragment waits for audio that belongs to it, if the next one is not finished before (ADR 14):
  // as long as the receiver waits for a lost packet, and a little. Video-only sessions never wait.
  std::chrono::microseconds audio_grace{3'200'000};
};

struct RecorderStats {
  std::uint64_t video_frames = 0;  // stored or in the open fragment
  std::uint64_t audio_packets = 0;
  std::uint64_t fragments = 0;           // handed to the store
  std::uint64_t committed = 0;           // durable
  std::uint64_t failed = 0;              // refused by the store; each became a gap
  std::uint64_t dropped_after_loss = 0;  // video frames between a loss and the next key frame
  std::uint64_t dropped_before_key = 0;  // video frames before anything decodable
  std::uint64_t dropped_disk_slow = 0;   // video frames of dropped groups of pictures
  std::uint64_t dropped_audio = 0;
  std::uint64_t clock_jumps = 0;  // RTP or camera clock steps that were absorbed
  std::uint64_t uncommitted_bytes = 0;
};

// Single shard; owned by the storage session. Never blocks, never reads a clock.
class Recorder {
 public:
  // `wall` is the server's clock at `now`. `log` may hold fragments of earlier sessions: the gap since then is recorded
  // with the first fragment.
  Recorder(RecorderOptions options, std::shared_ptr<FragmentLog> log, base::Instant now, base::WallTime wall);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // SPS and PPS of the SDP (NAL units without start code), used when a key frame comes without its own.
  void set_sdp_parameter_sets(const std::vector<base::Bytes>& nal_units);
  // Say so when a participant has negotiated audio: from then on every fragment declares its track, packets or not.
  void add_audio(const std::string& participant);

  // The participant has left, or sends no more audio: no fragment waits for him until he sends again.
  void end_audio(base::Instant now, const std::string& participant);

  // `participant` is the client id; empty for the master. The frame is copied.
  void write_frame(const std::string& participant, const ArrivedFrame& frame);
  // Fetches what write_frame() looks at into the cache, in three steps, each of which reads what the one before it
  // fetched: of many recorders take a step of each, then the next.
  void prefetch(int step) const;
  void handle_sender_report(const std::string& participant, const ClockReport& report);
  // About once a second: keeps server times true, and commits what waits for nothing any more.
  void handle_timeout(base::Instant now, base::WallTime wall);
  // A new master connection continues the session: time stamps start anew, frames wait for a key frame.
  void restart_media(base::Instant now);
  // Frames up to the next key frame are dropped and recorded as a gap: for a server that cannot keep up.
  void shed(base::Instant now);

  // True while the open fragment is past its target, or while nothing can be stored before a key frame.
  bool wants_key_frame(base::Instant now) const;

  // The pictures since the newest key frame, which is the first: as they came, in the order in which they came. Nothing
  // where that is not in the open fragment. Views, until the next call that is not const.
  struct RecentPicture {
    std::int64_t rtp_timestamp = 0;  // as in ArrivedFrame
    base::ByteView payload;
  };
  std::vector<RecentPicture> since_key_frame() const;

  // Commits the open fragment; nothing may be written afterwards.
  void finish(base::Instant now, GapReason reason);
  // Resumes when nothing of this recorder is on its way to disk any more, or after `timeout`.
  async::Task<void> wait_until_durable(base::Duration timeout);
  // Fragments are counted as they are handed over, from 1. Resumes with true when fragment `ordinal` or a later one is
  // durable, hence visible; with false when that cannot happen any more, the recorder being gone.
  async::Task<bool> wait_for_fragment(std::uint64_t ordinal);

  RecorderStats stats() const;
  // Of the master's sound against his picture (Timeline::skew).
  std::optional<std::chrono::microseconds> skew() const;

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

}  // namespace streams

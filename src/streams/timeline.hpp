// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where a participant's frames lie on the stream's timeline: RTP time to UTC (design section 5).

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "codecs/frame.hpp"

namespace streams {

// One participant's two clocks (video, audio), joined by sender reports. A value; no clock of its own.
//
// Until settle() every frame may still move: nothing was written yet, so the first fragment waits with its times for
// the reports that come in its two seconds. Afterwards the mapping never jumps: reports slew it, by at most kSlew.
// Without reports the arrival clock stands in: the frame that came with the least delay says how RTP and UTC belong
// together.
class Timeline {
 public:
  enum class Clock : std::uint8_t { Camera, Arrival, Replaced };

  // Correction per time that passes: 2 ms a second is neither seen nor heard.
  static constexpr std::int64_t kSlew = 500;

  explicit Timeline(std::chrono::microseconds tolerance) : tolerance_us_(tolerance.count()) {}

  // Tells of a frame, and gives its time by the mapping as it is now. `arrived` is on the server's clock.
  base::WallTime place(codecs::MediaKind kind, std::int64_t rtp, std::uint32_t rate, base::WallTime arrived);
  // By the mapping as it is now, without telling it anything.
  base::WallTime time_of(codecs::MediaKind kind, std::int64_t rtp, std::uint32_t rate) const;
  void handle_report(codecs::MediaKind kind, base::WallTime ntp, std::int64_t rtp, std::uint32_t rate);

  // True if place() would have to begin the track's mapping anew, because RTP time and arrival no longer agree. Settle
  // first, so that frames that are not written yet keep their times.
  bool is_jump(codecs::MediaKind kind, std::int64_t rtp, std::uint32_t rate, base::WallTime arrived) const;

  // The mapping is in use: no more jumps. A participant who is not the master is put onto the master's timeline by
  // `shift`, the master's distance from the server's clock.
  void settle(std::optional<std::int64_t> shift = std::nullopt);
  bool is_settled() const { return settled_; }
  Clock clock() const;
  // Stream time minus server time, in microseconds.
  std::int64_t shift() const;
  std::uint64_t jumps() const { return jumps_; }
  // How much later sound arrives, on the average, than the picture of the same instant of the sender's clock (RFC 3550
  // 6.4.1); negative: earlier. What is recorded is free of it. Nothing before reports have come of both.
  std::optional<std::chrono::microseconds> skew() const;

 private:
  struct Track {
    bool started = false;
    std::int64_t offset = 0;       // stream time minus RTP time, microseconds
    std::int64_t slew = 0;         // correction not yet applied
    std::int64_t least_delay = 0;  // smallest arrival minus RTP time, of this and the last window
    std::int64_t window_least = 0;
    std::int64_t window_began = 0;       // RTP time in microseconds
    std::int64_t usual_delay = 0;        // arrival minus RTP time, of the last seconds
    std::optional<std::int64_t> camera;  // camera's UTC minus RTP time, by the last report
    std::int64_t last_rtp = 0;
    std::int64_t last_time = 0;
    std::int64_t last_arrived = 0;
  };

  Track& track(codecs::MediaKind kind) { return tracks_[static_cast<std::size_t>(kind)]; }
  const Track& track(codecs::MediaKind kind) const { return tracks_[static_cast<std::size_t>(kind)]; }
  const Track* reference() const;  // the track whose reports tell the camera's clock
  bool reports_agree() const;
  std::int64_t offset_of(const Track& track) const;
  void note_arrival(Track& track, std::int64_t rtp_us, std::int64_t arrived_us);
  void begin_anew(Track& track, std::int64_t rtp_us, std::int64_t arrived_us);
  void apply_slew(Track& track, std::int64_t rtp_us);

  std::int64_t tolerance_us_;
  std::array<Track, 2> tracks_;
  bool settled_ = false;
  bool replaced_ = false;
  std::optional<std::int64_t> camera_lead_;  // camera's clock minus stream time, fixed when settled and reported
  bool on_camera_clock_ = false;
  std::uint64_t jumps_ = 0;
};

}  // namespace streams

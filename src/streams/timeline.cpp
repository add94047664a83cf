// SPDX-License-Identifier: Apache-2.0
#include "streams/timeline.hpp"

#include <algorithm>
#include <cstdlib>

namespace streams {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kWindow = 30 * kSecond;    // of the least delay; two windows hold what counts
constexpr std::int64_t kMaxLead = 2 * kSecond;    // a frame cannot come so long before it was made
constexpr std::int64_t kMaxDelay = 15 * kSecond;  // nor be under way for so long
constexpr std::int64_t kMaxReorder = kSecond;     // presentation order against decoding order
constexpr std::int64_t kClockStep = kSecond;      // a report that differs by more is a step of the camera's clock
constexpr std::int64_t kUsualOver = 32;           // frames that the usual delay is averaged over
constexpr std::int64_t kReportNoise = 5'000;      // reports are not followed below this
constexpr std::int64_t kArrivalNoise = 50'000;    // nor the arrival clock below this

std::int64_t in_microseconds(std::int64_t rtp, std::uint32_t rate) {
  const std::int64_t ticks = rate == 0 ? 1 : rate;
  const std::int64_t whole = rtp / ticks * kSecond;
  const std::int64_t rest = rtp % ticks * kSecond;
  return whole + (rest + (rest < 0 ? -ticks : ticks) / 2) / ticks;
}

}  // namespace

const Timeline::Track* Timeline::reference() const {
  for (const Track& each : tracks_) {
    if (each.started && each.camera) return &each;
  }
  return nullptr;
}

// Both tracks came the same way, so that their reports say nearly the same of our clocks. If they do not, one of them
// is wrong and nothing tells which: the clock of the first is kept, but how the tracks lie to each other is as they
// came.
bool Timeline::reports_agree() const {
  const auto& [video, sound] = tracks_;
  if (!video.started || !sound.started || !video.camera || !sound.camera) return true;
  return std::abs((*video.camera - video.least_delay) - (*sound.camera - sound.least_delay)) <= kClockStep;
}

// Where the track would lie if it were written now.
std::int64_t Timeline::offset_of(const Track& track) const {
  if (settled_) return track.offset;
  const Track* const known = reference();
  if (known == nullptr) return track.least_delay;
  const std::int64_t lead = *known->camera - known->least_delay;  // the camera's clock minus ours
  const bool far = std::abs(lead) > tolerance_us_;
  if (!track.camera || !reports_agree()) return track.least_delay + (far ? 0 : lead);
  return far ? *track.camera - lead : *track.camera;
}

void Timeline::settle(std::optional<std::int64_t> shift) {
  if (settled_) return;
  const Track* const known = reference();
  std::array<std::int64_t, 2> offsets{};
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    offsets[i] = shift ? tracks_[i].least_delay + *shift : offset_of(tracks_[i]);
  }
  if (known != nullptr) {
    const std::int64_t lead = *known->camera - known->least_delay;
    replaced_ = std::abs(lead) > tolerance_us_;
    on_camera_clock_ = !shift && !replaced_;
    camera_lead_ = *known->camera - offsets[static_cast<std::size_t>(known - tracks_.data())];
  }
  for (std::size_t i = 0; i < tracks_.size(); ++i) tracks_[i].offset = offsets[i];
  settled_ = true;
}

Timeline::Clock Timeline::clock() const {
  if (replaced_) return Clock::Replaced;
  return on_camera_clock_ ? Clock::Camera : Clock::Arrival;
}

std::int64_t Timeline::shift() const {
  for (const Track& each : tracks_) {
    if (each.started) return offset_of(each) - each.least_delay;
  }
  return 0;
}

std::optional<std::chrono::microseconds> Timeline::skew() const {
  const auto& [video, sound] = tracks_;
  if (!video.started || !sound.started || !video.camera || !sound.camera) return std::nullopt;
  return std::chrono::microseconds((sound.usual_delay - *sound.camera) - (video.usual_delay - *video.camera));
}

base::WallTime Timeline::time_of(codecs::MediaKind kind, std::int64_t rtp, std::uint32_t rate) const {
  return base::from_microseconds(in_microseconds(rtp, rate) + offset_of(track(kind)));
}

bool Timeline::is_jump(codecs::MediaKind kind, std::int64_t rtp, std::uint32_t rate, base::WallTime arrived) const {
  const Track& each = track(kind);
  if (!each.started) return false;
  const std::int64_t rtp_us = in_microseconds(rtp, rate);
  const std::int64_t delay = base::to_microseconds(arrived) - rtp_us - each.least_delay;
  return delay < -kMaxLead || delay > kMaxDelay || rtp_us < each.last_rtp - kMaxReorder;
}

base::WallTime Timeline::place(codecs::MediaKind kind, std::int64_t rtp, std::uint32_t rate, base::WallTime arrived) {
  Track& each = track(kind);
  const std::int64_t rtp_us = in_microseconds(rtp, rate);
  const std::int64_t arrived_us = base::to_microseconds(arrived);
  if (!each.started) {
    const bool late = settled_;  // a track that begins when the other is in use lies as far from our clock as that one
    const std::int64_t shift_now = shift();
    each.started = true;
    each.least_delay = each.window_least = each.usual_delay = arrived_us - rtp_us;
    each.window_began = each.last_rtp = rtp_us;
    const bool reported = each.camera && camera_lead_ && reports_agree();
    if (late) each.offset = reported ? *each.camera - *camera_lead_ : each.least_delay + shift_now;
  } else if (is_jump(kind, rtp, rate, arrived)) {
    begin_anew(each, rtp_us, arrived_us);
  } else {
    note_arrival(each, rtp_us, arrived_us);
    apply_slew(each, rtp_us);
  }
  each.last_rtp = std::max(each.last_rtp, rtp_us);
  each.last_arrived = arrived_us;
  each.last_time = std::max(each.last_time, rtp_us + offset_of(each));
  return base::from_microseconds(rtp_us + offset_of(each));
}

void Timeline::note_arrival(Track& track, std::int64_t rtp_us, std::int64_t arrived_us) {
  const std::int64_t delay = arrived_us - rtp_us;
  track.usual_delay += (delay - track.usual_delay) / kUsualOver;
  track.window_least = std::min(track.window_least, delay);
  track.least_delay = std::min(track.least_delay, delay);
  if (rtp_us - track.window_began < kWindow) return;
  // The clocks of camera and server drift apart: what is older than two windows no longer counts.
  track.least_delay = track.window_least;
  track.window_least = delay;
  track.window_began = rtp_us;
  if (settled_ && reference() == nullptr) {
    const std::int64_t target = track.least_delay;
    if (std::abs(target - track.offset) > kArrivalNoise) track.slew = target - track.offset;
  }
}

// The sender began its RTP time anew, or its clock stood still: the media goes on where it was, as long after the last
// frame as it arrived after it.
void Timeline::begin_anew(Track& track, std::int64_t rtp_us, std::int64_t arrived_us) {
  static constexpr std::int64_t kLeastStep = 1'000;
  const std::int64_t time = track.last_time + std::max(arrived_us - track.last_arrived, kLeastStep);
  ++jumps_;
  track.offset = time - rtp_us;
  track.slew = 0;
  track.camera.reset();
  track.least_delay = track.window_least = track.usual_delay = arrived_us - rtp_us;
  track.window_began = track.last_rtp = rtp_us;
}

void Timeline::apply_slew(Track& track, std::int64_t rtp_us) {
  if (!settled_ || track.slew == 0) return;
  const std::int64_t most = std::max<std::int64_t>(rtp_us - track.last_rtp, 0) / kSlew;
  const std::int64_t step = std::clamp(track.slew, -most, most);
  track.offset += step;
  track.slew -= step;
}

void Timeline::handle_report(codecs::MediaKind kind, base::WallTime ntp, std::int64_t rtp, std::uint32_t rate) {
  Track& each = track(kind);
  each.camera = base::to_microseconds(ntp) - in_microseconds(rtp, rate);
  if (!settled_ || !each.started) return;
  if (!camera_lead_) {
    // The first report came after the first fragment: the stream stays where it is, reports tell only how the tracks
    // lie to each other and how the clock runs.
    camera_lead_ = *each.camera - each.offset;
    return;
  }
  const std::int64_t error = *each.camera - *camera_lead_ - (each.offset + each.slew);
  if (std::abs(error) > kClockStep) {
    ++jumps_;
    *camera_lead_ += error;
  } else if (std::abs(error) > kReportNoise) {
    each.slew += error;
  }
}

}  // namespace streams

// SPDX-License-Identifier: Apache-2.0
#include "conference/voice.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "conference/packet_voice.hpp"
#include "conference/resampler.hpp"

namespace conference {
namespace {

constexpr std::int64_t kLookahead = Encoder::kLookahead;
constexpr std::int64_t kFrame = kFrameSamples;
constexpr std::int64_t kReach = kResamplerReach;
// CELT's band energies forget half of what was before with each packet: eight leave 0.4 %.
constexpr std::int64_t kWarmUp = 8 * kFrame;
constexpr double kMargin = 240;
constexpr double kMinQueue = 960;    // 20 ms
constexpr double kMaxQueue = 5760;   // 120 ms
constexpr double kMaxExcess = 4800;  // more than the target: cut
constexpr double kCorrectionTime = 4 * 48'000;
constexpr double kMaxCorrection = 0.005;
constexpr std::size_t kCrossFade = 480;

}  // namespace

Voice::Voice(std::shared_ptr<const Input> input, Stats& stats) : input_(std::move(input)), stats_(stats) {
  CHECK(!input_->buffer().empty());
}

void Voice::start_at(std::int64_t content) {
  warm_up(content + kLookahead);
}

void Voice::start(base::Instant now) {
  const auto wanted = static_cast<std::int64_t>(std::llround(input_->arrivals().head(now) - target()));
  warm_up(std::min(wanted, input_->buffer().newest().end()));
}

void Voice::warm_up(std::int64_t position) {
  const StoredPacket* first = input_->buffer().first_ending_after(position - kWarmUp);
  next_ = first == nullptr ? position : std::min(first->timestamp, position);
  start_ = std::min(next_, position - kFrame - kReach);
  samples_.assign(static_cast<std::size_t>(next_ - start_), 0.0F);
  position_ = static_cast<double>(position);
  while (end() < position_ && input_->buffer().first_from(next_) != nullptr) decode_next();
}

double Voice::target() const {
  const StoredPacket& newest = input_->buffer().newest();
  const auto duration = static_cast<double>(newest.duration);
  double wait = static_cast<double>(kFrame + kReach) + kMargin + input_->arrivals().lateness();
  // In-band FEC of a lost packet comes with the next one.
  if (input_->loses_packets() && may_hold_fec(*newest.payload)) wait += duration;
  return duration + std::clamp(wait, kMinQueue, kMaxQueue);
}

double Voice::queue(base::Instant now) const {
  return input_->arrivals().head(now) - (position_ - static_cast<double>(shift_));
}

base::Instant Voice::ready_at() const {
  const base::Instant arrived = input_->buffer().newest().arrived;
  const double missing = target() - queue(arrived);
  return arrived + base::Duration(static_cast<std::int64_t>(missing / 48e-6));
}

void Voice::read(base::Instant now, Frame& out) {
  // While nothing comes only the wait grows: what is skipped then would have to be made up at once.
  const bool has_more = input_->buffer().first_from(next_) != nullptr;
  if (has_more && queue(now) > target() + kMaxExcess && !aligning_) {
    cut_queue(now, out);
    forget_heard();
    return;
  }
  const double step = choose_step(now);
  read_at(position_, step, out);
  position_ += step * static_cast<double>(kFrame);
  if (aligning_ && std::abs(position_ - std::round(position_)) < 1e-3) position_ = std::round(position_);
  forget_heard();
}

void Voice::forget_heard() {
  const auto old = static_cast<std::int64_t>(std::floor(position_)) - kFrame - 2 * kReach - start_;
  if (old > 4 * kFrame) {
    samples_.erase(samples_.begin(), samples_.begin() + old);
    start_ += old;
    // A queue that was cut, after its sender's processor or path had stood still, leaves room for seconds.
    if (samples_.capacity() > 4 * (samples_.size() + Decoder::kMaxSamples)) samples_.shrink_to_fit();
  }
}

void Voice::read_at(double position, double step, Frame& out) {
  decode_until(position + step * static_cast<double>(kFrame) + static_cast<double>(kReach + 1));
  resample(samples_, position - static_cast<double>(start_), step, out);
}

void Voice::read_before(Past& out) {
  decode_until(position_);
  const auto begin = static_cast<std::int64_t>(std::floor(position_)) - static_cast<std::int64_t>(out.size()) - start_;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t at = begin + static_cast<std::int64_t>(i);
    const bool known = at >= 0 && at < static_cast<std::int64_t>(samples_.size());
    out[i] = known ? samples_[static_cast<std::size_t>(at)] : 0.0F;
  }
}

void Voice::cut_queue(base::Instant now, Frame& out) {
  ++stats_.skipped;
  Frame later;
  read_at(position_, 1, out);
  // Less than what it was: reading may have found out that what was made up was lost.
  position_ += std::max(0.0, std::floor(queue(now) - target()));
  read_at(position_, 1, later);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float mix = std::min(1.0F, static_cast<float>(i) / kCrossFade);
    out[i] += mix * (later[i] - out[i]);
  }
  position_ += static_cast<double>(kFrame);
}

double Voice::distance_to_boundary() const {
  const StoredPacket& newest = input_->buffer().newest();
  const auto period = static_cast<double>(std::min(newest.duration, kFrame));
  const double content = position_ - static_cast<double>(kLookahead + shift_ + newest.timestamp);
  return std::round(content / period) * period - content;
}

double Voice::choose_step(base::Instant now) const {
  if (aligning_) {
    const double most = kMaxCorrection * static_cast<double>(kFrame);
    return 1 + std::clamp(distance_to_boundary(), -most, most) / static_cast<double>(kFrame);
  }
  return 1 + std::clamp((queue(now) - target()) / kCorrectionTime, -kMaxCorrection, kMaxCorrection);
}

std::optional<std::int64_t> Voice::boundary() const {
  if (position_ != std::round(position_)) return std::nullopt;
  const std::int64_t content = static_cast<std::int64_t>(position_) - kLookahead - shift_;
  return input_->buffer().begins_at(content) ? std::optional(content) : std::nullopt;
}

}  // namespace conference

// SPDX-License-Identifier: Apache-2.0
#include "conference/arrival_clock.hpp"

#include <algorithm>

namespace conference {
namespace {

constexpr double kSamplesPerNanosecond = 48e-6;
constexpr double kSmoothing = 1.0 / 32;
constexpr double kPeakDecay = 1 - 1.0 / 512;

}  // namespace

double ArrivalClock::local_samples(base::Instant now) const {
  return static_cast<double>((now - origin_).count()) * kSamplesPerNanosecond;
}

void ArrivalClock::handle_packet(base::Instant now, std::int64_t end) {
  if (packets_ == 0) origin_ = now;
  const double transit = local_samples(now) - static_cast<double>(end);
  const double deviation = packets_ == 0 ? 0 : transit - transit_;
  ++packets_;
  transit_ = packets_ == 1 ? transit : transit_ + deviation * std::max(kSmoothing, 1.0 / static_cast<double>(packets_));
  peak_ = std::max(peak_ * kPeakDecay, deviation);
}

double ArrivalClock::head(base::Instant now) const {
  return local_samples(now) - transit_;
}

}  // namespace conference

// SPDX-License-Identifier: Apache-2.0
// Packets to samples: what is there, what is lost, and what has not come.
#include <algorithm>

#include "base/check.hpp"
#include "conference/packet_voice.hpp"
#include "conference/voice.hpp"

namespace conference {
namespace {

constexpr std::int64_t kUnit = 120;        // libopus conceals multiples of 2.5 ms
constexpr std::int64_t kMakeUp = 480;      // at a time while nothing has come
constexpr std::int64_t kMaxMadeUp = 4800;  // then silence: libopus has faded out
constexpr std::int64_t kLongGap = 24'000;  // a pause of the sender, not a loss
constexpr std::int64_t kMaxConcealed = Decoder::kMaxSamples;

}  // namespace

void Voice::decode_until(double position) {
  while (end() < position) decode_next();
}

void Voice::decode_next() {
  const StoredPacket* next = input_->buffer().first_from(next_);
  if (next == nullptr) {
    make_up();
  } else if (next->timestamp == next_) {
    const std::size_t size = samples_.size();
    samples_.resize(size + Decoder::kMaxSamples);
    const std::size_t given = decoder_.decode(*next->payload, std::span(samples_).subspan(size));
    samples_.resize(size + given);
    ++stats_.decoded;
    made_up_ = 0;  // what was made up before was a delay, not a loss
    next_ += next->duration;
    // A packet that libopus refuses although its frame count is right.
    if (given != static_cast<std::size_t>(next->duration))
      samples_.resize(size + static_cast<std::size_t>(next->duration));
  } else {
    decode_gap(*next);
  }
}

void Voice::decode_gap(const StoredPacket& next) {
  const std::int64_t gap = next.timestamp - next_;
  const std::int64_t filled = gap > kLongGap ? gap : std::min(gap, made_up_);
  if (filled > 0) {
    next_ += filled;
    shift_ -= filled;
    made_up_ -= std::min(made_up_, filled);
    return;
  }
  const std::int64_t whole = std::min(gap, kMaxConcealed) / kUnit * kUnit;
  if (whole == 0) {  // less than libopus can conceal: no sender pauses like this
    next_ += gap;
    shift_ -= gap;
    return;
  }
  const bool fec = whole == gap && gap <= next.duration && may_hold_fec(*next.payload);
  const auto samples = static_cast<std::size_t>(fec ? whole : std::min(whole, kMakeUp));
  conceal(fec ? base::ByteView(*next.payload) : base::ByteView(), samples);
  ++(fec ? stats_.recovered : stats_.concealed);
  next_ += static_cast<std::int64_t>(samples);
}

void Voice::make_up() {
  if (made_up_ < kMaxMadeUp) {
    conceal({}, static_cast<std::size_t>(kMakeUp));
    ++stats_.concealed;
  } else {
    samples_.resize(samples_.size() + static_cast<std::size_t>(kMakeUp));
  }
  made_up_ += kMakeUp;
  shift_ += kMakeUp;
}

void Voice::conceal(base::ByteView next, std::size_t samples) {
  const std::size_t size = samples_.size();
  samples_.resize(size + samples);
  if (!decoder_.conceal(next, std::span(samples_).subspan(size))) {
    std::fill(samples_.begin() + static_cast<std::ptrdiff_t>(size), samples_.end(), 0.0F);
  }
}

}  // namespace conference

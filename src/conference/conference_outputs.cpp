// SPDX-License-Identifier: Apache-2.0
// The mix to its listeners: one encoding for all who do not speak, and one for each who does, without himself.
#include <algorithm>
#include <cmath>

#include "conference/conference.hpp"
#include "conference/participant.hpp"

namespace conference {
namespace {

constexpr float kInaudible = 1e-6F;
// A frame of silence takes what is left in encoder and decoder; then nothing needs to be sent.
constexpr int kSilentFrames = 2;

bool silent(std::span<const float> samples) {
  return std::all_of(samples.begin(), samples.end(), [](float sample) { return std::abs(sample) < kInaudible; });
}

}  // namespace

void Conference::send_mix(const Frame& sum, base::Instant now) {
  std::vector<Participant*> others;
  for (const auto& participant : participants_) {
    if (participant->voice != nullptr && (participant->voice->gain > 0 || participant->own != nullptr)) {
      participant->hears_shared = false;
      send_own(*participant, sum, now);
    } else {
      participant->own.reset();
      others.push_back(participant.get());
    }
  }
  send_shared(others, sum, now);
}

void Conference::send_own(Participant& listener, const Frame& sum, base::Instant now) {
  Frame heard;
  for (std::size_t i = 0; i < kFrameSamples; ++i) heard[i] = sum[i] - listener.voice->frame[i];
  listener.silent_frames = silent(heard) ? listener.silent_frames + 1 : 0;
  if (listener.silent_frames > kSilentFrames) {
    listener.own.reset();
    return;
  }
  const bool begins = listener.own == nullptr;
  if (begins) {
    Past before = *past_;
    const auto* own_past = listener.voice->past.get();
    for (std::size_t i = 0; own_past != nullptr && i < before.size(); ++i) before[i] -= (*own_past)[i];
    listener.own = std::make_unique<MixOutput>(options_.bitrate, options_.complexity);
    listener.own->prime(before);
  }
  listener.voice->past.reset();
  ++stats_.encoded;
  send_frame(listener, listener.own->encode(heard, begins), now);
}

void Conference::send_shared(const std::vector<Participant*>& listeners, const Frame& sum, base::Instant now) {
  if (listeners.empty()) {
    shared_.reset();
    return;
  }
  shared_silent_ = silent(sum) ? shared_silent_ + 1 : 0;
  if (shared_silent_ > kSilentFrames) {
    shared_.reset();
    for (Participant* listener : listeners) listener->hears_shared = false;
    return;
  }
  bool begins = false;
  if (shared_ == nullptr) {
    begins = true;
    shared_ = std::make_unique<MixOutput>(options_.bitrate, options_.complexity);
    shared_->prime(*past_);
  }
  for (Participant* listener : listeners) {
    begins = begins || !listener->hears_shared;
    listener->hears_shared = true;
  }
  ++stats_.encoded;
  const SharedPayload payload = shared_->encode(sum, begins);
  for (Participant* listener : listeners) send_frame(*listener, payload, now);
}

void Conference::send_frame(Participant& listener, const SharedPayload& payload, base::Instant now) {
  const auto stamp = listener.timeline.place(now, mix_source_, mix_time_, static_cast<std::int64_t>(kFrameSamples));
  send(listener, payload, stamp.timestamp, stamp.after_pause);
  ++stats_.mixed;
}

}  // namespace conference

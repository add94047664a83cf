// SPDX-License-Identifier: Apache-2.0
// Several speak: who is in the mix, and when it begins and ends.
#include <algorithm>

#include "conference/conference.hpp"
#include "conference/participant.hpp"

namespace conference {
namespace {

// What was forwarded up to so long ago is what listeners hear now: the mix goes on with it.
constexpr base::Duration kStillHeard = std::chrono::milliseconds(200);
constexpr base::Duration kLatestBegin = std::chrono::milliseconds(200);
// A voice that is heard gives way to one that is 3 dB louder.
constexpr float kPrecedence = 2;

}  // namespace

void Conference::begin_mix(base::Instant now) {
  ++stats_.mixes_begun;
  mixing_ = true;
  torn_ = false;
  mix_source_ = ++next_source_;
  mix_time_ = 0;
  calm_since_.reset();
  shared_silent_ = 0;
  base::Instant first = now;
  for (const auto& participant : participants_) {
    participant->waits_until.reset();
    participant->hears_shared = false;
    participant->silent_frames = 0;
    const bool heard = participant->next_forwarded && participant->forwarded_at &&
                       now - *participant->forwarded_at < kStillHeard && participant->input->sounding(now);
    if (heard) {
      auto voice = std::make_unique<MixedVoice>(participant->input, stats_);
      voice->voice.start_at(participant->forwarded_until);
      voice->gain = 1;
      voice->audible = true;
      first = std::max(first, voice->voice.ready_at());
      participant->voice = std::move(voice);
    }
    participant->next_forwarded.reset();
  }
  tick_at_ = std::min(first, now + kLatestBegin);
}

void Conference::remember_past() {
  past_ = std::make_unique<Past>();
  for (const auto& participant : participants_) {
    if (participant->voice == nullptr) continue;
    participant->voice->remember_past();
    for (std::size_t i = 0; i < past_->size(); ++i) (*past_)[i] += (*participant->voice->past)[i];
  }
}

void Conference::tick(base::Instant now) {
  if (past_ == nullptr) remember_past();
  retire_voices(now);
  admit_voices(now);
  const Frame sum = sum_voices(now);
  send_mix(sum, now);
  std::copy(past_->begin() + kFrameSamples, past_->end(), past_->begin());
  std::copy(sum.begin(), sum.end(), past_->end() - kFrameSamples);
  mix_time_ += static_cast<std::int64_t>(kFrameSamples);
  end_mix_if_calm(now);
}

Participant* Conference::last_speaker() {
  Participant* last = nullptr;
  for (const auto& participant : participants_) {
    if (participant->voice == nullptr) continue;
    if (last == nullptr || participant->last_voice > last->last_voice) last = participant.get();
  }
  return last;
}

void Conference::retire_voices(base::Instant now) {
  const Participant* last = last_speaker();
  for (const auto& participant : participants_) {
    const bool faded = participant->voice != nullptr && participant->voice->gain == 0;
    if (faded && participant.get() != last && !speaks(*participant, now)) participant->voice.reset();
  }
}

void Conference::admit_voices(base::Instant now) {
  auto decoded = static_cast<std::size_t>(
      std::count_if(participants_.begin(), participants_.end(), [](const auto& p) { return p->voice != nullptr; }));
  for (const auto& participant : participants_) {
    if (participant->voice != nullptr || !speaks(*participant, now)) continue;
    if (decoded >= 2 * options_.max_speakers) return;
    ++decoded;
    participant->voice = std::make_unique<MixedVoice>(participant->input, stats_);
    participant->voice->voice.start(now);
  }
}

void Conference::choose_audible(base::Instant now) {
  const Participant* last = last_speaker();
  std::vector<MixedVoice*> voices;
  for (const auto& participant : participants_) {
    if (participant->voice == nullptr) continue;
    if (participant.get() == last || speaks(*participant, now)) {
      voices.push_back(participant->voice.get());
    } else {
      participant->voice->audible = false;
    }
  }
  const auto rank = [](const MixedVoice* v) { return v->loudness * (v->audible ? kPrecedence : 1); };
  std::sort(voices.begin(), voices.end(), [&](auto* a, auto* b) { return rank(a) > rank(b); });
  for (std::size_t i = 0; i < voices.size(); ++i) voices[i]->audible = i < options_.max_speakers;
}

Conference::Frame Conference::sum_voices(base::Instant now) {
  for (const auto& participant : participants_) {
    if (participant->voice == nullptr) continue;
    participant->voice->read(now);
    // What can be heard is not cut off, even if its sender's detector takes it for noise.
    if (participant->voice->level > kVoiceLevel) participant->last_voice = now;
  }
  choose_audible(now);
  Frame sum{};
  const auto add = [&](MixedVoice& voice) {
    for (std::size_t i = 0; i < kFrameSamples; ++i) sum[i] += voice.frame[i];
  };
  for (const auto& participant : participants_) {
    if (participant->voice == nullptr) continue;
    participant->voice->fade_to(participant->voice->audible ? 1.0F : 0.0F);
    add(*participant->voice);
  }
  for (const auto& voice : leaving_) {
    voice->read(now);
    voice->fade_to(0);
    add(*voice);
  }
  leaving_.clear();
  return sum;
}

void Conference::end_mix_if_calm(base::Instant now) {
  const bool pair = participants_.size() == 2;
  const auto speaking =
      std::count_if(participants_.begin(), participants_.end(), [&](const auto& p) { return speaks(*p, now); });
  const bool calm = pair || speaking <= 1;
  if (!calm) calm_since_.reset();
  if (calm && !calm_since_) calm_since_ = now;
  const Participant* last = last_speaker();
  bool ready = calm && leaving_.empty();
  bool sounding = speaking > 0;
  for (const auto& participant : participants_) {
    if (participant->voice == nullptr) continue;
    const bool stays = pair || participant.get() == last;
    participant->voice->voice.align(calm && stays);
    sounding = sounding || (stays && participant->input->sounding(now));
    ready = ready && stays && participant->voice->voice.boundary();
  }
  const bool led_back = ready && (pair || now - *calm_since_ >= options_.return_hold);
  if (led_back || !sounding) end_mix(now);  // without sound nothing is heard that could be torn
}

void Conference::end_mix(base::Instant now) {
  ++stats_.mixes_ended;
  mixing_ = false;
  tick_at_ = base::kNever;
  leaving_.clear();
  shared_.reset();
  past_.reset();
  if (const Participant* last = last_speaker()) floor_ = last->id;
  for (const auto& participant : participants_) {
    participant->own.reset();
    const auto voice = std::move(participant->voice);
    if (voice == nullptr) continue;
    const auto boundary = voice->voice.boundary();
    if (!boundary || !is_forwarded(*participant)) continue;
    participant->next_forwarded = participant->input->buffer().first_from(*boundary)->sequence;
    forward(*participant, now);
  }
}

}  // namespace conference

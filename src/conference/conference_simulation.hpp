// SPDX-License-Identifier: Apache-2.0
#pragma once
// A conference in virtual time: speakers with their own clocks, encoders and wires, listeners with libopus decoders and
// nothing of the room's own code. Same seed, same run. For tests only.

#include <gtest/gtest.h>
#include <opus.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <set>
#include <vector>

#include "base/random.hpp"
#include "conference/conference.hpp"

namespace conference::simulation {

inline constexpr base::Instant kStart{std::chrono::hours(1)};

inline base::Duration seconds(double value) {
  return base::Duration(static_cast<std::int64_t>(std::llround(value * 1e9)));
}

struct Interval {
  double from = 0;
  double to = 1e9;
};

struct SpeakerOptions {
  double tone = 440;
  double amplitude = 0.25;
  std::vector<Interval> talks{{}};  // seconds; otherwise digital silence
  int application = OPUS_APPLICATION_RESTRICTED_LOWDELAY;
  int bitrate = 96'000;
  int channels = 1;
  int complexity = 5;
  int frame = 960;  // samples a packet
  bool dtx = false;
  bool fec = false;
  bool syllables = false;  // the tone comes and goes 4 times a second, as SILK's voice detector wants it
  double drift_ppm = 0;
  double phase = 0;  // seconds after the start at which its first packet begins
  base::Duration jitter{};
  unsigned loss_permille = 0;
};

// One sender: tone, libopus, a clock of its own, a wire that delays, overtakes and loses.
class Speaker {
 public:
  Speaker(ParticipantId id, const SpeakerOptions& options, std::uint64_t seed, std::uint32_t ssrc_step = 0)
      : id_(id), ssrc_(id + 100 + ssrc_step), options_(options), random_(seed) {
    int error = 0;
    encoder_ = opus_encoder_create(48'000, options.channels, options.application, &error);
    opus_encoder_ctl(encoder_, OPUS_SET_BITRATE(options.bitrate));
    opus_encoder_ctl(encoder_, OPUS_SET_COMPLEXITY(options.complexity));
    opus_encoder_ctl(encoder_, OPUS_SET_DTX(options.dtx ? 1 : 0));
    opus_encoder_ctl(encoder_, OPUS_SET_INBAND_FEC(options.fec ? 1 : 0));
    opus_encoder_ctl(encoder_, OPUS_SET_PACKET_LOSS_PERC(options.fec ? 20 : 0));
    timestamp_ = random_.u32();
    sequence_ = random_.u16();
  }
  ~Speaker() { opus_encoder_destroy(encoder_); }
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;

  ParticipantId id() const { return id_; }
  base::Instant next_at() const { return time_of(sample_ + options_.frame); }
  // Of the sample's capture.
  base::Instant time_of(std::int64_t sample) const {
    return kStart + seconds(options_.phase + static_cast<double>(sample) / 48'000 / (1 + options_.drift_ppm * 1e-6));
  }

  struct Sent {
    base::Instant arrives;
    AudioPacket packet;
  };
  // The packet that ends now, unless it is lost or not sent.
  std::optional<Sent> send() {
    std::vector<float> pcm(static_cast<std::size_t>(options_.frame) * static_cast<std::size_t>(options_.channels));
    for (int i = 0; i < options_.frame; ++i) {
      const float value = sample_at(sample_ + i);
      for (int c = 0; c < options_.channels; ++c) pcm[static_cast<std::size_t>(i * options_.channels + c)] = value;
    }
    base::Bytes bytes(1500);
    const int size = opus_encode_float(encoder_, pcm.data(), options_.frame, bytes.data(), 1500);
    const base::Instant captured = next_at();
    const std::uint32_t timestamp = timestamp_ + static_cast<std::uint32_t>(sample_);
    sample_ += options_.frame;
    if (size <= 0 || (options_.dtx && size <= 2)) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(size));
    AudioPacket packet;
    packet.ssrc = ssrc_;
    packet.sequence = sequence_++;
    packet.timestamp = timestamp;
    packet.payload = std::make_shared<const base::Bytes>(std::move(bytes));
    if (random_.below(1000) < options_.loss_permille) return std::nullopt;
    base::Instant arrives = captured;
    if (options_.jitter.count() > 0) {
      arrives +=
          base::Duration(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(options_.jitter.count()))));
    }
    return Sent{arrives, std::move(packet)};
  }

 private:
  float sample_at(std::int64_t sample) const {
    const double t = static_cast<double>(sample) / 48'000;
    const double at = t + options_.phase;
    double edge = 0;  // talks fade in and out in 10 ms
    for (const Interval& talk : options_.talks) {
      edge = std::max(edge, std::clamp(std::min(at - talk.from, talk.to - at) * 100, 0.0, 1.0));
    }
    if (options_.syllables) edge *= 0.5 - 0.5 * std::cos(2 * std::numbers::pi * 4 * at);
    return static_cast<float>(options_.amplitude * edge * std::sin(2 * std::numbers::pi * options_.tone * t));
  }

  ParticipantId id_;
  std::uint32_t ssrc_;
  SpeakerOptions options_;
  base::SeededRandom random_;
  OpusEncoder* encoder_;
  std::int64_t sample_ = 0;
  std::uint32_t timestamp_ = 0;
  std::uint16_t sequence_ = 0;
};

// One receiver with an endless jitter buffer: what was sent, in its order, on its timeline.
class Listener {
 public:
  explicit Listener(bool keeps_sound) : keeps_sound_(keeps_sound) {
    int error = 0;
    decoder_ = opus_decoder_create(48'000, 1, &error);
  }
  ~Listener() { opus_decoder_destroy(decoder_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  struct Packet {
    base::Instant at;
    std::uint32_t timestamp;
    std::uint32_t gap;   // samples that are missing before it
    std::int64_t begin;  // in sound()
    int samples;
    bool marker;
    SharedPayload payload;
  };

  void take(base::Instant now, const Transmit& transmit) {
    const std::uint32_t gap = packets_.empty() ? 0 : transmit.timestamp - next_;
    if (gap >= 0x8000'0000) ++backwards_;
    const int samples =
        opus_packet_get_nb_samples(transmit.payload->data(), static_cast<opus_int32>(transmit.payload->size()), 48'000);
    next_ = transmit.timestamp + static_cast<std::uint32_t>(samples);
    if (keeps_sound_) decode(transmit, std::min(gap, 480'000U), samples);
    const auto begin = static_cast<std::int64_t>(sound_.size()) - samples;
    packets_.push_back(
        {now, transmit.timestamp, gap, begin, samples, transmit.marker, keeps_sound_ ? transmit.payload : nullptr});
  }

  const std::vector<float>& sound() const { return sound_; }
  const std::vector<Packet>& packets() const { return packets_; }
  std::vector<Packet>& packets() { return packets_; }
  int backwards() const { return backwards_; }  // packets that begin before the one before ended
  int refused() const { return refused_; }      // packets that libopus does not decode
  void forget_sound() { sound_.clear(); }

 private:
  // Gaps are concealed for 100 ms, then silent.
  void decode(const Transmit& transmit, std::uint32_t gap, int samples) {
    std::vector<float> pcm(5760);
    for (std::uint32_t left = gap; left > 0;) {
      const std::uint32_t piece = std::min(left, 960U);
      std::fill(pcm.begin(), pcm.end(), 0.0F);
      if (gap - left < 4800 && piece % 120 == 0) decode_piece({}, pcm, static_cast<int>(piece));
      sound_.insert(sound_.end(), pcm.begin(), pcm.begin() + piece);
      left -= piece;
    }
    if (decode_piece(*transmit.payload, pcm, 5760) != samples) ++refused_;
    sound_.insert(sound_.end(), pcm.begin(), pcm.begin() + samples);
  }
  int decode_piece(base::ByteView packet, std::vector<float>& pcm, int samples) {
    return opus_decode_float(decoder_, packet.empty() ? nullptr : packet.data(), static_cast<opus_int32>(packet.size()),
                             pcm.data(), samples, 0);
  }

  bool keeps_sound_;
  OpusDecoder* decoder_;
  std::vector<float> sound_;
  std::vector<Packet> packets_;
  std::uint32_t next_ = 0;
  int backwards_ = 0;
  int refused_ = 0;
};

class Room {
 public:
  explicit Room(Options options = {}, std::uint64_t seed = 1) : conference(options), seed_(seed) {}

  void join(ParticipantId id, const SpeakerOptions& options, bool keeps_sound = true) {
    ASSERT_TRUE(conference.join(id, now_, 0xffff'f000U + id));
    listeners[id] = std::make_unique<Listener>(keeps_sound);
    if (options.amplitude > 0) speakers[id] = std::make_unique<Speaker>(id, options, seed_ * 1000 + id);
  }
  void leave(ParticipantId id) {
    conference.leave(id, now_);
    speakers.erase(id);
  }

  // A new sender under the same id: other SSRC, sequence numbers and times.
  void restart_speaker(ParticipantId id, const SpeakerOptions& options) {
    speakers[id] = std::make_unique<Speaker>(id, options, seed_ * 1000 + id + 500, 1000);
  }
  // What `id` sends in the next `length` seconds comes at their end.
  void hold_wire(ParticipantId id, double length) {
    held_ = id;
    held_until_ = now_ + seconds(length);
  }

  // Until `end` seconds after the start.
  void run(double end) {
    const base::Instant until = kStart + seconds(end);
    while (true) {
      base::Instant next = conference.next_timeout();
      for (const auto& [id, speaker] : speakers) next = std::min(next, speaker->next_at());
      if (!wire_.empty()) next = std::min(next, wire_.begin()->first);
      if (next > until) break;
      now_ = std::max(now_, next);
      step();
    }
    now_ = until;
  }

  base::Instant now() const { return now_; }
  Listener& listener(ParticipantId id) { return *listeners.at(id); }

  Conference conference;
  std::map<ParticipantId, std::unique_ptr<Speaker>> speakers;
  std::map<ParticipantId, std::unique_ptr<Listener>> listeners;
  std::function<void(base::Instant)> after_step = [](base::Instant) {};
  int timeouts = 0;
  bool remembers_sent = false;
  std::set<SharedPayload> sent_payloads;

 private:
  void step() {
    for (const auto& [id, speaker] : speakers) {
      while (speaker->next_at() <= now_) {
        auto sent = speaker->send();
        if (!sent) continue;
        if (remembers_sent) sent_payloads.insert(sent->packet.payload);
        const base::Instant arrives = id == held_ ? std::max(sent->arrives, held_until_) : sent->arrives;
        wire_.emplace(arrives, std::pair(id, std::move(sent->packet)));
      }
    }
    while (!wire_.empty() && wire_.begin()->first <= now_) {
      const auto [id, packet] = std::move(wire_.begin()->second);
      wire_.erase(wire_.begin());
      conference.packet(id, packet, now_);
      drain();
    }
    if (conference.next_timeout() <= now_) {
      ++timeouts;
      conference.handle_timeout(now_);
      drain();
    }
    after_step(now_);
  }
  void drain() {
    while (const auto transmit = conference.poll_transmit()) listeners.at(transmit->listener)->take(now_, *transmit);
  }

  std::uint64_t seed_;
  base::Instant now_ = kStart;
  std::optional<ParticipantId> held_;
  base::Instant held_until_ = kStart;
  std::multimap<base::Instant, std::pair<ParticipantId, AudioPacket>> wire_;
};

// Amplitude of `tone` in `sound`, by a Hann-windowed Fourier sum.
inline double amplitude_of(std::span<const float> sound, double tone) {
  double re = 0;
  double im = 0;
  double weights = 0;
  for (std::size_t i = 0; i < sound.size(); ++i) {
    const double turn = 2 * std::numbers::pi * static_cast<double>(i);
    const double weight = 0.5 - 0.5 * std::cos(turn / static_cast<double>(sound.size()));
    re += weight * static_cast<double>(sound[i]) * std::cos(turn * tone / 48'000);
    im += weight * static_cast<double>(sound[i]) * std::sin(turn * tone / 48'000);
    weights += weight;
  }
  return weights == 0 ? 0 : 2 * std::hypot(re, im) / weights;
}

// The same of a tone that may be shifted by up to 0.6 %, as it is while a queue changes its length.
inline double amplitude_near(std::span<const float> sound, double tone) {
  double most = 0;
  for (int i = -6; i <= 6; ++i) most = std::max(most, amplitude_of(sound, tone * (1 + 0.001 * i)));
  return most;
}

inline double decibel(double ratio) {
  return 20 * std::log10(std::max(ratio, 1e-9));
}

}  // namespace conference::simulation

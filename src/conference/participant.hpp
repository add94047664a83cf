// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a conference knows of one participant, as speaker and as listener.

#include <memory>
#include <optional>

#include "conference/input.hpp"
#include "conference/listener_timeline.hpp"
#include "conference/mix_output.hpp"
#include "conference/voice.hpp"

namespace conference {

// A voice in the mix, with its gain, which moves from 0 to 1 and back within 10 ms.
struct MixedVoice {
  MixedVoice(std::shared_ptr<const Input> input, Stats& stats) : voice(std::move(input), stats) {}

  // Reads the next 20 ms and follows their loudness.
  void read(base::Instant now);
  void fade_to(float target);
  // Before the first read of one that is heard already, by forwarding.
  void remember_past();

  Voice voice;
  Voice::Frame frame{};  // what it adds to the sum
  float level = 0;       // mean square of the last frame, before the gain
  float loudness = 0;    // mean square, smoothed over half a second
  float gain = 0;
  std::unique_ptr<Voice::Past> past;  // what it added to the sum before: nothing, unless heard already
  bool audible = false;
};

struct Participant {
  Participant(ParticipantId name, std::uint32_t first_timestamp) : id(name), timeline(first_timestamp) {}

  ParticipantId id;

  // Speaker.
  std::shared_ptr<Input> input;  // nothing before the first packet
  std::uint64_t source = 0;      // name of the input's timeline
  std::optional<base::Instant> last_voice;
  std::unique_ptr<Decoder> audition;
  std::optional<std::int64_t> next_forwarded;  // sequence number; nothing while it is not forwarded
  std::int64_t forwarded_until = 0;            // sender's time
  std::optional<base::Instant> forwarded_at;
  std::optional<base::Instant> waits_until;  // for an overtaken packet
  std::unique_ptr<MixedVoice> voice;

  // Listener.
  ListenerTimeline timeline;
  std::unique_ptr<MixOutput> own;  // the mix without himself
  int silent_frames = 0;
  bool hears_shared = false;
};

// Mean square of samples.
float mean_square(std::span<const float> samples);
// -50 dB below full scale, as a mean square: less is no voice.
inline constexpr float kVoiceLevel = 1e-5F;

}  // namespace conference

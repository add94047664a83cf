// SPDX-License-Identifier: Apache-2.0
#pragma once
// Everybody hears everybody else, through one audio section each.

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "conference/audio_packet.hpp"
#include "conference/options.hpp"

namespace conference {

struct MixedVoice;
struct Participant;
struct StoredPacket;
class MixOutput;

// The sound of one storage session; owned by it, on its shard. Sans-IO: after every call that takes `now`, drain
// poll_transmit(), then sleep until next_timeout(); spurious handle_timeout() calls are harmless.
//
// Forwarding: packets of the one who has the floor go to all others as they came; of two participants each hears the
// other so. Nothing runs but what a packet causes. Mixing: from the moment a second one speaks until only one has
// spoken for `return_hold`, every listener gets 20 ms frames of all who speak except himself. Who hears the same shares
// one encoder. Both switches go on with the very sample where the other way of hearing stopped (docs/adr/0011).
//
// Packets are given as they arrive, not after loss repair: who waits seconds for a lost packet is not heard meanwhile.
class Conference {
 public:
  explicit Conference(Options options = {});
  ~Conference();
  Conference(const Conference&) = delete;
  Conference& operator=(const Conference&) = delete;

  // AlreadyExists; LimitExceeded beyond max_participants. `first_timestamp`: where the listener's timeline begins
  // (RFC 3550 wants it random).
  base::Result<void> join(ParticipantId id, base::Instant now, std::uint32_t first_timestamp = 0);
  // Unknown participants are ignored. What waits to be sent to him is dropped.
  void leave(ParticipantId id, base::Instant now);
  // Takes bad packets too: they are counted.
  void packet(ParticipantId id, const AudioPacket& packet, base::Instant now);
  void handle_timeout(base::Instant now);
  // Every 20 ms while it mixes; while it forwards, only when a packet waits for one that was overtaken; otherwise
  // kNever.
  base::Instant next_timeout() const;
  std::optional<Transmit> poll_transmit();

  bool mixing() const { return mixing_; }
  // Whose packets are forwarded while more than two are here.
  std::optional<ParticipantId> floor() const { return floor_; }
  const Stats& stats() const { return stats_; }
  // What waits of a participant's sound beyond one packet's duration, and how much should; nothing unless it is mixed.
  struct Queue {
    base::Duration waits{};
    base::Duration wanted{};
  };
  std::optional<Queue> queue(ParticipantId id, base::Instant now) const;

 private:
  using Frame = std::array<float, kFrameSamples>;
  using Past = std::array<float, 5 * kFrameSamples>;

  Participant* find(ParticipantId id);
  bool speaks(const Participant& participant, base::Instant now) const;
  void restart_input(Participant& participant, std::uint32_t ssrc);
  void note_voice(Participant& participant, const AudioPacket& packet, base::Instant now);
  void send(Participant& listener, SharedPayload payload, std::uint32_t timestamp, bool marker);

  // conference_forward.cpp
  void choose_floor(Participant& participant, base::Instant now);
  bool is_forwarded(const Participant& participant) const;
  void forward(Participant& participant, base::Instant now);
  void forward_packet(Participant& speaker, const StoredPacket& packet, base::Instant now);

  // conference_mix.cpp
  void begin_mix(base::Instant now);
  void remember_past();
  void tick(base::Instant now);
  void admit_voices(base::Instant now);
  void choose_audible(base::Instant now);
  Frame sum_voices(base::Instant now);
  void retire_voices(base::Instant now);
  Participant* last_speaker();
  void end_mix_if_calm(base::Instant now);
  void end_mix(base::Instant now);

  // conference_outputs.cpp
  void send_mix(const Frame& sum, base::Instant now);
  void send_own(Participant& listener, const Frame& sum, base::Instant now);
  void send_shared(const std::vector<Participant*>& listeners, const Frame& sum, base::Instant now);
  void send_frame(Participant& listener, const SharedPayload& payload, base::Instant now);

  Options options_;
  Stats stats_;
  std::vector<std::unique_ptr<Participant>> participants_;
  std::deque<Transmit> transmits_;
  std::optional<ParticipantId> floor_;
  bool torn_ = false;  // whom listeners heard last has left or begun anew, their decoders expect him to go on
  std::uint64_t next_source_ = 0;  // names of timelines that a listener is sent from

  bool mixing_ = false;
  std::uint64_t mix_source_ = 0;
  std::int64_t mix_time_ = 0;  // samples since the mix began
  base::Instant tick_at_ = base::kNever;
  std::optional<base::Instant> calm_since_;
  std::vector<std::unique_ptr<MixedVoice>> leaving_;  // faded out in the next frame
  std::unique_ptr<Past> past_;                        // the last sums, the newest at the end; while it mixes
  std::unique_ptr<MixOutput> shared_;                 // for all who do not speak
  int shared_silent_ = 0;
};

}  // namespace conference

// SPDX-License-Identifier: Apache-2.0
// One speaks: his packets go to all others as they came.
#include "conference/conference.hpp"
#include "conference/participant.hpp"

namespace conference {

// A packet of `participant` has come.
void Conference::choose_floor(Participant& participant, base::Instant now) {
  if (torn_) {
    if (participants_.size() < 2 || !(speaks(participant, now) || participant.input->sounding(now))) return;
    participant.last_voice = now;  // however softly: who comes next is led over by the mix
    begin_mix(now);
    return;
  }
  if (participants_.size() <= 2) {
    if (!floor_ || speaks(participant, now)) floor_ = participant.id;
    return;
  }
  if (floor_ == participant.id) return;
  Participant* holder = floor_ ? find(*floor_) : nullptr;
  if (holder != nullptr && holder->input != nullptr && holder->input->sounding(now)) {
    if (speaks(participant, now)) begin_mix(now);
  } else if (holder == nullptr || speaks(participant, now) || participant.input->sounding(now)) {
    if (holder != nullptr) holder->next_forwarded.reset();
    floor_ = participant.id;  // whoever hears nothing from the floor needs no bridge to another
  }
}

bool Conference::is_forwarded(const Participant& participant) const {
  return participants_.size() == 2 || (participants_.size() > 2 && floor_ == participant.id);
}

void Conference::forward(Participant& participant, base::Instant now) {
  participant.waits_until.reset();
  if (participant.input == nullptr) return;
  if (torn_ || !is_forwarded(participant)) {
    participant.next_forwarded.reset();
    return;
  }
  const PacketBuffer& buffer = participant.input->buffer();
  if (!participant.next_forwarded) participant.next_forwarded = buffer.newest().sequence;
  while (const StoredPacket* packet = buffer.first_from_sequence(*participant.next_forwarded)) {
    const base::Instant deadline = packet->arrived + options_.reorder_wait;
    if (packet->sequence != *participant.next_forwarded && deadline > now) {
      participant.waits_until = deadline;
      return;
    }
    forward_packet(participant, *packet, now);
  }
}

void Conference::forward_packet(Participant& speaker, const StoredPacket& packet, base::Instant now) {
  speaker.next_forwarded = packet.sequence + 1;
  speaker.forwarded_until = packet.end();
  speaker.forwarded_at = now;
  for (const auto& listener : participants_) {
    if (listener.get() == &speaker) continue;
    const auto stamp = listener->timeline.place(now, speaker.source, packet.timestamp, packet.duration);
    send(*listener, packet.payload, stamp.timestamp, stamp.after_pause);
    ++stats_.forwarded;
  }
}

}  // namespace conference

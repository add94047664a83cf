// SPDX-License-Identifier: Apache-2.0
#pragma once
// Figures of a conference: bounds, times, and what it counts. docs/adr/0011 says why they are what they are.

#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace conference {

struct Options {
  std::size_t max_participants = 64;  // join() refuses more
  // The loudest so many are heard at a time. Twice as many are decoded, to know who is louder; who speaks beyond that
  // waits until one of them is silent.
  std::size_t max_speakers = 8;
  int bitrate = 48'000;  // of each encoding of the mix, bit/s
  int complexity = 5;    // of libopus, 0 to 10

  // A participant speaks until this long after the last packet with voice.
  base::Duration hangover = std::chrono::milliseconds(500);
  // The mix goes on at least this long after nobody but one has spoken.
  base::Duration return_hold = std::chrono::milliseconds(1000);
  // Forwarding waits this long for a packet that was overtaken or lost.
  base::Duration reorder_wait = std::chrono::milliseconds(40);
};

struct Stats {
  std::uint64_t packets = 0;    // taken, each once
  std::uint64_t malformed = 0;  // no Opus packet (RFC 6716), or larger than 1,275 bytes a frame allows
  std::uint64_t duplicates = 0;
  std::uint64_t late = 0;          // came after their turn
  std::uint64_t inconsistent = 0;  // time and sequence number contradict those of packets before
  std::uint64_t overflowed = 0;    // the oldest of more than 64 stored packets of one participant
  std::uint64_t unknown_participant = 0;
  std::uint64_t restarts = 0;     // SSRC changed or its time jumped
  std::uint64_t forwarded = 0;    // packets sent as they came, once for each listener
  std::uint64_t mixed = 0;        // packets sent from an encoder, once for each listener
  std::uint64_t decoded = 0;      // packets decoded for a mix
  std::uint64_t auditioned = 0;   // packets decoded only to know whether they hold voice
  std::uint64_t encoded = 0;      // frames encoded, for whatever number of listeners
  std::uint64_t recovered = 0;    // lost packets decoded from in-band FEC
  std::uint64_t concealed = 0;    // frames made up for lost or late ones
  std::uint64_t skipped = 0;      // times that a queue of more than 120 ms was cut
  std::uint64_t mixes_begun = 0;  // switches from forwarding to mixing
  std::uint64_t mixes_ended = 0;
  std::uint64_t dropped_transmits = 0;  // the owner did not drain poll_transmit()
};

}  // namespace conference

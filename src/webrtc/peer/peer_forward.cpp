// SPDX-License-Identifier: Apache-2.0
// The way of forwarded and prepared packets out of a Peer: written once, sealed where they lie, and kept together for
// the kernel.
#include <algorithm>

#include "webrtc/peer/peer_parts.hpp"

namespace webrtc {
namespace {

// What one UDP_SEGMENT call takes: the kernel's limit of segments, and the size of a UDP datagram.
constexpr std::size_t kMaxSegments = 64;
constexpr std::size_t kMaxBurst = 60'000;
// Bursts that wait for their owner to poll. It does after each forward(); more says that something is wrong.
constexpr std::size_t kMaxBursts = 1024;

// How many of the packets can go together: all as long as the first, and one shorter at the end.
std::size_t count_together(std::span<const rtp::PacketBatch::Place> places, std::size_t room) {
  const std::size_t most = std::min(kMaxSegments, kMaxBurst / (places[0].size + room));
  std::size_t count = 1;
  while (count < std::min(most, places.size()) && places[count].size <= places[0].size) {
    const bool shorter = places[count].size < places[0].size;
    ++count;
    if (shorter) break;
  }
  return count;
}

}  // namespace

// A session has hundreds of viewers, and their sub-machines are far apart in memory: only what has to is looked at. Of
// all timers the first packet starts one, that of the reports.
void Peer::Parts::forward(base::Instant now) {
  empty_batch();
  media->forward(now, forwarded);
  seal_batch();
}

void Peer::Parts::send_prepared(base::Instant now, MediaKind kind, const rtp::PreparedFrame& frame) {
  empty_batch();
  media->send_prepared(now, kind, frame, forwarded);
  seal_batch();
}

void Peer::Parts::empty_batch() {
  const std::size_t room = secure.rtp_room();
  if (forwarded.room() != room) forwarded = rtp::PacketBatch(room);
  forwarded.reserve(forwarded_bytes);
}

void Peer::Parts::seal_batch() {
  if (forwarded_bytes == 0) deadline.reset();
  if (forwarded.places().empty()) return;
  forwarded_bytes = forwarded.bytes().size();
  const std::size_t room = forwarded.room();
  const std::span<const rtp::PacketBatch::Place> places = forwarded.places();
  const bool sealed_well = std::ranges::all_of(
      places, [&](const auto& place) { return secure.seal_rtp_in_place(forwarded.with_room(place)); });
  if (!selected || !sealed_well) {
    counters.unsendable += places.size();
  } else if (count_together(places, room) == places.size() && bursts.size() < kMaxBursts) {
    counters.datagrams_sent += places.size();
    const std::size_t segment = places[0].size + room;
    bursts.push_back({*selected, forwarded.take(), segment});
    return;
  } else {
    for (std::size_t at = 0; at < places.size();) {
      const std::size_t count = count_together(places.subspan(at), room);
      queue_run(places.subspan(at, count));
      at += count;
    }
  }
  forwarded.clear();
}

void Peer::Parts::queue_run(std::span<const rtp::PacketBatch::Place> run) {
  if (bursts.size() >= kMaxBursts) {
    counters.unsendable += run.size();
    return;
  }
  counters.datagrams_sent += run.size();
  const base::MutableByteView last = forwarded.with_room(run.back());
  const auto begin = forwarded.bytes().begin() + static_cast<std::ptrdiff_t>(run.front().begin);
  const auto end = begin + static_cast<std::ptrdiff_t>(run.back().begin - run.front().begin + last.size());
  bursts.push_back({*selected, base::Bytes(begin, end), run.front().size + forwarded.room()});
}

void Peer::Parts::split_bursts() {
  for (const base::Burst& burst : bursts) {
    base::ByteView rest = burst.payload;
    while (!rest.empty()) {
      const base::ByteView one = rest.first(std::min(burst.segment, rest.size()));
      rest = rest.subspan(one.size());
      transmits.push_back({burst.flow, base::Bytes(one.begin(), one.end())});
    }
  }
  bursts.clear();
}

}  // namespace webrtc

// SPDX-License-Identifier: Apache-2.0
// Sound for parts of low-latency HLS, from stored fragments and from the live edge.
#include <algorithm>
#include <tuple>

#include "streams/playback.hpp"
#include "streams/playback_audio_cache.hpp"

namespace streams {
namespace {

using async::Task;
using base::Result;

constexpr std::size_t kMostFragments = 64;  // that may hold a part's packets and their look-back

// Of [from, to): to where the last unit reaches, whatever has come since.
void keep_packet(const OpusPacket& packet, base::WallTime from, base::WallTime to, std::vector<OpusPacket>& out) {
  if (packet.time >= from && packet.time < to) out.push_back(packet);
}

// A packet may be at the live edge and stored by now.
void drop_duplicates(std::vector<OpusPacket>& packets) {
  const auto identity = [](const OpusPacket& packet) {
    return std::tuple(packet.track, packet.time, packet.rtp_timestamp);
  };
  std::ranges::sort(packets, {}, identity);
  const auto rest = std::ranges::unique(packets, {}, identity);
  packets.erase(rest.begin(), rest.end());
}

}  // namespace

Task<Result<std::shared_ptr<const RenderedAudio>>> Playback::audio_part(FragmentLogPtr log, FragmentNumber number,
                                                                        AacUnits units, std::vector<LiveFrame> live) {
  const AudioCache::Key key{log->stream(), number, units};
  if (auto cached = cache_->find(key)) co_return cached;

  const AacSpan span = span_of(units);
  const base::WallTime from = audio_look_back(span.start);
  std::vector<OpusPacket> packets;
  for (const LiveFrame& packet : live) {
    keep_packet({packet.track, packet.time, packet.rtp_timestamp, *packet.payload}, from, span.packets_until, packets);
  }
  std::vector<OpenedFragment> opened;
  const bool live_is_enough = !live.empty() && live.front().time <= from;
  std::optional<StoredFragment> first;
  if (!live_is_enough) {
    CO_TRY(first, co_await log->starting_at(TimeAxis::Producer, from));
  }
  if (first) {
    CO_TRY(const std::vector<StoredFragment> sources,
           co_await log->after({first->header.number.value - 1}, kMostFragments));
    for (const StoredFragment& source : sources) {
      if (source.header.producer_time >= span.packets_until || source.header.number > number) break;
      auto one = co_await open(log, source);
      if (one) opened.push_back(*std::move(one));
    }
  }
  for (const OpenedFragment& one : opened) {
    for (const container::Block& block : one.document.blocks) {
      const container::Track* track = one.document.find_track(block.track);
      if (!track || track->codec_id != container::kCodecOpus) continue;
      keep_packet({block.track, block.time, block.rtp_timestamp, block.payload}, from, span.packets_until, packets);
    }
  }
  drop_duplicates(packets);
  auto rendered = co_await renderers_.run([&] { return cache_->render(key, packets, span.start, span.end); });
  co_return rendered;
}

}  // namespace streams

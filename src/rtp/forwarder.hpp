// SPDX-License-Identifier: Apache-2.0
#pragma once
// One video m-line sent to a viewer from somebody else's packets (RFC 7667 3.7, selective forwarding): payloads are
// untouched, sequence numbers and timestamps are this viewer's own and never jump, whatever the source does.

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "rtp/packet_batch.hpp"
#include "rtp/packet_history.hpp"
#include "rtp/rtcp.hpp"
#include "rtp/sender.hpp"
#include "rtp/thinning.hpp"
#include "rtp/unwrap.hpp"

namespace rtp {

// Owned by a viewer's rtp::Session; sans-IO, on the shard of the history's writer.
//
// Nothing is sent before a key frame. A viewer whose path does not carry the source is sent key frames only until it
// does (Thinning): it costs nobody else anything, since every packet it is sent is copied from the shared history.
class Forwarder {
 public:
  // `options`: payload types, ssrcs, mid and first_sequence; the rest is a packetizer's.
  Forwarder(SenderOptions options, std::shared_ptr<const PacketHistory> source);

  // Sends what is fresh in the history, and before that, once, what a decoder needs to begin. While the path is
  // `congested` a thinned viewer gets no key frame either, and nobody a repair: both would wait behind what waits
  // already.
  void forward(base::Instant now, bool congested, OutgoingExtensions& extensions, PacketBatch& out);
  // Nothing can be shown before the source's next key frame.
  bool awaits_key_frame() const { return !run_is_open_ && !thinned(); }

  void handle_nack(base::Instant now, bool congested, const Nack& nack, OutgoingExtensions& extensions,
                   std::vector<base::Bytes>& out);
  // `round_trip`: what the report told of it, if anything.
  void handle_report(base::Instant now, const ReportBlock& block, std::optional<base::Duration> round_trip);
  // `path` has taken one more transport-wide feedback.
  void handle_feedback(base::Instant now, PathEstimate& path);
  void count_key_frame_request() { ++stats_.plis; }
  // With the source's own clock; nothing before the source has told it.
  std::optional<SenderReport> make_report(base::Instant now) const;

  bool thinned() const { return thinning_.thinned(); }
  const SenderOptions& options() const { return options_; }
  const SenderStats& stats() const { return stats_; }

 private:
  // A stretch of the source that goes to the viewer without a gap: source sequence `first` to `last` become
  // `first + shift` to `last + shift`.
  struct Run {
    std::uint64_t epoch;
    std::int64_t first;
    std::int64_t last;  // the highest sent so far
    std::int64_t shift;
    // What was kept when the run began is sent at once. Its times are drawn together before the newest one, or the
    // viewer would take the old pictures for late ones and play everything that much later from then on.
    std::int64_t burst_last = -1;
    std::uint32_t burst_timestamp = 0;
  };
  struct Repeat {
    std::int64_t sequence = -1;
    base::Instant at{};
  };

  void take_epoch(base::Instant now);
  void begin_run(std::int64_t first);
  void begin_at_key_frame(base::Instant now, OutgoingExtensions& extensions, PacketBatch& out);
  void send(base::Instant now, const KeptPacket& packet, OutgoingExtensions& extensions, PacketBatch& out);
  bool is_first_to_leave_out(const KeptPacket& packet) const;
  std::uint32_t timestamp_of(const KeptPacket& packet, const Run& run) const;
  void write_packet(const KeptPacket& packet, const Run& run, OutgoingExtensions& extensions, base::Bytes& out) const;
  const Run* find_run(std::int64_t out_sequence) const;
  bool repeated_just_now(base::Instant now, std::int64_t sequence);
  base::Bytes write_repair(const KeptPacket& packet, const Run& run, OutgoingExtensions& extensions);

  SenderOptions options_;
  std::shared_ptr<const PacketHistory> source_;
  SenderStats stats_;
  std::deque<Run> runs_;  // oldest first
  bool run_is_open_ = false;
  std::optional<std::uint64_t> epoch_;
  std::int64_t next_out_;  // one above the highest sequence number sent
  std::uint32_t timestamp_shift_ = 0;
  std::uint32_t last_timestamp_ = 0;  // as sent
  base::Instant last_sent_at_{};
  std::uint16_t next_rtx_sequence_;
  std::array<Repeat, 64> repeats_{};  // by sequence number
  Thinning thinning_;
};

}  // namespace rtp

// SPDX-License-Identifier: Apache-2.0
#pragma once
// One PutMedia connection without its HTTP: bytes in, acknowledgements out, fragments into the stream's log.

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "container/matroska_stream.hpp"
#include "streams/commit_signal.hpp"
#include "streams/fragment_log.hpp"
#include "streams/producer_rules.hpp"

namespace streams {

// What the request's headers say.
struct ProducerSettings {
  bool absolute = true;    // the document's times are since the epoch; else since `start`
  base::WallTime start;    // of a relative producer
  bool wants_acks = true;  // without: errors only
};

struct ProducerLimits {
  ProducerRuleLimits rules;
  container::MatroskaStreamLimits stream;
  base::Duration idle = std::chrono::seconds(30);     // without a byte: the connection ends
  base::Duration idle_ack = std::chrono::seconds(5);  // without a byte: an IDLE acknowledgement, so often
  base::Duration connection{};                        // 0: no limit
  // Past this the producer is not read for a while: back-pressure, as AWS documents no error. 0: no limit.
  std::uint64_t fragments_per_second = 0;
  // A fragment's number hides later ones of the stream while it is open (ADR 7): without a byte for so long, or
  // being open for so long, the fragment gives it back and takes another when it is complete.
  base::Duration number_unused = std::chrono::seconds(5);
  base::Duration number_held = std::chrono::seconds(25);
  // Handed to the store and not answered: past this no more is read.
  std::size_t uncommitted_bytes = 32U << 20U;
  std::size_t uncommitted_fragments = 64;
  std::size_t unsent_acks = 1024;  // the same for a producer that does not read them
};

enum class ProducerAckKind : std::uint8_t { Buffering, Received, Persisted, Error, Idle };

struct ProducerAck {
  ProducerAckKind kind = ProducerAckKind::Idle;
  std::optional<std::int64_t> timecode_ms{};  // the fragment's, as the producer sent it
  std::optional<FragmentNumber> number{};
  std::optional<ProducerError> error{};
};

// Lives on the connection's shard; reads no clock. After an error nothing more is taken: producers send again what was
// not acknowledged, on a new connection.
class ProducerSession {
 public:
  ProducerSession(ProducerSettings settings, ProducerLimits limits, std::shared_ptr<FragmentLog> log,
                  base::Instant now);
  ~ProducerSession();
  ProducerSession(const ProducerSession&) = delete;
  ProducerSession& operator=(const ProducerSession&) = delete;

  void handle_bytes(base::ByteView bytes, base::Instant now, base::WallTime wall);
  // The body has ended, or the connection broke.
  void handle_end(bool whole, base::Instant now, base::WallTime wall);
  // At next_time(), and when changed() says so.
  void handle_time(base::Instant now, base::WallTime wall);
  base::Instant next_time() const;

  std::optional<ProducerAck> poll_ack();

  // False: do not read now (back-pressure), or never again (is_over).
  bool accepts_bytes() const;
  bool is_over() const { return over_; }
  // Over, and every fragment handed to the store is answered.
  bool is_settled() const { return over_ && uncommitted_fragments_ == 0; }

  // Notified when the store has answered; any thread. Outlives the session.
  CommitSignal& changed() { return outcome_->changed; }

  struct Stats {
    std::uint64_t fragments = 0;  // committed
    std::uint64_t bytes = 0;      // received
    std::uint64_t renumbered = 0;
  };
  const Stats& stats() const { return stats_; }

 private:
  struct Answer {
    ProducerAck ack;
    std::size_t bytes = 0;
    std::optional<base::Error> error;
    bool durable = false;
  };
  // Shared with the store's callbacks.
  struct Outcome {
    std::mutex mutex;
    std::vector<Answer> answers;  // at most uncommitted_fragments
    CommitSignal changed;
  };
  struct Open {
    std::optional<FragmentNumber> number{};
    std::optional<std::int64_t> timestamp_ns{};
    base::WallTime server_time;
    base::Instant began;
  };

  void handle_events(base::Instant now, base::WallTime wall);
  void handle(const container::stream_event::FragmentTime& time);
  void handle(container::stream_event::FragmentComplete& complete, base::Instant now, base::WallTime wall);
  void commit(base::Bytes document, const ProducerFragmentFacts& facts);
  std::optional<Gap> gap_before(base::WallTime start, const ProducerFragmentFacts& facts) const;
  base::WallTime producer_time(std::int64_t timestamp_ns) const;
  void take_answers();
  void acknowledge(ProducerAckKind kind);
  ProducerAck make_ack(ProducerAckKind kind) const;
  void judge(ProducerRules::Verdict verdict);
  void fail(ProducerError error);
  void drop_open();
  void give_number_back();
  base::Instant number_due() const;

  ProducerSettings settings_;
  ProducerLimits limits_;
  std::shared_ptr<FragmentLog> log_;
  std::shared_ptr<Outcome> outcome_;
  container::MatroskaStream stream_;
  std::optional<ProducerRules> rules_;
  std::optional<Open> open_;
  std::deque<ProducerAck> acks_;
  std::optional<base::WallTime> end_;  // of the fragment before, by the producer's clock
  std::size_t uncommitted_bytes_ = 0;
  std::size_t uncommitted_fragments_ = 0;
  base::Instant began_, byte_at_, idle_ack_at_;
  base::TokenBucket fragment_rate_;
  base::Instant paused_until_{};  // by fragments_per_second
  bool is_paused_ = false;
  bool is_ending_ = false;  // the body has ended
  bool over_ = false;
  Stats stats_;
};

}  // namespace streams

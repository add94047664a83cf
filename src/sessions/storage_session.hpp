// SPDX-License-Identifier: Apache-2.0
#pragma once
// The storage session of one channel: the master's WebRTC connections and the recorder that they feed.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/timer.hpp"
#include "base/random.hpp"
#include "sessions/dropped_packets.hpp"
#include "sessions/media_port.hpp"
#include "sessions/session_timeline.hpp"
#include "sessions/signaling_channel.hpp"
#include "streams/recorder.hpp"

namespace sessions {

// What all sessions of a shard share. Outlives them.
struct SessionEnvironment {
  MediaPort& port;
  base::Random& random;
  std::shared_ptr<const webrtc::Certificate> certificate;
  // Host candidates for callers from elsewhere and for callers on loopback (which get 127.0.0.1 as well).
  std::vector<base::SocketAddress> candidates;
  std::vector<base::SocketAddress> loopback_candidates;
  streams::RecorderOptions recorder;
};

struct SessionStats {
  std::uint64_t joins = 0;
  std::uint64_t connected = 0;
  std::uint64_t failed = 0;  // never connected
  std::uint64_t rejected_answers = 0;
  std::uint64_t replaced = 0;  // torn down because a newer join connected
  std::uint64_t ended = 0;     // connected, then left
  DroppedPackets dropped;      // by all peers; those of a live one are a second behind
};

// Lives on its channel's shard; owned by the channel. Each join makes one peer with one offer. The newest join that
// connects wins and feeds the recorder; the older peer is torn down only then, since clients repeat joins within
// seconds and may answer either offer.
class StorageSession final : public PeerOwner {
 public:
  // Offers that wait for their client at once; the oldest is given up for one more.
  static constexpr std::size_t kMaxPeers = 4;

  // `log` is the stream that the channel is mapped to. `stats` outlives the session.
  StorageSession(SessionEnvironment& environment, std::string channel_name, std::shared_ptr<streams::FragmentLog> log,
                 SessionStats& stats);
  ~StorageSession() override;

  // Queues a fresh offer, then its candidates, to the master's socket.
  void join(base::Instant now, bool caller_on_loopback, SignalingSink& master);
  // Messages of the master without a recipient. The error text is for its STATUS_RESPONSE.
  base::Result<void> handle_message(base::Instant now, const ClientMessage& message);

  // No peer is left and nothing is being recorded: the owner may drop the session.
  bool is_over() const { return members_.empty() && recorder_ == nullptr; }
  streams::StreamKey stream() const { return log_->stream(); }
  // Ends all peers and commits the open fragment; resolves when it is durable.
  async::Task<void> stop(streams::GapReason reason);

 private:
  struct Member;

  void handle_peer_event(base::Instant now, webrtc::Peer& peer, webrtc::PeerEvent event) override;
  void handle_batch_end(base::Instant now, webrtc::Peer& peer) override;

  base::Result<void> handle_answer(base::Instant now, const std::string& payload);
  base::Result<void> handle_candidate(base::Instant now, const std::string& payload);
  void activate(base::Instant now, Member& member);
  void record(base::Instant now, Member& member, webrtc::FrameReceived event);
  void end(base::Instant now, Member& member, const std::string& reason);
  void retire(base::Instant now, Member& member);
  void finish_recording(base::Instant now, streams::GapReason reason);
  void tick();
  void watch_for_fragment(const Member& member);
  void count_dropped(Member& member);
  Member* find_member(const webrtc::Peer& peer);

  SessionEnvironment& environment_;
  std::string channel_name_;
  std::shared_ptr<streams::FragmentLog> log_;
  SessionStats& stats_;
  std::vector<std::unique_ptr<Member>> members_;  // oldest join first
  Member* active_ = nullptr;                      // the one that feeds the recorder
  std::unique_ptr<streams::Recorder> recorder_;
  std::vector<std::unique_ptr<Member>> retired_;  // destroyed on a later turn: they may be handling an event now
  std::uint64_t next_sequence_ = 1;
  const std::shared_ptr<StorageSession*> self_ = std::make_shared<StorageSession*>(this);  // held weakly by tasks
  async::Timer timer_;
  async::Timer reaper_;
};

}  // namespace sessions

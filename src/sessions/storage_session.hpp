// SPDX-License-Identifier: Apache-2.0
#pragma once
// The storage session of one channel: the WebRTC connections of its master and its viewers, the recorder that the
// master feeds, and what goes from each of them to the others.

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/timer.hpp"
#include "base/buffer_pool.hpp"
#include "base/random.hpp"
#include "conference/conference.hpp"
#include "sessions/dropped_packets.hpp"
#include "sessions/media_port.hpp"
#include "sessions/overload.hpp"
#include "sessions/session_history.hpp"
#include "sessions/session_limits.hpp"
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
  // Joins that are let in each second, on one shard; 0: no limit.
  std::uint32_t joins_per_second = 0;
  double busy_limit = Overload::kBusyLimit;
  // Viewers of one session; 0: no limit.
  std::size_t max_viewers = 0;
  SessionLimits limits;
  base::Duration connect_limit = std::chrono::seconds(30);  // as in webrtc::PeerOptions
  // What frames are gathered in; they come back once they are recorded.
  std::shared_ptr<base::BufferPool> frame_buffers = std::make_shared<base::BufferPool>();
};

struct SessionStats {
  std::uint64_t joins = 0;
  std::uint64_t connected = 0;
  std::uint64_t failed = 0;  // never connected
  std::uint64_t rejected_answers = 0;
  std::uint64_t replaced = 0;  // torn down because a newer join connected
  std::uint64_t ended = 0;     // connected, then left
  DroppedPackets dropped;      // by all peers; those of a live one are a second behind
  std::uint64_t nacks = 0;     // sequence numbers that all peers asked for again, as far behind
};

// Who asks for a connection, and from where.
struct Joiner {
  std::string client_id;  // empty: the master
  bool on_loopback = false;

  bool is_master() const { return client_id.empty(); }
};

// Lives on its channel's shard; owned by the channel. Each join makes one peer with one offer. Of each client the
// newest join that connects wins; the older peer is torn down only then, since clients repeat joins within seconds and
// may answer either offer. The master's feeds the recorder. Viewers may come first and stay when the master leaves;
// they are sent its video packet by packet as it arrives, without waiting for the repair that the recording waits for.
// A session without viewers keeps no packets: the first one's pictures begin with what the recorder has.
class StorageSession final {
 public:
  // Offers of one client that wait for it at once; the oldest is given up for one more.
  static constexpr std::size_t kMaxPeers = 4;
  // How long a viewer that left keeps its place among max_viewers, for itself alone (contract 3.5).
  static constexpr base::Duration kPlaceKept = std::chrono::seconds(60);

  // `log` is the stream that the channel is mapped to. `stats` outlives the session.
  StorageSession(SessionEnvironment& environment, std::string channel_name, std::shared_ptr<streams::FragmentLog> log,
                 SessionStats& stats);
  ~StorageSession();

  // Queues a fresh offer, then its candidates, to the client's socket. LimitExceeded: a viewer more than there may be.
  // `trace` tells from here on how this join fares.
  base::Result<void> join(base::Instant now, const Joiner& joiner, SessionTrace trace, SignalingSink& sink);
  // LimitExceeded as above: for the answer of the call, before there is a socket to send an offer to.
  base::Result<void> check_place(base::Instant now, const std::string& client_id);
  // A viewer's own offer, which is answered with the media of the session (not at AWS).
  base::Result<void> answer_offer(base::Instant now, const Joiner& joiner, SessionTrace trace,
                                  const ClientMessage& offer, SignalingSink& sink);
  // Answers and candidates for the session. The error text is for the client's STATUS_RESPONSE.
  base::Result<void> handle_message(base::Instant now, const std::string& client_id, const ClientMessage& message);
  bool has_peer_of(const std::string& client_id) const;
  // The client's signaling connection opened or closed.
  void note_signaling(const std::string& client_id, bool connected);
  // Brings the records of all live connections up to date.
  void update_traces();
  // For a session that is dropped with its connections: why they end.
  void end_traces(base::Instant now, const SessionEnd& how);

  // No peer is left and nothing is being recorded: the owner may drop the session.
  bool is_over() const { return members_.empty() && recorder_ == nullptr; }
  streams::StreamKey stream() const { return log_->stream(); }
  bool is_recording() const { return master_ != nullptr; }
  // Since when the present master is connected.
  base::Instant recording_since() const { return recording_since_; }
  // For a shard that has too much to do: the master's media is left out, a gap with the reason overload, until
  // resume().
  void rest(base::Instant now);
  void resume(base::Instant now);
  // The master is asked to use this share of its bit rate; 1: what its path can carry.
  void ask_for_share(base::Instant now, double share);
  // Ends all peers and commits the open fragment; resolves when it is durable.
  async::Task<void> stop(streams::GapReason reason);

 private:
  struct Member;

  void handle_event(base::Instant now, Member& member, webrtc::PeerEvent event);
  void handle_batch_end(base::Instant now, Member& member);

  Member& add_member(base::Instant now, const Joiner& joiner, SessionTrace trace, webrtc::PeerOptions::Role role);
  void give_up_oldest_offer(base::Instant now, const std::string& client_id);
  base::Result<void> handle_answer(base::Instant now, const std::string& client_id, const std::string& payload);
  base::Result<void> handle_candidate(base::Instant now, const std::string& client_id, const std::string& payload);
  void activate(base::Instant now, Member& member);
  SessionEnd explain(base::Instant now, Member& member, const webrtc::Failed& failed);
  void end(base::Instant now, Member& member, SessionEnd how);
  void retire(base::Instant now, Member& member, SessionEnd how);
  Member* find_active(const std::string& client_id);
  std::size_t count_viewers(base::Instant now, const std::string& except);
  std::string name_of(const Member& member) const;

  // storage_session_media.cpp
  void prefetch(int step) const;
  void activate_master(base::Instant now, Member& master, bool continues);
  void activate_viewer(base::Instant now, Member& viewer);
  void record_audio_of(const Member& member);
  void record(base::Instant now, Member& member, webrtc::FrameReceived event);
  void keep_video(base::Instant now);
  void fill_history(base::Instant now);
  void forward_video(base::Instant now);
  void request_key_frame(base::Instant now);
  void finish_recording(base::Instant now, streams::GapReason reason);
  void tick();
  void watch_for_fragment(const Member& member);
  void count_dropped(Member& member);

  // storage_session_limits.cpp
  void watch_limits(base::Instant now, Member& member);
  void check_limits();

  // storage_session_audio.cpp
  void join_conference(base::Instant now, Member& member);
  void leave_conference(base::Instant now, const Member& member);
  void keep_sound();
  void hear(base::Instant now, Member& member);
  void send_audio(base::Instant now);
  void mix_audio();
  base::WallTime capture_time(base::Instant now) const;

  SessionEnvironment& environment_;
  std::string channel_name_;
  std::shared_ptr<streams::FragmentLog> log_;
  SessionStats& stats_;
  std::vector<std::unique_ptr<Member>> members_;  // oldest join first
  Member* master_ = nullptr;                      // connected; feeds the recorder
  std::shared_ptr<rtp::PacketHistory> video_;     // the master's, for the viewers
  std::map<std::string, base::Instant> places_;   // of viewers that left, until when they are kept
  std::unique_ptr<streams::Recorder> recorder_;
  std::vector<std::unique_ptr<Member>> retired_;  // destroyed on a later turn: they may be handling an event now
  base::Instant recording_since_{};
  bool resting_ = false;
  double bitrate_share_ = 1;
  std::uint64_t next_sequence_ = 1;
  const std::shared_ptr<StorageSession*> self_ = std::make_shared<StorageSession*>(this);  // held weakly by tasks
  conference::Conference conference_;
  std::unordered_map<conference::ParticipantId, Member*> listeners_;
  async::Timer timer_;
  async::Timer audio_timer_;
  async::Timer limit_timer_;
  async::Timer reaper_;
};

}  // namespace sessions

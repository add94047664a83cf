// SPDX-License-Identifier: Apache-2.0
#pragma once
// One WebRTC connection of a camera or a viewer: a peer, its UDP socket and its timer.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/shard.hpp"
#include "async/timer.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "client/media_source.hpp"
#include "net/udp_port_group.hpp"
#include "webrtc/peer/peer.hpp"

namespace client {

struct LinkOptions {
  std::shared_ptr<const webrtc::Certificate> certificate;
  bool audio = true;
  bool talks = false;        // of a viewer: sends audio too
  bool on_loopback = false;  // the endpoint is this machine: offer 127.0.0.1 too
  bool like_c_sdk = false;
  std::vector<webrtc::SrtpProfile> srtp_profiles{};            // in order of preference; empty: the usual ones
  std::shared_ptr<const rtp::PreparedTrack> video{}, sound{};  // of the loop that is sent, where there is one
  std::shared_ptr<net::UdpPortGroup> ports{};                  // of the shard; null: the link makes its own
  // A viewer: receives, and hears of every event as it comes.
  std::function<void(base::Instant, const webrtc::PeerEvent&)> on_event{};
};

// Owned by a Participant, on its shard. Media starts when is_up().
class PeerLink {
 public:
  // `changed` is called after each change that somebody may wait for. `random` outlives the link.
  static base::Result<std::unique_ptr<PeerLink>> open(async::Shard& shard, base::Random& random,
                                                      const LinkOptions& options, std::function<void()> changed);

  base::Result<std::string> accept_offer(std::string_view sdp);
  void add_remote_candidate(std::string_view line);
  std::vector<std::string> local_candidates() const { return peer_->local_candidates(); }

  // RTP times count from `epoch`, the wall clock of media time zero.
  void send(base::Instant now, const MediaFrame& frame, base::WallTime epoch);
  // What send() of a prepared frame looks at, in six steps as Paced::prefetch().
  void prefetch(int step, codecs::MediaKind kind) const;
  // The last frame was sent: what is lost of it will be noticed.
  void end_of_media(base::Instant now);
  // Goodbye to the remote; the link is over for this reason.
  void close(std::string why = "closed");

  bool is_up() const { return dtls_at_ && !is_over(); }
  bool is_over() const { return !why_over_.empty(); }
  const std::string& why_over() const { return why_over_; }
  base::Instant last_heard() const { return last_heard_; }  // any datagram
  std::optional<base::Instant> ice_at() const { return ice_at_; }
  std::optional<base::Instant> dtls_at() const { return dtls_at_; }
  // True once after the remote asked for a key frame.
  bool take_key_frame_request();
  std::uint64_t key_frame_requests() const { return key_frame_requests_; }
  // Of all that is sent here, bits a second; 0: the other side has not said yet.
  std::uint64_t asked_bitrate() const { return peer_->stats().rtp.remb_asked; }
  webrtc::PeerStats stats() const { return peer_->stats(); }

 private:
  PeerLink(async::Shard& shard, std::function<void()> changed);
  void receive(base::Instant now, std::span<base::Datagram> datagrams);
  void send_prepared(base::Instant now, const MediaFrame& frame, std::uint32_t time, base::WallTime capture);
  void drain();
  void note(const webrtc::PeerEvent& event, base::Instant now);

  async::Shard& shard_;
  std::function<void()> changed_;
  std::unique_ptr<webrtc::Peer> peer_;
  std::uint32_t video_base_ = 0;  // RTP time of media time zero
  std::uint32_t audio_base_ = 0;
  std::optional<base::Instant> ice_at_, dtls_at_;
  base::Instant last_heard_{};
  std::string why_over_;
  std::uint64_t key_frame_requests_ = 0;
  bool key_frame_wanted_ = false;
  bool media_began_ = false;
  std::function<void(base::Instant, const webrtc::PeerEvent&)> on_event_;
  std::unique_ptr<async::Timer> timer_;
  std::shared_ptr<net::UdpPortGroup> ports_;
  std::unique_ptr<net::UdpPortGroup::Socket> socket_;  // last: its receiver uses the rest
};

}  // namespace client

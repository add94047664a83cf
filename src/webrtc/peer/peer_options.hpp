// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "rtp/packet_history.hpp"
#include "rtp/prepared_track.hpp"
#include "webrtc/dtls/certificate.hpp"
#include "webrtc/dtls/transport.hpp"
#include "webrtc/peer/media_kind.hpp"

namespace webrtc {

// Rooms above name these through here.
using Certificate = dtls::Certificate;
using SrtpProfile = dtls::SrtpProfile;

// What a peer is and what it may negotiate. The defaults are a storage session's; the switches let a test play a
// poorer peer.
struct PeerOptions {
  // The offerer is ICE controlling and DTLS server (it offers actpass, clients answer active); the answerer is ICE
  // controlled and DTLS client.
  enum class Role { Offerer, Answerer };
  Role role = Role::Offerer;
  std::shared_ptr<const Certificate> certificate;
  // Where this host can be reached, as host candidates; each is `Flow::local` of what is sent from it.
  std::vector<base::SocketAddress> local_addresses;
  // Where it takes TCP connections, as passive candidates; their datagrams come and go on flows of Transport::Tcp.
  std::vector<base::SocketAddress> local_tcp_addresses;

  // Offerer: as offered. Answerer: what it is ready for; the offer narrows it. Set SendOnly for a camera.
  Direction video = Direction::RecvOnly;
  Direction audio = Direction::SendRecv;

  // false: the description has no candidate lines; the owner sends local_candidates() itself.
  bool candidates_in_description = true;
  bool rtx = true;
  bool header_extensions = true;  // mid, abs-send-time, transport-wide-cc
  bool transport_cc = true;       // TWCC feedback (needs header_extensions)
  bool remb = true;
  // Order of preference; as DTLS client also the order on the wire.
  std::vector<SrtpProfile> srtp_profiles = {SrtpProfile::AeadAes128Gcm, SrtpProfile::Aes128CmSha1_80};

  // The bounds of what the sender of media is told that it may send.
  std::uint64_t start_bitrate = 3'000'000;
  std::uint64_t max_bitrate = 12'000'000;
  // How long a missing packet is waited for before frames go on without it.
  base::Duration repair_deadline = std::chrono::milliseconds(3000);
  // From both descriptions known to DTLS connected. An offer that nobody answers fails after it, too.
  base::Duration connect_limit = std::chrono::seconds(30);

  // Sender: how long packets are kept for repair; zero: NACKs are not heeded.
  base::Duration repair_history = std::chrono::seconds(3);
  // Sender: raise KeyFrameRequested on PLI and FIR.
  bool heed_key_frame_requests = true;
  // Receiver of video: where its packets are kept for those they are forwarded to. One writer at a time.
  std::shared_ptr<rtp::PacketHistory> video_history{};
  // The same of its sound, for a conference, which cannot wait for repair either.
  std::shared_ptr<rtp::PacketHistory> audio_history{};
  // Receiver: as in rtp::ReceiverOptions.
  std::shared_ptr<base::BufferPool> frame_buffers{};
  // Sender of video: what Peer::forward_video() sends from; send_frame() has no video then.
  std::shared_ptr<const rtp::PacketHistory> forwarded_video{};
  // Sender: what Peer::send_prepared() sends from, shared by many peers; cut as this peer's own frames would be.
  std::shared_ptr<const rtp::PreparedTrack> prepared_video{}, prepared_audio{};
  // Answerer: the SDP answer and RTP packets of webrtc-sdk-c; set by play_c_sdk().
  bool like_c_sdk = false;
  std::string cname = "tidegate";
};

// Makes an answerer behave as webrtc-sdk-c's storage master does: no RTX and no extmap lines, SRTP _32 offered before
// _80 and no AEAD, a SHA-1-signed certificate is the caller's, single NAL units and FU-A only, sequence numbers from 0,
// no key frame on request.
void play_c_sdk(PeerOptions& options);

}  // namespace webrtc

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
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

  // Offerer: as offered. Answerer: what it is ready for; the offer narrows it. Set SendOnly for a camera.
  Direction video = Direction::RecvOnly;
  Direction audio = Direction::SendRecv;

  // false: no a=ice-options:trickle and no promise of later candidates.
  bool trickle = true;
  // false: the description has no candidate lines; the owner sends local_candidates() itself.
  bool candidates_in_description = true;
  bool rtx = true;
  bool header_extensions = true;  // mid, abs-send-time, transport-wide-cc
  bool transport_cc = true;       // TWCC feedback (needs header_extensions)
  bool remb = true;
  // Answerer: raise KeyFrameRequested on PLI and FIR. false plays webrtc-sdk-c's samples, which ignore them.
  bool heed_key_frame_requests = true;
  // Repair lost packets on NACK.
  bool heed_nacks = true;
  // Order of preference; as DTLS client also the order on the wire.
  std::vector<SrtpProfile> srtp_profiles = {SrtpProfile::AeadAes128Gcm, SrtpProfile::Aes128CmSha1_80};

  // REMB and TWCC tell the sender that it may send this much.
  std::uint64_t receive_bitrate_limit = 4'000'000;
  base::Duration key_frame_request_interval = std::chrono::milliseconds(500);  // PLIs are coalesced within it
  base::Duration connect_limit = std::chrono::seconds(30);  // from both descriptions known to DTLS connected
  // Sender: packets kept for repair.
  std::size_t repair_packets = 4096;
  std::string cname = "tidegate";
};

}  // namespace webrtc

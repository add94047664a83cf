// SPDX-License-Identifier: Apache-2.0
#include "sessions/dropped_packets.hpp"

namespace sessions {

void DroppedPackets::add(const DroppedPackets& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
}

DroppedPackets DroppedPackets::since(const DroppedPackets& earlier) const {
  DroppedPackets out;
  for (std::size_t i = 0; i < counts.size(); ++i) out.counts[i] = counts[i] - earlier.counts[i];
  return out;
}

DroppedPackets dropped_packets(const webrtc::PeerStats& stats) {
  DroppedPackets out;
  out[DropReason::Unknown] = stats.unknown_datagrams;
  out[DropReason::Stun] = stats.ice.not_stun + stats.ice.wrong_username + stats.ice.wrong_password +
                          stats.ice.bad_request + stats.ice.unknown_transaction + stats.ice.asymmetric_response;
  out[DropReason::Dtls] = stats.strange_flow + stats.early_dtls_dropped + stats.dtls.datagrams_dropped;
  out[DropReason::EarlyMedia] = stats.early_media;
  for (const webrtc::srtp::OpenStats* opened : {&stats.srtp, &stats.srtcp}) {
    out[DropReason::SrtpMalformed] += opened->malformed;
    out[DropReason::SrtpNotAuthentic] += opened->not_authentic;
    out[DropReason::SrtpReplayed] += opened->replayed + opened->too_old;
    out[DropReason::Unroutable] += opened->too_many_streams;
  }
  out[DropReason::RtpMalformed] = stats.rtp.malformed_rtp;
  out[DropReason::RtcpMalformed] = stats.rtp.malformed_rtcp;
  out[DropReason::Unroutable] += stats.rtp.unroutable;
  out[DropReason::Overload] = stats.rested;
  for (const rtp::ReceiverStats* received : {&stats.video_received, &stats.audio_received}) {
    out[DropReason::RtpMalformed] += received->malformed;
    out[DropReason::Unroutable] += received->unknown_payload_type + received->unexpected_ssrc;
  }
  return out;
}

}  // namespace sessions

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/address.hpp"
#include "base/time.hpp"
#include "rtp/receiver.hpp"
#include "webrtc/dtls/transport.hpp"
#include "webrtc/peer/media_kind.hpp"

namespace webrtc {

// A pair was selected; raised again when another path is selected later.
struct IceConnected {
  base::Flow flow;
};
// Keys are agreed; media flows both ways from here.
struct DtlsConnected {
  dtls::SrtpProfile profile;
};
// One access unit of H.264 or one Opus packet, in decoding order per kind.
struct FrameReceived {
  MediaKind kind;
  rtp::ReceivedFrame frame;
};
// The peer's wall clock for an RTP time. `rtp_timestamp` is on the same unwrapped scale as the frames' of that ssrc.
struct SenderReportReceived {
  MediaKind kind;
  base::WallTime ntp;
  std::int64_t rtp_timestamp;
  std::uint32_t ssrc;
  base::Instant arrived;
};
// Packets given up: repair did not come in time. The next FrameReceived of this kind has after_loss set.
struct PacketsLost {
  MediaKind kind;
  std::uint64_t count;
};
// Whole frames that were dropped after a loss, because what they refer to was lost.
struct KeyFrameAwaited {
  MediaKind kind;
  std::uint64_t frames;
};
// RTCP BYE. The peer may send this kind anew, from another ssrc or the same (Chromium says BYE when it pauses).
struct SourceEnded {
  MediaKind kind;
};
// The peer asked for a key frame (PLI or FIR).
struct KeyFrameRequested {};
// DTLS close_notify. The peer is over; nothing follows.
struct RemoteClosed {};
enum class FailureCause : std::uint8_t {
  NoPath,            // ICE did not connect in time, or the offer was never answered
  ConnectionLost,    // consent expired (RFC 7675)
  WrongCertificate,  // DTLS: not the fingerprint of the SDP
  Dtls,              // the handshake or the connection broke
};
// The peer is over; nothing follows. `reason` is for operators and for the session's diagnosis.
struct Failed {
  FailureCause cause;
  std::string reason;
};

using PeerEvent = std::variant<IceConnected, DtlsConnected, FrameReceived, SenderReportReceived, PacketsLost,
                               KeyFrameAwaited, SourceEnded, KeyFrameRequested, RemoteClosed, Failed>;

}  // namespace webrtc

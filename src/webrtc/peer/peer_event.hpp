// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/address.hpp"
#include "base/time.hpp"
#include "rtp/received_frame.hpp"
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
// The peer's wall clock for an RTP time. `rtp_timestamp` is on the same unwrapped scale as ReceivedFrame's.
struct SenderReportReceived {
  MediaKind kind;
  base::WallTime ntp;
  std::int64_t rtp_timestamp;
};
// Packets given up: repair did not come in time. The next FrameReceived of this kind has after_loss set.
struct PacketsLost {
  MediaKind kind;
  std::uint64_t count;
};
// The peer asked for a key frame (PLI or FIR).
struct KeyFrameRequested {};
// DTLS close_notify, or an RTCP BYE for every stream that it sent. The peer is over; nothing follows.
struct RemoteClosed {};
// The peer is over; nothing follows. `reason` is for operators and for the session's diagnosis.
struct Failed {
  std::string reason;
};

using PeerEvent = std::variant<IceConnected, DtlsConnected, FrameReceived, SenderReportReceived, PacketsLost,
                               KeyFrameRequested, RemoteClosed, Failed>;

}  // namespace webrtc

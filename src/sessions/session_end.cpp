// SPDX-License-Identifier: Apache-2.0
#include "sessions/session_end.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sessions {
namespace {

std::int64_t whole_seconds(base::Duration duration) {
  return std::chrono::round<std::chrono::seconds>(duration).count();
}

SessionEnd explain_silence(const FailureCircumstances& seen) {
  if (!seen.in_signaling) {
    return {EndReason::NoAnswer,
            "the client left signaling before it answered the offer: it must keep its signaling connection open until "
            "it has answered"};
  }
  return {EndReason::NoAnswer,
          fmt::format("the client did not answer the offer within {} s: it must answer the SDP_OFFER that comes on its "
                      "signaling connection after the join with an SDP_ANSWER{}",
                      whole_seconds(seen.waited),
                      seen.is_master ? " (the JavaScript SDK raises sdpOffer; a master that waits for the offers of "
                                       "viewers only never sees it)"
                                     : "")};
}

SessionEnd explain_no_path(const std::string& reason, const FailureCircumstances& seen, const webrtc::PathReport& path,
                           const webrtc::PeerStats& stats) {
  if (path.pairs.empty()) {
    return {EndReason::NoCandidates,
            fmt::format("{}: the client must send candidates over UDP, in its SDP or as ICE_CANDIDATE messages; when "
                        "it names only host names (.local), open UDP {} so that its own checks reach this server",
                        reason, seen.media_port)};
  }
  const bool any_answered = std::ranges::any_of(path.pairs, &webrtc::PairReport::answered);
  std::string remedy;
  if (any_answered) {
    remedy = "the network loses packets, or the client is no full ICE agent";
  } else if (stats.ice.wrong_password + stats.ice.wrong_username > 0) {
    remedy = "the client uses ICE credentials of another session: it must answer the newest offer";
  } else if (stats.ice.requests_received > 0) {
    remedy = fmt::format("packets come in but none get back to the client: let UDP out from port {}, or configure TURN",
                         seen.media_port);
  } else {
    remedy = fmt::format("open UDP {} on the way to this server or configure TURN", seen.media_port);
  }
  return {EndReason::NoPath, fmt::format("{}: {}", reason, remedy)};
}

}  // namespace

SessionEnd explain_failure(const webrtc::Failed& failed, const FailureCircumstances& circumstances,
                           const webrtc::PathReport& path, const webrtc::PeerStats& stats) {
  switch (failed.cause) {
    case webrtc::FailureCause::NoPath:
      // An answer goes to every offer that waits (ADR 2), and only the one that the client took can connect.
      if (circumstances.other_connected) {
        return {EndReason::Superseded, "the client connected through another join's offer"};
      }
      if (!circumstances.answered) return explain_silence(circumstances);
      return explain_no_path(failed.reason, circumstances, path, stats);
    case webrtc::FailureCause::ConnectionLost:
      return {EndReason::ConnectionLost,
              failed.reason + ": the client or its network is gone without a word; it must join again"};
    case webrtc::FailureCause::WrongCertificate:
      return {EndReason::WrongCertificate,
              failed.reason +
                  ": a=fingerprint must be that of the certificate the client uses for this connection, "
                  "and its SDP must arrive unchanged"};
    case webrtc::FailureCause::Dtls:
      break;
  }
  return {EndReason::DtlsFailed,
          failed.reason + ": the client must speak DTLS 1.2 with SRTP_AEAD_AES_128_GCM or SRTP_AES128_CM_HMAC_SHA1_80"};
}

SessionEnd explain_absence(bool is_master, base::Duration waited) {
  return {
      EndReason::NotInSignaling,
      fmt::format("the client was not connected to signaling within {} s of its join, so no offer could be sent: it "
                  "must open its signaling connection as {} before it joins",
                  whole_seconds(waited), is_master ? "MASTER" : "VIEWER with the client id of the join")};
}

}  // namespace sessions

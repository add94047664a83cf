// SPDX-License-Identifier: Apache-2.0
#pragma once
// Why a session ended, in a word for metrics and in plain words that name the remedy.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "webrtc/peer/path_report.hpp"
#include "webrtc/peer/peer_event.hpp"
#include "webrtc/peer/peer_stats.hpp"

namespace sessions {

enum class EndReason : std::uint8_t {
  ClientLeft,
  Replaced,    // a newer join of the same client connected
  Superseded,  // never connected; the client went on with another join
  ServerStopped,
  StreamChanged,       // the channel records into another stream now
  NotInSignaling,      // the client was not connected to signaling in time: it never got an offer
  JoinRefused,         // no offer was made
  NoAnswer,            // to the offer
  DescriptionRefused,  // the client's answer or offer cannot be used
  NoCandidates,        // of the client that could be tried
  NoPath,              // no candidate pair connected
  ConnectionLost,
  WrongCertificate,
  DtlsFailed,
  SessionTooLong,  // the limits of session_limits.hpp
  Idle,
  NoMaster,
};
inline constexpr std::array<std::string_view, 17> kEndReasonNames = {
    "client_left",       "replaced",    "superseded",          "server_stopped", "stream_changed", "not_in_signaling",
    "join_refused",      "no_answer",   "description_refused", "no_candidates",  "no_path",        "connection_lost",
    "wrong_certificate", "dtls_failed", "session_too_long",    "idle",           "no_master"};
inline std::string_view end_reason_name(EndReason reason) {
  return kEndReasonNames[static_cast<std::size_t>(reason)];
}

struct SessionEnd {
  EndReason reason;
  std::string text;
};

// What is known of a connection when its peer fails.
struct FailureCircumstances {
  bool is_master = true;
  bool answered = false;         // both descriptions are known
  bool in_signaling = true;      // the client's signaling socket is open
  bool other_connected = false;  // another connection of the client stands
  base::Duration waited{};       // since the join
  std::uint16_t media_port = 0;
};

SessionEnd explain_failure(const webrtc::Failed& failed, const FailureCircumstances& circumstances,
                           const webrtc::PathReport& path, const webrtc::PeerStats& stats);
// A join whose client did not come to signaling within `waited`.
SessionEnd explain_absence(bool is_master, base::Duration waited);

}  // namespace sessions

// SPDX-License-Identifier: Apache-2.0
#pragma once
// What goes over the signaling WebSocket (contract sections 2.2 and 2.3), as structs.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sessions {

enum class SignalingAction { SdpOffer, SdpAnswer, IceCandidate };
// "SDP_OFFER", "SDP_ANSWER", "ICE_CANDIDATE".
std::string_view to_text(SignalingAction action);

// The hard limit of the contract for messagePayload, in base64 characters.
inline constexpr std::size_t kMaxPayloadCharacters = 10'000;
// A whole message: payload, ids and the ICE servers that webrtc-sdk-c adds to its offers.
inline constexpr std::size_t kMaxMessageBytes = 32 * 1024;

// A message from a client. Keys are accepted in both cases, as the JavaScript (recipientClientId) and the C clients
// (RecipientClientId) write them.
struct ClientMessage {
  SignalingAction action = SignalingAction::SdpOffer;
  std::string recipient_client_id;  // empty: none
  std::string payload;              // base64 as received, 1..kMaxPayloadCharacters
  std::string correlation_id;       // empty: none
};

// The error of a message that does not parse. The correlation id is there when it could be read, since a
// STATUS_RESPONSE is sent for a failure that carried one only.
struct RejectedMessage {
  base::Error error;
  std::string correlation_id;
};
std::expected<ClientMessage, RejectedMessage> parse_client_message(std::string_view text);

// A description or a candidate inside a payload.
struct SessionDescription {
  std::string type;  // "offer" or "answer"
  std::string sdp;
};
base::Result<SessionDescription> parse_description_payload(std::string_view base64);
// The candidate line; empty for the end of candidates.
base::Result<std::string> parse_candidate_payload(std::string_view base64);

// Payloads of the storage session, already in base64. Candidates carry sdpMLineIndex and no sdpMid (contract 3.2).
std::string make_description_payload(std::string_view type, std::string_view sdp);
std::string make_candidate_payload(std::string_view candidate_line);

// Server to client, exact key case. `sender_client_id` empty: the member is absent (messages of a storage session).
std::string make_server_message(SignalingAction action, std::string_view sender_client_id, std::string_view payload);
std::string make_go_away();
// The payload of an SDP_ANSWER that make_server_message() wrote; nothing for any other message.
std::optional<std::string> find_answer_payload(std::string_view server_message);
// For failures that carried a correlation id only: a failing status stops the JavaScript sample.
std::string make_status_response(std::string_view correlation_id, const base::Error& error);

}  // namespace sessions

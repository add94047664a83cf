// SPDX-License-Identifier: Apache-2.0
#pragma once
// Messages of the signaling WebSocket as a client of a storage session sees them.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace client {

struct ServerMessage {
  enum class Kind : std::uint8_t { Offer, Candidate, Status, GoAway, Other };
  Kind kind = Kind::Other;
  std::string sender_client_id;  // empty from a storage session
  std::string text;              // the SDP, the candidate line, or the words of a failed status
  std::string correlation_id{};  // of a status: the message that it is about
};
base::Result<ServerMessage> parse_server_message(std::string_view text);

// How keys are written: the JavaScript client's way or webrtc-sdk-c's.
enum class KeyCase : std::uint8_t { LowerCamel, Capitalised };

std::string make_answer_message(std::string_view sdp, std::string_view recipient, std::string_view correlation_id,
                                KeyCase keys);
std::string make_candidate_message(std::string_view candidate, std::string_view recipient, KeyCase keys);

}  // namespace client

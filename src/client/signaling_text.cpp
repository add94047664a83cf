// SPDX-License-Identifier: Apache-2.0
#include "client/signaling_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "aws/json_document.hpp"
#include "aws/json_write.hpp"
#include "base/bytes.hpp"

namespace client {
namespace {

using base::Errc;
using base::fail;

// A JSON string. Line ends are written short: an SDP has a hundred of them, and a payload is limited.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    std::string piece;
    aws::write_value(piece, text.substr(0, end));
    out.append(piece, 1, piece.size() - 2);
    if (end < text.size()) out += text[end] == '\r' ? "\\r" : "\\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + "\"";
}

std::string to_text(aws::JsonValue value) {
  return std::string(value.text().value_or(""));
}

// The text member of a payload: base64 of a JSON object.
base::Result<std::string> read_payload(std::string_view payload, std::string_view member) {
  const auto bytes = base::parse_base64(payload);
  if (!bytes) return fail(Errc::Corrupt, "a signaling payload is not base64");
  const auto document = aws::JsonDocument::parse(base::as_text(*bytes));
  if (!document) return fail(Errc::Corrupt, "a signaling payload is not JSON");
  return to_text(document->root().find(member));
}

std::string make_message(std::string_view action, std::string_view payload_json, std::string_view recipient,
                         std::string_view correlation_id, KeyCase keys) {
  const bool lower = keys == KeyCase::LowerCamel;
  std::string out = fmt::format(R"({{"action":{})", quoted(action));
  // webrtc-sdk-c always names a recipient, an empty one for a storage session.
  if (!lower || !recipient.empty())
    out += fmt::format(R"(,"{}":{})", lower ? "recipientClientId" : "RecipientClientId", quoted(recipient));
  out += fmt::format(R"(,"{}":"{}")", lower ? "messagePayload" : "MessagePayload",
                     base::to_base64(base::as_bytes(payload_json)));
  if (!correlation_id.empty())
    out += fmt::format(R"(,"{}":{})", lower ? "correlationId" : "CorrelationId", quoted(correlation_id));
  return out + "}";
}

}  // namespace

base::Result<ServerMessage> parse_server_message(std::string_view text) {
  const auto document = aws::JsonDocument::parse(text);
  if (!document) return fail(Errc::Corrupt, "a signaling message is not JSON");
  const aws::JsonValue root = document->root();
  const std::string type = to_text(root.find("messageType"));
  const std::string payload = to_text(root.find("messagePayload"));
  ServerMessage message;
  message.sender_client_id = to_text(root.find("senderClientId"));
  if (type == "SDP_OFFER") {
    message.kind = ServerMessage::Kind::Offer;
    TRY(message.text, read_payload(payload, "sdp"));
  } else if (type == "ICE_CANDIDATE") {
    message.kind = ServerMessage::Kind::Candidate;
    TRY(message.text, read_payload(payload, "candidate"));
  } else if (type == "STATUS_RESPONSE") {
    const aws::JsonValue status = root.find("statusResponse");
    message.kind = ServerMessage::Kind::Status;
    message.correlation_id = to_text(status.find("correlationId"));
    message.text = fmt::format("{}: {}", to_text(status.find("errorType")), to_text(status.find("description")));
  } else if (type == "GO_AWAY") {
    message.kind = ServerMessage::Kind::GoAway;
  }
  return message;
}

std::string make_answer_message(std::string_view sdp, std::string_view recipient, std::string_view correlation_id,
                                KeyCase keys) {
  const std::string payload = fmt::format(R"({{"type":"answer","sdp":{}}})", quoted(sdp));
  return make_message("SDP_ANSWER", payload, recipient, correlation_id, keys);
}

std::string make_candidate_message(std::string_view candidate, std::string_view recipient, KeyCase keys) {
  const std::string payload = fmt::format(R"({{"candidate":{},"sdpMid":"0","sdpMLineIndex":0}})", quoted(candidate));
  return make_message("ICE_CANDIDATE", payload, recipient, {}, keys);
}

}  // namespace client

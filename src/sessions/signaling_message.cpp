// SPDX-License-Identifier: Apache-2.0
#include "sessions/signaling_message.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>

#include "base/bytes.hpp"

namespace sessions {
namespace {

namespace json = boost::json;

struct ActionName {
  SignalingAction action;
  std::string_view text;
};
constexpr std::array kActions = {ActionName{SignalingAction::SdpOffer, "SDP_OFFER"},
                                 ActionName{SignalingAction::SdpAnswer, "SDP_ANSWER"},
                                 ActionName{SignalingAction::IceCandidate, "ICE_CANDIDATE"}};

std::optional<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 8;
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return std::nullopt;
  return value;
}

// The string member `key` or, as the C clients write it, `Key`. Nothing if absent, null or no string.
std::optional<std::string> find_text(const json::object& object, std::string_view key) {
  std::string capitalised(key);
  capitalised[0] = static_cast<char>(capitalised[0] - 'a' + 'A');
  for (const std::string_view name : {key, std::string_view(capitalised)}) {
    const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
    if (value != nullptr && value->is_string()) return std::string(value->get_string());
  }
  return std::nullopt;
}

bool is_identifier(std::string_view text) {
  if (text.empty() || text.size() > 256) return false;
  for (const char c : text) {
    const bool allowed =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    if (!allowed) return false;
  }
  return true;
}

std::unexpected<RejectedMessage> reject(std::string correlation_id, std::string why) {
  return std::unexpected(
      RejectedMessage{base::Error{base::Errc::InvalidArgument, std::move(why)}, std::move(correlation_id)});
}

base::Result<json::object> parse_payload(std::string_view base64) {
  const auto bytes = base::parse_base64(base64);
  if (!bytes) return base::fail(base::Errc::InvalidArgument, "messagePayload is not base64");
  auto value = parse_json(base::as_text(*bytes));
  if (!value || !value->is_object()) {
    return base::fail(base::Errc::InvalidArgument, "messagePayload does not hold a JSON object");
  }
  return std::move(value->get_object());
}

std::string to_payload(const json::object& object) {
  return base::to_base64(base::as_bytes(json::serialize(object)));
}

// AWS writes the AWS error name and an HTTP status for each failure of the socket.
std::pair<std::string_view, int> error_type(base::Errc code) {
  switch (code) {
    case base::Errc::LimitExceeded:
      return {"ClientLimitExceededException", 400};
    case base::Errc::NotFound:
      return {"ResourceNotFoundException", 404};
    case base::Errc::AccessDenied:
      return {"AccessDeniedException", 403};
    case base::Errc::Internal:
      return {"InternalFailure", 500};
    default:
      return {"InvalidArgumentException", 400};
  }
}

}  // namespace

std::string_view to_text(SignalingAction action) {
  for (const auto& row : kActions) {
    if (row.action == action) return row.text;
  }
  return "";
}

std::expected<ClientMessage, RejectedMessage> parse_client_message(std::string_view text) {
  if (text.size() > kMaxMessageBytes) {
    return reject("", fmt::format("a message has at most {} bytes", kMaxMessageBytes));
  }
  const auto value = parse_json(text);
  if (!value || !value->is_object()) return reject("", "a message is one JSON object");
  const json::object& object = value->get_object();

  ClientMessage message;
  message.correlation_id = find_text(object, "correlationId").value_or("");
  if (!message.correlation_id.empty() && !is_identifier(message.correlation_id)) {
    return reject("", "correlationId must match [a-zA-Z0-9_.-]{1,256}");
  }
  const std::string action = find_text(object, "action").value_or("");
  const auto* row = std::find_if(kActions.begin(), kActions.end(), [&](const auto& r) { return r.text == action; });
  if (row == kActions.end()) {
    return reject(message.correlation_id, "action must be one of SDP_OFFER, SDP_ANSWER, ICE_CANDIDATE");
  }
  message.action = row->action;
  message.recipient_client_id = find_text(object, "recipientClientId").value_or("");
  if (!message.recipient_client_id.empty() && !is_identifier(message.recipient_client_id)) {
    return reject(message.correlation_id, "recipientClientId must match [a-zA-Z0-9_.-]{1,256}");
  }
  message.payload = find_text(object, "messagePayload").value_or("");
  if (message.payload.empty()) return reject(message.correlation_id, "messagePayload is missing");
  if (message.payload.size() > kMaxPayloadCharacters) {
    return reject(message.correlation_id, fmt::format("messagePayload has {} characters, at most {} are allowed",
                                                      message.payload.size(), kMaxPayloadCharacters));
  }
  if (!base::parse_base64(message.payload)) return reject(message.correlation_id, "messagePayload is not base64");
  return message;
}

base::Result<SessionDescription> parse_description_payload(std::string_view base64) {
  TRY(const auto object, parse_payload(base64));
  SessionDescription description{find_text(object, "type").value_or(""), find_text(object, "sdp").value_or("")};
  if (description.type != "offer" && description.type != "answer") {
    return base::fail(base::Errc::InvalidArgument, "the description's type must be offer or answer");
  }
  if (description.sdp.empty()) return base::fail(base::Errc::InvalidArgument, "the description has no sdp");
  return description;
}

base::Result<std::string> parse_candidate_payload(std::string_view base64) {
  TRY(const auto object, parse_payload(base64));
  const auto candidate = find_text(object, "candidate");
  if (!candidate) return base::fail(base::Errc::InvalidArgument, "the candidate message has no candidate");
  if (candidate->size() > 1024) return base::fail(base::Errc::InvalidArgument, "the candidate is over 1024 characters");
  return *candidate;
}

std::string make_description_payload(std::string_view type, std::string_view sdp) {
  return to_payload(
      {{"type", json::string_view(type.data(), type.size())}, {"sdp", json::string_view(sdp.data(), sdp.size())}});
}

std::string make_candidate_payload(std::string_view candidate_line) {
  return to_payload(
      {{"candidate", json::string_view(candidate_line.data(), candidate_line.size())}, {"sdpMLineIndex", 0}});
}

std::string make_server_message(SignalingAction action, std::string_view sender_client_id, std::string_view payload) {
  json::object object;
  const std::string_view type = to_text(action);
  if (!sender_client_id.empty())
    object["senderClientId"] = json::string_view(sender_client_id.data(), sender_client_id.size());
  object["messageType"] = json::string_view(type.data(), type.size());
  object["messagePayload"] = json::string_view(payload.data(), payload.size());
  return json::serialize(object);
}

std::optional<std::string> find_answer_payload(std::string_view server_message) {
  boost::system::error_code failed;
  const json::value value = json::parse({server_message.data(), server_message.size()}, failed);
  if (failed || !value.is_object()) return std::nullopt;
  const json::value* type = value.as_object().if_contains("messageType");
  const json::value* payload = value.as_object().if_contains("messagePayload");
  if (type == nullptr || payload == nullptr || !type->is_string() || !payload->is_string()) return std::nullopt;
  const std::string_view expected = to_text(SignalingAction::SdpAnswer);
  if (type->as_string() != json::string_view(expected.data(), expected.size())) return std::nullopt;
  return std::string(payload->as_string().data(), payload->as_string().size());
}

std::string make_go_away() {
  return R"({"messageType":"GO_AWAY","messagePayload":""})";
}

std::string make_status_response(std::string_view correlation_id, const base::Error& error) {
  const auto [type, status] = error_type(error.code);
  json::object response{{"correlationId", json::string_view(correlation_id.data(), correlation_id.size())},
                        {"errorType", json::string_view(type.data(), type.size())},
                        {"statusCode", std::to_string(status)},
                        {"description", error.message.substr(0, 1024)},
                        {"success", false}};
  return json::serialize(json::object{
      {"messageType", "STATUS_RESPONSE"}, {"messagePayload", ""}, {"statusResponse", std::move(response)}});
}

}  // namespace sessions

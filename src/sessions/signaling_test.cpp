// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/bytes.hpp"
#include "sessions/signaling_channel.hpp"
#include "sessions/signaling_message.hpp"

namespace sessions {
namespace {

using std::chrono::seconds;

struct RecordingSink final : SignalingSink {
  void send(std::string text) override { sent.push_back(std::move(text)); }
  void close(std::string_view) override { closed = true; }
  std::vector<std::string> sent;
  bool closed = false;
};

const base::Instant kStart{};
constexpr seconds kTtl(60);

ClientMessage message_of(SignalingAction action, std::string recipient = "", std::string payload = "e30=") {
  return {action, std::move(recipient), std::move(payload), ""};
}

TEST(SignalingMessage, BothKeyCasesMeanTheSame) {
  const auto lower = parse_client_message(
      R"({"action":"SDP_ANSWER","recipientClientId":"v1","messagePayload":"e30=","correlationId":"17_0"})");
  const auto upper = parse_client_message(
      R"({"action":"SDP_ANSWER","RecipientClientId":"v1","MessagePayload":"e30=","CorrelationId":"17_0"})");
  for (const auto* message : {&lower, &upper}) {
    ASSERT_TRUE(*message);
    EXPECT_EQ((*message)->action, SignalingAction::SdpAnswer);
    EXPECT_EQ((*message)->recipient_client_id, "v1");
    EXPECT_EQ((*message)->payload, "e30=");
    EXPECT_EQ((*message)->correlation_id, "17_0");
  }
}

TEST(SignalingMessage, NamesWhatIsWrong) {
  const struct {
    std::string text, error, correlation_id;
  } rows[] = {
      {"", "a message is one JSON object", ""},
      {"[]", "a message is one JSON object", ""},
      {R"({"action":"PING","correlationId":"c"})", "action must be one of SDP_OFFER, SDP_ANSWER, ICE_CANDIDATE", "c"},
      {R"({"action":"SDP_OFFER","correlationId":"c"})", "messagePayload is missing", "c"},
      {R"({"action":"SDP_OFFER","messagePayload":7})", "messagePayload is missing", ""},
      {R"({"action":"SDP_OFFER","messagePayload":"***","correlationId":"c"})", "messagePayload is not base64", "c"},
      {R"({"action":"SDP_OFFER","messagePayload":"e30=","recipientClientId":"a b"})",
       "recipientClientId must match [a-zA-Z0-9_.-]{1,256}", ""},
      {R"({"action":"SDP_OFFER","messagePayload":"e30=","correlationId":"a b"})",
       "correlationId must match [a-zA-Z0-9_.-]{1,256}", ""},
      {R"({"action":"SDP_OFFER","messagePayload":")" + std::string(10'004, 'A') + R"("})",
       "messagePayload has 10004 characters, at most 10000 are allowed", ""},
      {std::string(40'000, '['), "a message has at most 32768 bytes", ""},
      {std::string(1'000, '['), "a message is one JSON object", ""},
  };
  for (const auto& row : rows) {
    const auto message = parse_client_message(row.text);
    ASSERT_FALSE(message) << row.text.substr(0, 80);
    EXPECT_EQ(message.error().error.message, row.error);
    EXPECT_EQ(message.error().correlation_id, row.correlation_id);
  }
}

TEST(SignalingMessage, ExactKeysGoOut) {
  EXPECT_EQ(make_server_message(SignalingAction::SdpOffer, "", "e30="),
            R"({"messageType":"SDP_OFFER","messagePayload":"e30="})");
  EXPECT_EQ(make_server_message(SignalingAction::IceCandidate, "v1", "e30="),
            R"({"senderClientId":"v1","messageType":"ICE_CANDIDATE","messagePayload":"e30="})");
  EXPECT_EQ(
      make_status_response("17_0", {base::Errc::InvalidArgument, "offer H.264"}),
      R"({"messageType":"STATUS_RESPONSE","messagePayload":"","statusResponse":{"correlationId":"17_0",)"
      R"("errorType":"InvalidArgumentException","statusCode":"400","description":"offer H.264","success":false}})");
}

TEST(SignalingMessage, CandidatesOfTheSessionHaveAnIndexAndNoMid) {
  const auto payload = base::parse_base64(make_candidate_payload("candidate:1 1 udp 1 192.0.2.1 8443 typ host"));
  ASSERT_TRUE(payload);
  EXPECT_EQ(base::as_text(*payload),
            R"({"candidate":"candidate:1 1 udp 1 192.0.2.1 8443 typ host","sdpMLineIndex":0})");
}

TEST(SignalingMessage, ReadsDescriptionsAndCandidates) {
  const auto encode = [](std::string_view text) { return base::to_base64(base::as_bytes(text)); };
  const auto answer = parse_description_payload(encode(R"({"type":"answer","sdp":"v=0\r\n"})"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->sdp, "v=0\r\n");
  EXPECT_FALSE(parse_description_payload(encode(R"({"type":"rollback","sdp":"v=0"})")));
  EXPECT_FALSE(parse_description_payload(encode(R"({"type":"answer"})")));
  EXPECT_FALSE(parse_description_payload(encode("nonsense")));
  EXPECT_EQ(parse_candidate_payload(encode(R"({"candidate":"","sdpMid":"0"})")).value(), "");
  EXPECT_FALSE(parse_candidate_payload(encode(R"({"sdpMid":"0"})")));
}

TEST(SignalingChannel, ViewerAndMasterReachEachOther) {
  SignalingChannel channel;
  auto master = std::make_shared<RecordingSink>(), viewer = std::make_shared<RecordingSink>();
  channel.connect(kStart, Role::Master, "", master);
  channel.connect(kStart, Role::Viewer, "v1", viewer);
  ASSERT_TRUE(channel.route(kStart, Role::Viewer, "v1", message_of(SignalingAction::SdpOffer), kTtl));
  EXPECT_EQ(master->sent,
            std::vector<std::string>{R"({"senderClientId":"v1","messageType":"SDP_OFFER","messagePayload":"e30="})"});
  ASSERT_TRUE(channel.route(kStart, Role::Master, "", message_of(SignalingAction::SdpAnswer, "v1"), kTtl));
  EXPECT_EQ(viewer->sent.size(), 1u);
  EXPECT_EQ(channel.route(kStart, Role::Master, "", message_of(SignalingAction::SdpAnswer), kTtl).error().code,
            base::Errc::InvalidArgument);
}

TEST(SignalingChannel, KeepsMessagesForTheirTimeToLiveOnly) {
  SignalingChannel channel;
  ASSERT_TRUE(channel.route(kStart, Role::Viewer, "v1", message_of(SignalingAction::IceCandidate, "", "MQ=="), kTtl));
  ASSERT_TRUE(channel.route(kStart + seconds(30), Role::Viewer, "v1",
                            message_of(SignalingAction::IceCandidate, "", "Mg=="), kTtl));
  auto master = std::make_shared<RecordingSink>();
  channel.connect(kStart + seconds(60), Role::Master, "", master);
  ASSERT_EQ(master->sent.size(), 1u);
  EXPECT_NE(master->sent[0].find("Mg=="), std::string::npos);
  EXPECT_FALSE(channel.is_empty());
  channel.disconnect(Role::Master, "", master.get());
  EXPECT_TRUE(channel.is_empty());
}

TEST(SignalingChannel, ANewerUndeliveredDescriptionReplacesTheOlder) {
  SignalingChannel channel;
  for (const char* payload : {"MQ==", "Mg=="}) {
    ASSERT_TRUE(channel.route(kStart, Role::Viewer, "v1", message_of(SignalingAction::SdpOffer, "", payload), kTtl));
  }
  ASSERT_TRUE(channel.route(kStart, Role::Viewer, "v2", message_of(SignalingAction::SdpOffer, "", "Mw=="), kTtl));
  auto master = std::make_shared<RecordingSink>();
  channel.connect(kStart, Role::Master, "", master);
  ASSERT_EQ(master->sent.size(), 2u);
  EXPECT_NE(master->sent[0].find("Mg=="), std::string::npos);
  EXPECT_NE(master->sent[1].find("Mw=="), std::string::npos);
}

TEST(SignalingChannel, NewestConnectionWins) {
  SignalingChannel channel;
  auto first = std::make_shared<RecordingSink>(), second = std::make_shared<RecordingSink>();
  channel.connect(kStart, Role::Viewer, "v1", first);
  channel.connect(kStart, Role::Viewer, "v1", second);
  EXPECT_TRUE(first->closed);
  channel.disconnect(Role::Viewer, "v1", first.get());  // the older one's end must not remove the newer
  EXPECT_EQ(channel.find_viewer("v1"), second.get());
}

TEST(SignalingChannel, RefusesWhatItCannotKeep) {
  SignalingChannel channel;
  for (std::size_t i = 0; i < SignalingChannel::kMaxWaiting; ++i) {
    ASSERT_TRUE(channel.route(kStart, Role::Viewer, "v1", message_of(SignalingAction::IceCandidate), kTtl));
  }
  EXPECT_EQ(channel.route(kStart, Role::Viewer, "v1", message_of(SignalingAction::IceCandidate), kTtl).error().code,
            base::Errc::LimitExceeded);
  EXPECT_TRUE(channel.route(kStart + kTtl, Role::Viewer, "v1", message_of(SignalingAction::IceCandidate), kTtl));
}

}  // namespace
}  // namespace sessions

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "client/camera_report.hpp"
#include "client/signaling_text.hpp"

namespace client {
namespace {

std::string server_message(std::string_view type, std::string_view payload) {
  return R"({"messageType":")" + std::string(type) + R"(","messagePayload":")" +
         base::to_base64(base::as_bytes(payload)) + "\"}";
}

TEST(SignalingText, ReadsWhatAStorageSessionSends) {
  auto offer = parse_server_message(server_message("SDP_OFFER", R"({"type":"offer","sdp":"v=0\r\ns=-\r\n"})"));
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->kind, ServerMessage::Kind::Offer);
  EXPECT_EQ(offer->text, "v=0\r\ns=-\r\n");
  EXPECT_EQ(offer->sender_client_id, "");
  auto candidate =
      parse_server_message(server_message("ICE_CANDIDATE", R"({"candidate":"candidate:1 1 udp","sdpMLineIndex":0})"));
  ASSERT_TRUE(candidate);
  EXPECT_EQ(candidate->kind, ServerMessage::Kind::Candidate);
  EXPECT_EQ(candidate->text, "candidate:1 1 udp");
  auto status = parse_server_message(
      R"({"messageType":"STATUS_RESPONSE","statusResponse":{"correlationId":"a","errorType":"InvalidArgumentException",)"
      R"("statusCode":"400","description":"the answer offers VP8 only: offer H.264","success":false}})");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->kind, ServerMessage::Kind::Status);
  EXPECT_EQ(status->text, "InvalidArgumentException: the answer offers VP8 only: offer H.264");
  EXPECT_EQ(parse_server_message(R"({"messageType":"GO_AWAY"})")->kind, ServerMessage::Kind::GoAway);
  EXPECT_EQ(parse_server_message(R"({"messageType":"NEW_THING"})")->kind, ServerMessage::Kind::Other);
  EXPECT_FALSE(parse_server_message("not json"));
  EXPECT_FALSE(parse_server_message(R"({"messageType":"SDP_OFFER","messagePayload":"%%%"})"));
}

TEST(SignalingText, WritesBothKeyCases) {
  EXPECT_EQ(make_answer_message("v=0\r\n", "", "c-1", KeyCase::LowerCamel),
            R"({"action":"SDP_ANSWER","messagePayload":")" +
                base::to_base64(base::as_bytes(R"({"type":"answer","sdp":"v=0\r\n"})")) +
                R"(","correlationId":"c-1"})");
  EXPECT_EQ(make_candidate_message("candidate:x", "", KeyCase::Capitalised),
            R"({"action":"ICE_CANDIDATE","RecipientClientId":"","MessagePayload":")" +
                base::to_base64(base::as_bytes(R"({"candidate":"candidate:x","sdpMid":"0","sdpMLineIndex":0})")) +
                "\"}");
  EXPECT_NE(make_candidate_message("x", "viewer", KeyCase::LowerCamel).find(R"("recipientClientId":"viewer")"),
            std::string::npos);
}

TEST(CameraReport, IsOneLineOfJson) {
  CameraResult result;
  result.channel = "a\"b";
  result.timings.join = std::chrono::microseconds(12345);
  result.video_frames = 7;
  const std::string json = to_json({result});
  EXPECT_EQ(json, R"({"cameras":[{"channel":"a\"b","error":null,"timings_ms":{"join":12.3,"offer":null,"ice":null,)"
                  R"("dtls":null,"first_fragment":null},"joins":0,"video_frames":7,"audio_frames":0,"packets_sent":0,)"
                  R"("packets_resent":0,"key_frame_requests":0,"remb_least_kbps":0,"late_frames":0,"published_ms":0}],)"
                  R"("failed":0})");
  result.error = "no offer came";
  EXPECT_NE(to_lines({result}).find("FAILED: no offer came"), std::string::npos);
  const std::string many = to_lines(std::vector<CameraResult>(20, result));
  EXPECT_NE(many.find("join: median 12 ms"), std::string::npos);
  EXPECT_NE(many.find("20 cameras, 20 failed"), std::string::npos);
}

}  // namespace
}  // namespace client

// SPDX-License-Identifier: Apache-2.0
// What is asked of the policies for each kind of request.
#include "api/authorization.hpp"

#include <gtest/gtest.h>

#include "aws/kinesisvideo.hpp"
#include "aws/media.hpp"
#include "aws/webrtc_storage.hpp"

namespace api {
namespace {

namespace kv = aws::kinesisvideo;

Call call_with(const std::string& statements) {
  Call call;
  call.region = "us-west-2";
  call.account_id = "123456789012";
  aws::Principal principal;
  principal.arn = "arn:aws:iam::123456789012:user/gate";
  principal.policies.push_back(*aws::Policy::parse(R"({"Version":"2012-10-17","Statement":)" + statements + "}"));
  call.principal = std::make_shared<const aws::Principal>(std::move(principal));
  return call;
}

Call allowing(const std::string& resource) {
  return call_with(R"({"Effect":"Allow","Action":"*","Resource":")" + resource + "\"}");
}

std::optional<std::string> find_known(aws::ResourceType type, const std::string& name) {
  if (name != "known") return std::nullopt;
  return std::string("arn:aws:kinesisvideo:us-west-2:123456789012:") +
         (type == aws::ResourceType::Channel ? "channel" : "stream") + "/known/1700000000000";
}

std::string answer(const aws::Operation& operation, const std::string& arguments, const Call& call) {
  const auto outcome = authorize(operation, arguments, call, find_known);
  return outcome ? "allowed" : outcome.error().message;
}

TEST(Authorization, a_name_is_the_arn_of_what_there_is_or_a_pattern_of_what_could_be) {
  const Call known = allowing("arn:aws:kinesisvideo:us-west-2:123456789012:stream/known/1700000000000");
  EXPECT_EQ(answer(kv::DescribeStream::row(), R"({"StreamName":"known"})", known), "allowed");
  EXPECT_EQ(answer(kv::DescribeStream::row(), R"({"StreamName":"other"})", known),
            "User: arn:aws:iam::123456789012:user/gate is not authorized to perform: kinesisvideo:DescribeStream on "
            "resource: arn:aws:kinesisvideo:us-west-2:123456789012:stream/other/* because no identity-based policy "
            "allows the kinesisvideo:DescribeStream action");
  EXPECT_EQ(answer(kv::DescribeSignalingChannel::row(), R"({"ChannelName":"known"})",
                   allowing("arn:aws:kinesisvideo:*:*:channel/known/*")),
            "allowed");
  EXPECT_EQ(answer(kv::ListStreams::row(), "{}", allowing("*")), "allowed");
  EXPECT_NE(answer(kv::ListStreams::row(), "{}", known), "allowed");
}

TEST(Authorization, every_member_that_names_something_is_asked_for) {
  const std::string mine = "arn:aws:kinesisvideo:us-west-2:123456789012:stream/mine/1";
  const std::string other = "arn:aws:kinesisvideo:us-west-2:123456789012:channel/other/1";
  const Call call = allowing("arn:aws:kinesisvideo:*:*:*/mine/*");
  EXPECT_EQ(answer(kv::DescribeStream::row(), R"({"StreamARN":")" + mine + "\"}", call), "allowed");
  for (const auto* row : {&kv::DescribeStream::row(), &kv::CreateStream::row(), &aws::media::GetMedia::row()}) {
    EXPECT_NE(answer(*row, R"({"StreamName":"secret","StreamARN":")" + mine + "\"}", call), "allowed") << row->name;
    EXPECT_NE(answer(*row, R"({"StreamName":"secret","ResourceARN":")" + mine + "\"}", call), "allowed") << row->name;
  }
  EXPECT_NE(answer(aws::webrtc_storage::JoinStorageSession::row(),
                   R"({"ChannelARN":")" + mine + R"(","channelArn":")" + other + "\"}", call),
            "allowed");
  EXPECT_NE(
      answer(kv::UpdateMediaStorageConfiguration::row(),
             R"({"ChannelARN":")" + mine + R"(","MediaStorageConfiguration":{"StreamARN":")" + other + "\"}}", call),
      "allowed");
  EXPECT_NE(answer(kv::DescribeStream::row(), "{}", call), "allowed");
}

TEST(Authorization, tags_come_in_three_shapes) {
  const Call call = call_with(R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{
      "StringEquals":{"aws:RequestTag/Site":"north"},"ForAllValues:StringEquals":{"aws:TagKeys":["site"]}}})");
  EXPECT_EQ(answer(kv::CreateStream::row(), R"({"StreamName":"a","Tags":{"site":"north"}})", call), "allowed");
  EXPECT_NE(answer(kv::CreateStream::row(), R"({"StreamName":"a","Tags":{"site":"south"}})", call), "allowed");
  EXPECT_EQ(
      answer(kv::CreateSignalingChannel::row(), R"({"ChannelName":"a","Tags":[{"Key":"site","Value":"north"}]})", call),
      "allowed");
  EXPECT_NE(
      answer(kv::CreateSignalingChannel::row(),
             R"({"ChannelName":"a","Tags":[{"Key":"site","Value":"north"},{"Key":"site","Value":"south"}]})", call),
      "allowed");
  const Call untag = call_with(R"({"Effect":"Allow","Action":"*","Resource":"*","Condition":{
      "ForAllValues:StringEquals":{"aws:TagKeys":["site"]}}})");
  EXPECT_EQ(answer(kv::UntagResource::row(), R"({"ResourceARN":"arn:x","TagKeyList":["site"]})", untag), "allowed");
  EXPECT_NE(answer(kv::UntagResource::row(), R"({"ResourceARN":"arn:x","TagKeyList":["site","b"]})", untag), "allowed");
}

TEST(Authorization, the_error_is_the_row_of_the_model_where_it_has_one) {
  const Call nobody;
  EXPECT_EQ(authorize(kv::DescribeStream::row(), R"({"StreamName":"a"})", nobody, find_known).error().kind->http_status,
            403);
  const auto lower = authorize(aws::webrtc_storage::JoinStorageSession::row(), R"({"channelArn":"a"})", nobody, {});
  EXPECT_EQ(lower.error().kind->code, "AccessDeniedException");
  EXPECT_EQ(lower.error().kind->message_case, aws::MessageCase::Lower);
  EXPECT_EQ(authorize(kv::DescribeStream::row(), "{", nobody, {}).error().kind->code, "SerializationException");
}

}  // namespace
}  // namespace api

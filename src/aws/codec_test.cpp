// SPDX-License-Identifier: Apache-2.0
// The codec, the generated types and the rules of the models.
#include <gtest/gtest.h>

#include <set>

#include "aws/archived_media.hpp"
#include "aws/arn.hpp"
#include "aws/json.hpp"
#include "aws/kinesisvideo.hpp"
#include "aws/media.hpp"
#include "aws/signaling.hpp"
#include "aws/webrtc_storage.hpp"

namespace aws {
namespace {

template <class Input>
std::string decode_error(std::string_view text) {
  const auto outcome = decode<Input>(text);
  if (outcome) return "";
  const bool is_rule = outcome.error().kind == nullptr && outcome.error().code == base::Errc::InvalidArgument;
  const bool is_form = outcome.error().kind == &kSerialization;
  EXPECT_TRUE(is_rule || is_form);
  return (is_form ? "Serialization: " : "") + outcome.error().message;
}

TEST(Codec, decodes_every_kind_of_member) {
  const auto input = decode<kinesisvideo::CreateStreamInput>(
      R"({"StreamName":"cam-1","MediaType":"video/h264,audio/aac","DataRetentionInHours":24,"Tags":{"site":"roof"},
          "StreamStorageConfiguration":{"DefaultStorageTier":"WARM"},"Unknown":[{"a":1}],"KmsKeyId":null})");
  ASSERT_TRUE(input.has_value()) << input.error().message;
  EXPECT_EQ(input->stream_name, "cam-1");
  EXPECT_EQ(input->media_type, "video/h264,audio/aac");
  EXPECT_EQ(input->data_retention_in_hours, 24);
  EXPECT_EQ(input->tags.at("site"), "roof");
  EXPECT_EQ(input->stream_storage_configuration->default_storage_tier, kinesisvideo::DefaultStorageTier::Warm);
  EXPECT_FALSE(input->kms_key_id.has_value());

  const auto list = decode<archived_media::ListFragmentsInput>(
      R"({"StreamName":"s","FragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP",
          "TimestampRange":{"StartTimestamp":1795389019.582123,"EndTimestamp":1795389020}}})");
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(base::to_microseconds(list->fragment_selector->timestamp_range.start_timestamp), 1795389019582123);
  EXPECT_EQ(base::to_microseconds(list->fragment_selector->timestamp_range.end_timestamp), 1795389020000000);
}

TEST(Codec, every_microsecond_survives_both_ways) {
  for (std::int64_t value = 1'795'389'019'999'000; value < 1'795'389'020'001'000; ++value) {
    archived_media::TimestampRange range{base::from_microseconds(value), base::from_microseconds(value + 7)};
    const auto back = decode<archived_media::TimestampRange>(encode(range));
    ASSERT_TRUE(back.has_value());
    ASSERT_EQ(base::to_microseconds(back->end_timestamp), value);
  }
}

TEST(Codec, encodes_compactly_with_plain_slashes_and_fractional_times) {
  kinesisvideo::DescribeStreamOutput output;
  output.stream_info.emplace();
  output.stream_info->creation_time = base::from_microseconds(1795389019582000);
  output.stream_info->stream_arn = "arn:aws:kinesisvideo:us-west-2:123456789012:stream/a/1795389019582";
  output.stream_info->status = kinesisvideo::Status::Active;
  output.stream_info->data_retention_in_hours = 0;
  output.stream_info->media_type = "quote\" back\\ tab\t";
  EXPECT_EQ(
      encode(output),
      R"({"StreamInfo":{"CreationTime":1795389019.582,"DataRetentionInHours":0,"MediaType":"quote\" back\\ tab\u0009",)"
      R"("Status":"ACTIVE","StreamARN":"arn:aws:kinesisvideo:us-west-2:123456789012:stream/a/1795389019582"}})");
  EXPECT_EQ(encode(kinesisvideo::ListStreamsOutput{}), R"({"StreamInfoList":[]})");
  EXPECT_EQ(encode(kinesisvideo::ListTagsForStreamOutput{}), R"({"Tags":{}})");
  EXPECT_EQ(encode(kinesisvideo::CreateStreamInput{.stream_name = "a"}), R"({"StreamName":"a"})");
}

struct BadInput {
  const char* body;
  const char* error;
};

TEST(Codec, each_constraint_names_the_member_and_the_rule) {
  const std::string long_name(257, 'a');
  EXPECT_EQ(decode_error<kinesisvideo::CreateStreamInput>("{\"StreamName\":\"" + long_name + "\"}"),
            "StreamName has 257 characters, allowed are from 1 to 256");
  for (const BadInput& bad : std::initializer_list<BadInput>{
           {"{}", "StreamName is required"},
           {"", "StreamName is required"},
           {R"({"StreamName":null})", "StreamName is required"},
           {R"({"StreamName":7})", "Serialization: StreamName must be a string"},
           {R"({"StreamName":""})", "StreamName has 0 characters, allowed are from 1 to 256"},
           {R"({"StreamName":"a b"})", "StreamName does not match the pattern [a-zA-Z0-9_.-]+"},
           {R"({"StreamName":"a\nb"})", "StreamName does not match the pattern [a-zA-Z0-9_.-]+"},
           {R"({"StreamName":"a","DataRetentionInHours":-1})",
            "DataRetentionInHours is -1, allowed is from 0 to 87600"},
           {R"({"StreamName":"a","DataRetentionInHours":87601})",
            "DataRetentionInHours is 87601, allowed is from 0 to 87600"},
           {R"({"StreamName":"a","DataRetentionInHours":2.5})",
            "Serialization: DataRetentionInHours must be an integer"},
           {R"({"StreamName":"a","DataRetentionInHours":"2"})",
            "Serialization: DataRetentionInHours must be an integer"},
           {R"({"StreamName":"a","MediaType":"video"})",
            R"(MediaType does not match the pattern [\w\-\.\+]+/[\w\-\.\+]+(,[\w\-\.\+]+/[\w\-\.\+]+)*)"},
           {R"({"StreamName":"a","Tags":{}})", "Tags has 0 elements, allowed are from 1 to 50"},
           {R"({"StreamName":"a","Tags":[]})", "Serialization: Tags must be an object"},
           {R"({"StreamName":"a","Tags":{"k":1}})", "Serialization: Tags value must be a string"},
           {R"({"StreamName":"a","Tags":{"":"v"}})", "Tags key has 0 characters, allowed are from 1 to 128"},
           {R"({"StreamName":"a","Tags":{"a!":"v"}})",
            R"(Tags key does not match the pattern ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$)"},
           {R"({"StreamName":"a","StreamStorageConfiguration":{"DefaultStorageTier":"COLD"}})",
            "StreamStorageConfiguration.DefaultStorageTier is not one of HOT, WARM"},
           {R"({"StreamName":"a","StreamStorageConfiguration":{}})",
            "StreamStorageConfiguration.DefaultStorageTier is required"},
           {R"({"StreamName":"a","StreamStorageConfiguration":"HOT"})",
            "Serialization: StreamStorageConfiguration must be an object"}}) {
    EXPECT_EQ(decode_error<kinesisvideo::CreateStreamInput>(bad.body), bad.error) << bad.body;
  }
  EXPECT_EQ(decode_error<kinesisvideo::CreateSignalingChannelInput>(
                R"({"ChannelName":"a","SingleMasterConfiguration":{"MessageTtlSeconds":4}})"),
            "SingleMasterConfiguration.MessageTtlSeconds is 4, allowed is from 5 to 120");
  EXPECT_EQ(decode_error<kinesisvideo::CreateSignalingChannelInput>(
                R"({"ChannelName":"a","Tags":[{"Key":"a","Value":"b"},{"Key":"c"}]})"),
            "Tags[1].Value is required");
  EXPECT_EQ(decode_error<kinesisvideo::CreateSignalingChannelInput>(R"({"ChannelName":"a","Tags":[null]})"),
            "Tags[0] is null");
  EXPECT_EQ(decode_error<kinesisvideo::CreateSignalingChannelInput>(R"({"ChannelName":"a","ChannelType":"FULL_MESH"})"),
            "ChannelType is not one of SINGLE_MASTER");
  EXPECT_EQ(decode_error<webrtc_storage::JoinStorageSessionInput>(R"({"channelArn":"arn:aws:s3:::bucket"})"),
            "channelArn does not match the pattern "
            "^arn:(aws[a-zA-Z-]*):kinesisvideo:[a-z0-9-]+:[0-9]+:[a-z]+/[a-zA-Z0-9_.-]+/[0-9]+$");
  EXPECT_EQ(decode_error<media::GetMediaInput>(
                R"({"StartSelector":{"StartSelectorType":"PRODUCER_TIMESTAMP","StartTimestamp":"yesterday"}})"),
            "Serialization: StartSelector.StartTimestamp must be a number of seconds since 1970");
}

TEST(Codec, text_that_is_no_json_object_is_a_serialization_error) {
  const std::string deep = "{\"a\":" + std::string(200, '[') + std::string(200, ']') + "}";
  for (const std::string& body : {std::string("{"), std::string("[]"), std::string("null"), std::string("{}x"),
                                  std::string("{\"StreamName\":\"\xff\"}"), std::string("{'a':1}"), deep,
                                  std::string("{\"a\":1,}"), std::string("\0", 1)}) {
    EXPECT_EQ(decode_error<kinesisvideo::CreateStreamInput>(body).find("Serialization: the request body"), 0u) << body;
  }
}

TEST(Patterns, whole_text_unicode_and_groups) {
  using namespace kinesisvideo::pattern;
  EXPECT_TRUE(kTagKey.matches("größe 中文:/=+-@"));
  EXPECT_FALSE(kTagKey.matches("a\x80"));
  EXPECT_FALSE(kTagKey.matches("smile \xf0\x9f\x98\x80"));
  EXPECT_TRUE(kTagValue.matches(""));
  EXPECT_TRUE(kDestinationRegion.matches("us-gov-west-1"));
  EXPECT_TRUE(kDestinationRegion.matches("eu-west-1"));
  EXPECT_FALSE(kDestinationRegion.matches("eu-west-12"));
  EXPECT_TRUE(kMediaType.matches("video/h264,audio/aac"));
  EXPECT_FALSE(kMediaType.matches("video/h264,"));
  EXPECT_TRUE(kDestinationUri.matches("s3://bucket/prefix"));
  EXPECT_FALSE(kDestinationUri.matches("s3://bucket/pre*fix"));
  EXPECT_TRUE(kResourceARN.matches("arn:aws:kinesisvideo:us-west-2:123456789012:stream/a/1"));
  EXPECT_FALSE(kResourceARN.matches("xarn:aws:kinesisvideo:us-west-2:123456789012:stream/a/1"));
  EXPECT_FALSE(kResourceARN.matches("arn:aws:kinesisvideo:us-west-2:123456789012:stream/a/"));
  EXPECT_TRUE(archived_media::pattern::kNextToken.matches("abc=="));
  EXPECT_FALSE(archived_media::pattern::kNextToken.matches("abc==="));
  EXPECT_FALSE(archived_media::pattern::kNextToken.matches("="));
}

TEST(Patterns, time_is_linear_on_the_input_that_breaks_backtracking) {
  EXPECT_FALSE(kinesisvideo::pattern::kMediaType.matches(std::string(1'000'000, 'a')));
}

TEST(Operations, every_row_is_whole) {
  std::set<std::string_view> names;
  std::set<std::pair<std::string_view, std::string_view>> paths;
  for (const Operation& operation : operations()) {
    EXPECT_TRUE(names.insert(operation.name).second) << operation.name;
    EXPECT_TRUE(paths.insert({operation.method, operation.path}).second) << operation.path;
    EXPECT_EQ(find_operation(operation.method, operation.path), &operation);
    EXPECT_TRUE(is_operation_path(operation.path));
    EXPECT_FALSE(operation.errors.empty()) << operation.name;
    for (const ErrorKind* kind : operation.errors) {
      EXPECT_TRUE(kind->code.ends_with("Exception")) << kind->code;
      EXPECT_TRUE(kind->http_status >= 400 && kind->http_status < 500) << kind->code;
    }
    EXPECT_EQ(find_error_kind(operation, base::Errc::InvalidArgument).code, "InvalidArgumentException");
    EXPECT_EQ(operation.iam_action, "kinesisvideo:" + std::string(operation.name));
  }
  EXPECT_EQ(operations().size(), 43u + 3u);
  EXPECT_EQ(find_operation("POST", "/createstream"), nullptr);
  EXPECT_EQ(find_operation("GET", "/createStream"), nullptr);
  EXPECT_EQ(&kinesisvideo::CreateStream::row(), find_operation("POST", "/createStream"));
  EXPECT_EQ(&webrtc_storage::JoinStorageSession::row(), find_operation("POST", "/joinStorageSession"));
  EXPECT_EQ(media::GetMedia::row().kind, OperationKind::StreamingResponse);
}

TEST(Operations, domain_errors_become_the_row_that_the_operation_models) {
  using kinesisvideo::DescribeSignalingChannel;
  using kinesisvideo::DescribeStream;
  EXPECT_EQ(find_error_kind(DescribeStream::row(), base::Errc::AccessDenied).code, "NotAuthorizedException");
  EXPECT_EQ(find_error_kind(DescribeSignalingChannel::row(), base::Errc::AccessDenied).code, "AccessDeniedException");
  EXPECT_EQ(find_error_kind(DescribeSignalingChannel::row(), base::Errc::AccessDenied).http_status, 401);
  EXPECT_EQ(find_error_kind(webrtc_storage::JoinStorageSession::row(), base::Errc::AccessDenied).http_status, 403);
  EXPECT_EQ(find_error_kind(DescribeStream::row(), base::Errc::NotFound).http_status, 404);
  EXPECT_EQ(find_error_kind(DescribeStream::row(), base::Errc::Io).http_status, 500);
  EXPECT_EQ(find_error_kind(DescribeStream::row(), base::Errc::Unavailable).http_status, 503);
  EXPECT_EQ(find_error_kind(kinesisvideo::UpdateStream::row(), base::Errc::VersionMismatch).code,
            "VersionMismatchException");
}

TEST(Errors, message_case_follows_the_model) {
  EXPECT_EQ(render_error_body(kinesisvideo::kResourceNotFound, "no /a/"), R"({"Message":"no /a/"})");
  EXPECT_EQ(render_error_body(webrtc_storage::kResourceNotFound, "x"), R"({"message":"x"})");
  EXPECT_EQ(render_error_body(signaling::kInvalidClient, "x"), R"({"message":"x"})");
}

TEST(Arns, round_trip_and_refusals) {
  const Arn arn{"aws", "us-west-2", "123456789012", Arn::Type::Channel, "door_1.a-b", 1795389019582};
  EXPECT_EQ(arn.text(), "arn:aws:kinesisvideo:us-west-2:123456789012:channel/door_1.a-b/1795389019582");
  EXPECT_EQ(parse_arn(arn.text()), arn);
  for (const char* bad :
       {"", "arn:", "arn:aws:kinesisvideo:us-west-2:123456789012:channel/door",
        "arn:aws:kinesisvideo:us-west-2:1:stream/a/1", "arn:aws:kinesisvideo:us-west-2:123456789012:table/a/1",
        "arn:aws:s3:us-west-2:123456789012:stream/a/1", "arn:aws:kinesisvideo::123456789012:stream/a/1",
        "arn:aws:kinesisvideo:us-west-2:123456789012:stream//1",
        "arn:aws:kinesisvideo:us-west-2:123456789012:stream/a/01",
        "arn:aws:kinesisvideo:us-west-2:123456789012:stream/a/",
        "arn:aws:kinesisvideo:us-west-2:123456789012:stream/a/1/2",
        "arn:aws:kinesisvideo:us-west-2:123456789012:stream/a b/1",
        "arn:aws:kinesisvideo:us-west-2:123456789012:stream/a/12345678901234567890",
        "ARN:aws:kinesisvideo:us-west-2:123456789012:stream/a/1",
        "arn:gcp:kinesisvideo:us-west-2:123456789012:stream/a/1"}) {
    EXPECT_FALSE(parse_arn(bad).has_value()) << bad;
  }
  EXPECT_FALSE(
      parse_arn("arn:aws:kinesisvideo:us-west-2:123456789012:stream/" + std::string(257, 'a') + "/1").has_value());
}

}  // namespace
}  // namespace aws

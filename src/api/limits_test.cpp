// SPDX-License-Identifier: Apache-2.0
// The figures here are copied by hand from AWS's quota pages (contract, sections 2.4, 2.5, 3.1, 3.5, 4.3, 5.3 and 8),
// not from the table.
#include "api/limits.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "api/throttle.hpp"
#include "aws/archived_media.hpp"
#include "aws/kinesisvideo.hpp"
#include "aws/media.hpp"
#include "aws/signaling.hpp"
#include "aws/webrtc_storage.hpp"

namespace api {
namespace {

namespace kv = aws::kinesisvideo;
using namespace std::chrono_literals;

TEST(LimitTable, has_a_row_for_every_limit_in_its_order) {
  for (std::size_t i = 0; i < kLimitCount; ++i) {
    EXPECT_EQ(static_cast<std::size_t>(limit_rows()[i].limit), i) << limit_rows()[i].name;
  }
}

TEST(LimitTable, the_aws_profile_is_what_aws_documents) {
  const Limits aws = Limits::aws();
  const std::map<Limit, std::uint64_t> documented = {
      {Limit::Streams, 10000},
      {Limit::Channels, 10000},
      {Limit::StorageChannels, 100},
      {Limit::TagsPerResource, 50},
      {Limit::RetentionHours, 10 * 365 * 24},
      {Limit::CreateRate, 50},
      {Limit::DescribeRate, 300},
      {Limit::DescribeResourceRate, 5},
      {Limit::SignalingEndpointRate, 300},
      {Limit::MediaStorageRate, 10},
      {Limit::MediaStorageResourceRate, 5},
      {Limit::EdgeRate, 10},
      {Limit::EdgeResourceRate, 1},
      {Limit::ListRate, 50},
      {Limit::ControlRate, 50},
      {Limit::ControlResourceRate, 5},
      {Limit::ConnectRate, 3},
      {Limit::ViewersPerChannel, 10},
      {Limit::SignalingLifetime, 60 * 60},
      {Limit::SignalingIdle, 10 * 60},
      {Limit::OfferAnswerRate, 5},
      {Limit::CandidateRate, 20},
      {Limit::AlexaRate, 100},
      {Limit::AlexaChannelRate, 5},
      {Limit::IceServerRate, 100},
      {Limit::IceServerChannelRate, 5},
      {Limit::JoinRate, 50},
      {Limit::JoinChannelRate, 2},
      {Limit::SessionViewers, 3},
      {Limit::SessionSeconds, 60 * 60},
      {Limit::SessionIdle, 3 * 60},
      {Limit::SessionViewerIdle, 60},
      {Limit::SessionWithoutMaster, 3 * 60},
      {Limit::PutMediaRate, 5},
      {Limit::PutMediaConnections, 1},
      {Limit::PutMediaBytes, 12'500'000},
      {Limit::PutMediaSeconds, 45 * 60},
      {Limit::PutMediaFragments, 5},
      {Limit::FragmentSeconds, 20},
      {Limit::FragmentLeastSeconds, 1},
      {Limit::FragmentBytes, 50'000'000},
      {Limit::FragmentTracks, 3},
      {Limit::FragmentTags, 10},
      {Limit::GetMediaRate, 5},
      {Limit::GetMediaConnections, 3},
      {Limit::GetMediaBytes, 25'000'000},
      {Limit::GetMediaFragments, 5},
      {Limit::FragmentListConnections, 5},
      {Limit::FragmentListBytes, 25'000'000},
      {Limit::ClipBytes, 100'000'000},
      {Limit::ClipFragments, 200},
      {Limit::ClipConfigurations, 1},
      {Limit::DashConfigurations, 1},
      {Limit::SessionUrlRate, 25},
      {Limit::PlaylistRate, 5},
      {Limit::MediaFragmentRate, 20},
      {Limit::HlsCodecChanges, 500},
      {Limit::FragmentMetadataPoints, 10'000},
      {Limit::FragmentMediaPoints, 500},
  };
  EXPECT_EQ(documented.size(), kLimitCount);
  for (const auto& [limit, figure] : documented) {
    EXPECT_EQ(aws[limit], figure) << limit_rows()[static_cast<std::size_t>(limit)].name;
  }
}

TEST(LimitTable, is_set_by_name) {
  Limits limits = Limits::aws();
  EXPECT_TRUE(limits.set("streams=7").has_value());
  EXPECT_EQ(limits[Limit::Streams], 7u);
  EXPECT_TRUE(limits.set("describe_rate=0").has_value());
  for (const char* wrong : {"", "streams", "streams=", "streams=x", "streams=-1", "cows=1", "tags_per_resource=0",
                            "streams=99999999999999999999"}) {
    EXPECT_FALSE(limits.set(wrong).has_value()) << wrong;
  }
}

// docs/limits.md has one line for each row: name, usual, AWS, what it counts, what is over it.
TEST(LimitTable, is_what_the_documentation_says) {
  std::ifstream file(std::string(TIDEGATE_SOURCE_DIR) + "/docs/limits.md");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  for (const LimitRow& row : limit_rows()) {
    const std::string line = "| `" + std::string(row.name) + "` | " +
                             (row.usual == 0 ? "-" : std::to_string(row.usual)) + " | " + std::to_string(row.aws) +
                             " | " + std::string(row.unit) + " | " + std::string(row.error) + " |\n";
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

class ThrottleTest : public testing::Test {
 protected:
  std::string admit(const aws::Operation& operation, const std::string& resource, const std::string& holder = "one") {
    auto admission = throttle.admit(operation, resource, holder, now);
    if (!admission) return std::string(admission.error().kind->code);
    held.push_back(*std::move(admission));
    return "";
  }

  base::Instant now{100s};
  Throttle throttle{Limits::aws()};
  std::vector<Admission> held;
};

TEST_F(ThrottleTest, five_a_second_on_one_stream_and_more_on_others) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(admit(kv::DescribeStream::row(), "a"), "");
  EXPECT_EQ(admit(kv::DescribeStream::row(), "a"), "ClientLimitExceededException");
  EXPECT_EQ(admit(kv::DescribeStream::row(), "b"), "");
  EXPECT_EQ(admit(kv::GetDataEndpoint::row(), "a"), "");
  now += 199ms;
  EXPECT_EQ(admit(kv::DescribeStream::row(), "a"), "ClientLimitExceededException");
  now += 1ms;
  EXPECT_EQ(admit(kv::DescribeStream::row(), "a"), "");
  EXPECT_EQ(admit(kv::DescribeStream::row(), "a"), "ClientLimitExceededException");
}

TEST_F(ThrottleTest, fifty_creations_a_second_in_the_account) {
  for (int i = 0; i < 50; ++i) EXPECT_EQ(admit(kv::CreateStream::row(), std::to_string(i)), "");
  EXPECT_EQ(admit(kv::CreateStream::row(), "x"), "ClientLimitExceededException");
  EXPECT_EQ(admit(kv::CreateSignalingChannel::row(), "x"), "");
}

TEST_F(ThrottleTest, connections_count_until_they_end) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(admit(aws::media::GetMedia::row(), "a", std::to_string(i)), "");
  now += 10s;
  EXPECT_EQ(admit(aws::media::GetMedia::row(), "a", "4"), "ConnectionLimitExceededException");
  EXPECT_EQ(admit(aws::media::GetMedia::row(), "b", "4"), "");
  held.erase(held.begin());
  EXPECT_EQ(admit(aws::media::GetMedia::row(), "a", "4"), "");
  EXPECT_EQ(admit(aws::media::PutMedia::row(), "a", "1"), "");
  EXPECT_EQ(admit(aws::media::PutMedia::row(), "a", "2"), "ConnectionLimitExceededException");
}

TEST_F(ThrottleTest, a_viewer_that_comes_again_is_the_same_viewer) {
  for (int i = 0; i < 10; ++i, now += 1s)
    EXPECT_EQ(admit(aws::signaling::ConnectAsViewer::row(), "c", std::to_string(i)), "");
  EXPECT_EQ(admit(aws::signaling::ConnectAsViewer::row(), "c", "11"), "ClientLimitExceededException");
  EXPECT_EQ(admit(aws::signaling::ConnectAsViewer::row(), "c", "3"), "");
}

TEST_F(ThrottleTest, joins_carry_the_error_of_their_model) {
  for (int i = 0; i < 2; ++i) EXPECT_EQ(admit(aws::webrtc_storage::JoinStorageSession::row(), "c"), "");
  const auto third = throttle.admit(aws::webrtc_storage::JoinStorageSession::row(), "c", "x", now);
  EXPECT_EQ(third.error().kind->message_case, aws::MessageCase::Lower);
  EXPECT_EQ(third.error().kind->http_status, 400);
}

TEST_F(ThrottleTest, bytes_are_paced) {
  const auto admission = throttle.admit(aws::media::PutMedia::row(), "a", "1", now);
  EXPECT_EQ(throttle.pace(*admission, 12'500'000, now), 0s);
  EXPECT_EQ(throttle.pace(*admission, 12'500'000, now), 1s);
  EXPECT_EQ(throttle.pace(*admission, 6'250'000, now + 1s), 500ms);
}

TEST_F(ThrottleTest, a_playback_session_has_its_own_count_for_each_resource) {
  const auto get = [&](const char* token, const char* resource) {
    return throttle.admit_session(token, resource, now).has_value();
  };
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(get("t", "getHLSMediaPlaylist.m3u8"));
  EXPECT_FALSE(get("t", "getHLSMediaPlaylist.m3u8"));
  EXPECT_TRUE(get("u", "getHLSMediaPlaylist.m3u8"));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(get("t", "getMP4MediaFragment.mp4"));
  EXPECT_FALSE(get("t", "getMP4MediaFragment.mp4"));
}

TEST_F(ThrottleTest, reads_of_a_stream_share_its_points) {
  const auto charge = [&](Limit limit, const char* stream, std::uint64_t points) {
    return throttle.charge(limit, stream, points, now).has_value();
  };
  EXPECT_TRUE(charge(Limit::FragmentMediaPoints, "a", 499));
  EXPECT_TRUE(charge(Limit::FragmentMediaPoints, "a", 1));
  EXPECT_FALSE(charge(Limit::FragmentMediaPoints, "a", 1));
  EXPECT_TRUE(charge(Limit::FragmentMediaPoints, "b", 1));
  EXPECT_TRUE(charge(Limit::FragmentMetadataPoints, "a", 10'000)) << "points of their own";
  EXPECT_FALSE(charge(Limit::FragmentMetadataPoints, "a", 100));
  now += 10ms;
  EXPECT_TRUE(charge(Limit::FragmentMetadataPoints, "a", 100));
  EXPECT_FALSE(charge(Limit::FragmentMediaPoints, "a", 6));
  EXPECT_TRUE(charge(Limit::FragmentMediaPoints, "a", 5));
  EXPECT_STREQ(throttle.charge(Limit::FragmentMediaPoints, "a", 1, now).error().kind->code.data(),
               "ClientLimitExceededException");
}

TEST(Throttle, without_configuration_limits_no_rate_and_no_connection) {
  Throttle usual{Limits()};
  for (const aws::Operation& operation : aws::operations()) {
    EXPECT_FALSE(usual.needs_resource(operation)) << operation.name;
    for (int i = 0; i < 1000; ++i)
      EXPECT_TRUE(usual.admit(operation, "a", std::to_string(i), base::Instant(1s))) << operation.name;
  }
}

}  // namespace
}  // namespace api

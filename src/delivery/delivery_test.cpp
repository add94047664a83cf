// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "delivery/backoff.hpp"
#include "delivery/image_times.hpp"
#include "delivery/notification.hpp"
#include "delivery/s3_object.hpp"
#include "delivery/settings.hpp"
#include "delivery/signer.hpp"

namespace delivery {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

base::WallTime at_ms(std::int64_t ms) {
  return base::from_microseconds(ms * 1000);
}

std::vector<std::int64_t> times_of(Pace pace, std::int64_t start, std::int64_t duration, std::int64_t interval,
                                   std::optional<std::int64_t> last = {}) {
  std::optional<base::WallTime> last_time;
  if (last) last_time = at_ms(*last);
  std::vector<std::int64_t> times;
  for (const base::WallTime time :
       image_times(pace, {at_ms(start), milliseconds(duration)}, milliseconds(interval), last_time)) {
    times.push_back(base::to_milliseconds(time));
  }
  return times;
}
using Times = std::vector<std::int64_t>;

TEST(Backoff, DoublesToItsLimitAndNeverWaitsLessThanHalf) {
  base::SeededRandom random(1);
  Backoff backoff({milliseconds(500), seconds(60)}, random);
  base::Duration virtual_time{};
  for (const std::int64_t limit : {500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000}) {
    const base::Duration wait = backoff.next();
    EXPECT_GE(wait, milliseconds(limit) / 2);
    EXPECT_LE(wait, milliseconds(limit));
    virtual_time += wait;
  }
  // Ten failures cost between half and all of the sum of the limits.
  EXPECT_GT(virtual_time, milliseconds(243'500) / 2);
  EXPECT_LT(virtual_time, milliseconds(243'500));
}

TEST(Backoff, StreamsThatFailedTogetherDoNotComeBackTogether) {
  base::SeededRandom random(1);
  Backoff a({}, random);
  Backoff b({}, random);
  EXPECT_NE(a.next(), b.next());
}

TEST(ImageTimes, TheGridIsOfUtcWhateverFragmentsAre) {
  EXPECT_EQ(times_of(Pace::Grid, 10'100, 2000, 1000), (Times{11'000, 12'000}));
  EXPECT_EQ(times_of(Pace::Grid, 11'000, 1000, 1000), (Times{11'000}));  // the start counts, the end does not
  EXPECT_EQ(times_of(Pace::Grid, 11'100, 800, 1000), Times{});
  EXPECT_EQ(times_of(Pace::Grid, 12'000, 1000, 1000, 11'000), (Times{12'000}));
  EXPECT_EQ(times_of(Pace::Grid, -1500, 2000, 1000), (Times{-1000, 0}));
}

TEST(ImageTimes, OnTheGridNothingIsTakenTwiceOrLostBetweenFragments) {
  EXPECT_EQ(times_of(Pace::Grid, 11'900, 2000, 1000, 12'000), (Times{13'000}));                  // they overlap
  EXPECT_EQ(times_of(Pace::Grid, 12'100, 2000, 1000, 11'000), (Times{12'000, 13'000, 14'000}));  // 12 fell in between
  EXPECT_EQ(times_of(Pace::Grid, 60'500, 1000, 1000, 11'000), (Times{61'000}));   // a long gap has no images
  EXPECT_EQ(times_of(Pace::Grid, 10'000, 1000, 1000, 500'000), (Times{10'000}));  // a clock that went back
}

TEST(ImageTimes, ATagBeginsAtItsFragmentUnlessAnImageWasJustTaken) {
  EXPECT_EQ(times_of(Pace::SinceLast, 10'100, 2000, 800), (Times{10'100, 10'900, 11'700}));
  EXPECT_EQ(times_of(Pace::SinceLast, 12'100, 2000, 800, 11'700), (Times{12'500, 13'300}));
  EXPECT_EQ(times_of(Pace::SinceLast, 12'100, 2000, 5000, 11'700), Times{});
  EXPECT_EQ(times_of(Pace::SinceLast, 12'100, 2000, 5000, 5000), (Times{12'100}));
  EXPECT_EQ(times_of(Pace::SinceLast, 10'000, 1000, 800, 500'000), (Times{10'000, 10'800}));
}

ImageSource source() {
  ImageSource source{"123456789012", "gate", "arn:aws:kinesisvideo:us-west-2:123456789012:stream/gate/1", {}};
  source.fragment.number = {42};
  source.fragment.producer_time = base::from_microseconds(1'795'389'019'582'999);
  source.fragment.server_time = base::from_microseconds(1'795'389'020'000'000);
  return source;
}

// Contract 7: <ImagePrefix>_<AccountID>_<StreamName>_<ImageTimecode ms>_<GUID>.<jpg or png>.
TEST(S3Object, KeysAreThoseOfAws) {
  ImageSettings settings;
  const std::string key = object_key(settings, "front", source(), at_ms(1'795'389'019'600));
  const std::string begin = "front_123456789012_gate_1795389019600_";
  ASSERT_EQ(key.size(), begin.size() + 36 + 4);
  EXPECT_TRUE(key.starts_with(begin) && key.ends_with(".jpg")) << key;
  settings.options.format = streams::ImageFormat::Png;
  settings.prefix = "cams/";
  const std::string plain = object_key(settings, "", source(), at_ms(1'795'389'019'600));
  EXPECT_TRUE(plain.starts_with("cams/123456789012_gate_") && plain.ends_with(".png")) << plain;
}

TEST(S3Object, TheSameImageHasTheSameKeyAndNoOther) {
  const ImageSettings settings;
  ImageSource other = source();
  other.fragment.number = {43};
  const std::string key = object_key(settings, "", source(), at_ms(1000));
  EXPECT_EQ(key, object_key(settings, "", source(), at_ms(1000)));
  EXPECT_NE(key, object_key(settings, "", other, at_ms(1000)));
  EXPECT_NE(key, object_key(settings, "", source(), at_ms(1001)));
}

TEST(S3Object, MetadataIsTheFragmentsAndWhatMayBeAHeader) {
  const NamedValues tags = {{"Zone", "A 1"},
                            {"bad name", "x"},
                            {"evil", "x\r\nhost: y"},
                            {"", "x"},
                            {"long", std::string(4000, 'x')},
                            {"last", "ü"},
                            {"zone", "again"},
                            {"aws_kinesisvideo_fragment_number", "1"}};
  EXPECT_EQ(object_metadata(source(), tags),
            (NamedValues{
                {"x-amz-meta-aws_kinesisvideo_fragment_number", "91343852333000000000000000000000000000000000042"},
                {"x-amz-meta-aws_kinesisvideo_producer_timestamp", "1795389019582"},
                {"x-amz-meta-aws_kinesisvideo_server_timestamp", "1795389020000"},
                {"x-amz-meta-zone", "A 1"},
                {"x-amz-meta-last", "ü"},
            }));
}

TEST(S3Object, APutGoesToTheBucketsPathWithItsKeyEncodedOnce) {
  const HttpCall call =
      make_put({"http://s3.example:9000", "us-west-2", "AKID", "north"}, "pictures",
               {"a b/../ü+.jpg", {{"x-amz-meta-zone", "A"}, {"content-type", "image/jpeg"}}, base::to_bytes("image")},
               at_ms(1'795'389'019'582));
  EXPECT_EQ(call.method, "PUT");
  EXPECT_EQ(call.url, "http://s3.example:9000/pictures/a%20b/../%C3%BC%2B.jpg");
  const auto header = [&](std::string_view name) {
    const auto found = std::ranges::find(call.headers, name, &NamedValues::value_type::first);
    return found == call.headers.end() ? std::string("none") : found->second;
  };
  EXPECT_EQ(header("content-type"), "image/jpeg");
  // printf image | sha256sum
  EXPECT_EQ(header("x-amz-content-sha256"), "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d");
  EXPECT_TRUE(header("authorization")
                  .starts_with("AWS4-HMAC-SHA256 Credential=AKID/20261122/us-west-2/s3/aws4_request, "
                               "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-zone, "))
      << header("authorization");
}

// Contract 7, and the members that SNS signs, in the order of their names.
TEST(Notification, IsWhatSnsSends) {
  const std::string message = make_message("arn:s", source().fragment, {{"Zone", "A \"1\""}, {"bad", "x\xff\xc3\xbc"}});
  EXPECT_EQ(message, R"({"StreamArn":"arn:s","FragmentNumber":"91343852333000000000000000000000000000000000042",)"
                     R"("FragmentStartProducerTimestamp":1795389019582,"FragmentStartServerTimestamp":1795389020000,)"
                     R"("NotificationType":"PERSISTED","NotificationPayload":{"Zone":"A \"1\"","bad":"x?ü"}})");
  const Notification notification{"id", "arn:t", "{\"a\":1}", at_ms(1'795'389'019'582)};
  EXPECT_EQ(string_to_sign(notification),
            "Message\n{\"a\":1}\nMessageId\nid\nSubject\nKinesis Video Streams Notification\nTimestamp\n"
            "2026-11-22T23:10:19.582Z\nTopicArn\narn:t\nType\nNotification\n");
  EXPECT_EQ(write_body(notification, "c2ln", "https://kvs.example/cert"),
            R"({"Type":"Notification","MessageId":"id","TopicArn":"arn:t",)"
            R"("Subject":"Kinesis Video Streams Notification","Message":"{\"a\":1}",)"
            R"("Timestamp":"2026-11-22T23:10:19.582Z","SignatureVersion":"2","Signature":"c2ln",)"
            R"("SigningCertURL":"https://kvs.example/cert"})");
}

TEST(Signer, TakesItsOwnIdentityAndNothingElse) {
  const auto pem = make_signing_identity();
  ASSERT_TRUE(pem);
  const auto signer = Signer::open(*pem);
  ASSERT_TRUE(signer);
  EXPECT_TRUE((*signer)->certificate().starts_with("-----BEGIN CERTIFICATE-----"));
  EXPECT_EQ((*signer)->certificate().find("PRIVATE"), std::string::npos);
  EXPECT_EQ(*(*signer)->sign("a"), *(*signer)->sign("a"));  // PKCS #1 v1.5 is deterministic
  EXPECT_NE(*(*signer)->sign("a"), *(*signer)->sign("b"));
  const auto other = make_signing_identity();
  const std::string mixed =
      pem->substr(0, pem->find("-----BEGIN CERTIFICATE")) + other->substr(other->find("-----BEGIN CERTIFICATE"));
  EXPECT_FALSE(Signer::open(mixed));
  EXPECT_FALSE(Signer::open(""));
}

}  // namespace
}  // namespace delivery

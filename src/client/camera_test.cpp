// SPDX-License-Identifier: Apache-2.0
// A whole camera against a small service of this test, over loopback sockets.
#include <gtest/gtest.h>

#include "client/fake_service.hpp"
#include "client/publisher.hpp"
#include "client/test_source.hpp"

namespace client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class CameraTest : public testing::Test {
 protected:
  ~CameraTest() override {
    service_.reset();
    camera_shard_.stop();
    camera_shard_.join();
  }

  CameraResult run(FakeService::Behaviour behaviour, base::Duration duration = milliseconds(1500),
                   bool like_c_sdk = false) {
    service_ = std::make_unique<FakeService>(service_shard_, behaviour);
    PublisherOptions options;
    options.participant.api.endpoint = service_->endpoint();
    options.participant.api.region = "us-east-1";
    options.participant.api.credentials = {"AKIDEXAMPLE", "secret", ""};
    options.participant.channel = options.participant.stream = "cam";
    options.participant.create = true;
    options.participant.offer_wait = milliseconds(200);
    options.participant.link.certificate = webrtc::Certificate::make(async::wall_now()).value();
    options.participant.link.on_loopback = true;
    options.participant.link.like_c_sdk = like_c_sdk;
    const auto media = like_c_sdk ? unprepared_loop() : loop();
    options.participant.link.video = media->video;
    options.participant.link.sound = media->audio;
    options.duration = duration;
    options.tail = milliseconds(200);
    options.fragment_poll = milliseconds(20);
    options.fragment_wait = milliseconds(500);
    options.quiet = true;
    return camera_shard_.run_blocking([&]() -> async::Task<CameraResult> {
      Publisher publisher(camera_shard_, options, std::make_unique<LoopSource>(media, true));
      co_return co_await publisher.run();
    });
  }

  template <class F>
  auto ask(F what) {
    return service_shard_.run_blocking([&] { return what(*service_); });
  }
  std::vector<std::string> calls() {
    return ask([](FakeService& service) { return service.calls(); });
  }
  bool has_call(const std::string& prefix) {
    for (const auto& call : calls()) {
      if (call.starts_with(prefix)) return true;
    }
    return false;
  }

  static std::shared_ptr<const MediaLoop> loop() {
    static const auto made = [] {
      auto loop = std::make_shared<MediaLoop>(*unprepared_loop());
      loop->prepare(false);
      return loop;
    }();
    return made;
  }
  // Its frames are cut as they are sent.
  static std::shared_ptr<const MediaLoop> unprepared_loop() {
    static const auto made = make_test_loop({.width = 320, .height = 180}, seconds(2)).value();
    return made;
  }

  async::Shard service_shard_{"service"};
  async::Shard camera_shard_{"camera"};
  std::unique_ptr<FakeService> service_;
};

TEST_F(CameraTest, PublishesEveryFrame) {
  const CameraResult result = run({});
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.joins, 1);
  EXPECT_EQ(result.video_frames, 38U);
  EXPECT_EQ(result.audio_frames, 75U);
  EXPECT_EQ(ask([](FakeService& s) { return s.pictures(); }), 38U);
  EXPECT_EQ(ask([](FakeService& s) { return s.packets_of_sound(); }), 75U);
  std::vector<base::Bytes> sent;
  for (const auto& frame : loop()->frames) {
    if (frame.kind() == codecs::MediaKind::Video && sent.size() < 38) sent.push_back(frame.frame->payload);
  }
  EXPECT_EQ(ask([](FakeService& s) { return s.payloads; }), sent) << "bit for bit";
  ASSERT_TRUE(result.timings.join && result.timings.offer && result.timings.ice && result.timings.dtls);
  EXPECT_LT(*result.timings.dtls, seconds(2));
  EXPECT_TRUE(result.timings.first_fragment);
  // Its last datagram may still be on its way to the other thread.
  const base::Instant deadline = async::now() + seconds(5);
  bool closed = false;
  while (!closed && async::now() < deadline) closed = ask([](FakeService& s) { return s.closed_by_camera(); });
  EXPECT_TRUE(closed);
}

TEST_F(CameraTest, SaysWhatItSent) {
  const CameraResult result = run({}, milliseconds(2400));
  ASSERT_EQ(result.video_sent.runs().size(), 1U);
  EXPECT_EQ(result.video_sent.runs()[0].first, 0U);
  EXPECT_EQ(result.video_sent.runs()[0].count, 60U) << "on from the last frame of the loop to its first";
  ASSERT_EQ(result.audio_sent.runs().size(), 1U);
  EXPECT_EQ(result.audio_sent.runs()[0].count, 120U);
}

TEST_F(CameraTest, MakesTheCallsOfAMasterInTheirOrder) {
  run({}, milliseconds(200));
  std::vector<std::string> names;
  for (const auto& call : calls()) {
    const std::string name = call.substr(0, call.find(' '));
    if (name == "/listFragments" || name == "/getDataEndpoint" || name == "ICE_CANDIDATE") continue;
    names.push_back(name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"/createSignalingChannel", "/createStream", "/describeSignalingChannel",
                                             "/describeStream", "/describeMediaStorageConfiguration",
                                             "/describeSignalingChannel", "/describeMediaStorageConfiguration",
                                             "/getSignalingChannelEndpoint", "/v1/get-ice-server-config", "websocket",
                                             "/joinStorageSession", "SDP_ANSWER"}));
  EXPECT_TRUE(has_call(R"(/joinStorageSession {"channelArn":"arn:aws:channel/a/1"})"));
  EXPECT_FALSE(has_call("bad"));
}

TEST_F(CameraTest, PlaysWebrtcSdkC) {
  const CameraResult result = run({}, milliseconds(800), true);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(ask([](FakeService& s) { return s.pictures(); }), 20U);
}

TEST_F(CameraTest, JoinsAgainWhenNoOfferComes) {
  const CameraResult result = run({.joins_without_offer = 2}, milliseconds(400));
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.joins, 3);
  EXPECT_EQ(ask([](FakeService& s) { return s.pictures(); }), 10U);
}

TEST_F(CameraTest, JoinsAgainWhenTheSessionBreaks) {
  const CameraResult result = run({.sessions_that_break = 1}, milliseconds(2600));
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(ask([](FakeService& s) { return s.sessions(); }), 2);
  EXPECT_EQ(result.joins, 2);
  // Twenty before the break; after it a receiver takes up with the key frame at two seconds.
  EXPECT_EQ(ask([](FakeService& s) { return s.pictures(); }), 35U);
}

TEST_F(CameraTest, GivesUpWithTheServicesOwnWords) {
  EXPECT_EQ(run({.refuse_answers = true}).error, "InvalidArgumentException: the answer offers VP8 only: offer H.264");
}

TEST_F(CameraTest, DoesNotMindWhatIsSaidOfAnAnswerThatANewerOneReplaced) {
  const CameraResult result = run({.refuse_an_older_answer = true});
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.joins, 1);
}

TEST_F(CameraTest, SaysThatStorageIsOff) {
  EXPECT_EQ(run({.storage_enabled = false}).error,
            "storage is not enabled for this channel: map it to a stream, or use --create");
}

}  // namespace
}  // namespace client

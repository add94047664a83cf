// SPDX-License-Identifier: Apache-2.0
// The first viewer of a camera that makes no key frame for it, in virtual time: what it decodes must be what the camera
// encoded since its last one, and go on without a hole.
#include <gtest/gtest.h>

#include <algorithm>

#include "codecs/h264_nal.hpp"
#include "rtp/forwarder.hpp"
#include "rtp/receiver.hpp"
#include "rtp/sender.hpp"

namespace rtp {
namespace {

using std::chrono::milliseconds;

ReceiverOptions receiver_options(std::shared_ptr<PacketHistory> history = nullptr) {
  ReceiverOptions options;
  options.formats = {{96, codecs::CodecId::H264, std::nullopt}};
  options.history = std::move(history);
  return options;
}

SenderOptions sender_options(std::uint32_t ssrc, std::uint16_t first) {
  SenderOptions options;
  options.payload_type = 96;
  options.ssrc = ssrc;
  options.first_sequence = first;
  return options;
}

// A camera, the server's receiver, and one viewer.
class Watch {
 public:
  Watch() { history_->set_wanted(false); }

  // Sequence numbers wrap after a few pictures.
  std::vector<base::Bytes> film(bool key, std::size_t size) {
    codecs::Frame frame{codecs::CodecId::H264, key, {}};
    if (key) {
      codecs::h264::append_nal(frame.payload, base::Bytes{0x67, 0x42, 0xc0, 0x0d, 0xd9, 1});
      codecs::h264::append_nal(frame.payload, base::Bytes{0x68, 0xcb, 0x83});
    }
    base::Bytes slice(size, static_cast<std::uint8_t>(sent_.size() + 1));
    slice[0] = key ? 0x65 : 0x41;
    slice[1] = 0x88;
    codecs::h264::append_nal(frame.payload, slice);
    sent_.push_back(frame.payload);
    std::vector<base::Bytes> packets;
    now_ += milliseconds(40);
    timestamp_ += 3600;
    OutgoingExtensions none;
    camera_.send_frame(now_, {frame, timestamp_, {}}, none, packets);
    return packets;
  }
  void arrive(base::ByteView packet) { server_.handle_packet(now_, *parse_rtp(packet)); }
  void end_batch() {
    while (auto event = server_.poll_event()) {
      auto* frame = std::get_if<ReceivedFrame>(&*event);
      if (frame == nullptr) continue;
      if (frame->frame.key_frame) recorded_.clear();
      recorded_.push_back(std::move(*frame));
    }
    if (watching_) forward();
  }
  void film_and_arrive(bool key, std::size_t size) {
    for (const base::Bytes& packet : film(key, size)) arrive(packet);
    end_batch();
  }
  bool fill() {
    std::vector<EarlierFrame> frames;
    for (const ReceivedFrame& frame : recorded_) frames.push_back({frame.rtp_timestamp, frame.frame.payload});
    return server_.fill_history(now_, frames);
  }
  void watch() {
    history_->set_wanted(true);
    watching_ = true;
  }
  void forward() {
    OutgoingExtensions none;
    PacketBatch batch(0);
    forwarder_.forward(now_, false, none, batch);
    history_->forget_fresh();
    for (const PacketBatch::Place& place : batch.places()) {
      const auto packet = base::ByteView(batch.bytes()).subspan(place.begin, place.size);
      viewer_.handle_packet(now_, *parse_rtp(packet));
    }
    while (auto event = viewer_.poll_event()) {
      if (auto* frame = std::get_if<ReceivedFrame>(&*event)) seen_.push_back(std::move(*frame));
      lost_ += std::holds_alternative<PacketsLost>(*event) ? 1 : 0;
    }
  }
  std::vector<base::Bytes> seen() const {
    std::vector<base::Bytes> payloads;
    for (const ReceivedFrame& frame : seen_) payloads.push_back(frame.frame.payload);
    return payloads;
  }

  base::Instant now_{std::chrono::seconds(50)};
  std::uint32_t timestamp_ = 0xffff'f000;  // wraps, too
  std::shared_ptr<PacketHistory> history_ = std::make_shared<PacketHistory>();
  Sender camera_{sender_options(7, 65'500)};
  Receiver server_{receiver_options(history_)};
  Forwarder forwarder_{sender_options(8, 65'530), history_};
  Receiver viewer_{receiver_options()};
  std::vector<base::Bytes> sent_;
  std::vector<ReceivedFrame> recorded_;  // since the last key frame
  std::vector<ReceivedFrame> seen_;
  bool watching_ = false;
  int lost_ = 0;
};

TEST(ReceiveHistory, TheFirstViewerSeesWhatIsRecordedAtOnceAndThenWhatComes) {
  Watch watch;
  watch.film_and_arrive(true, 4000);
  for (int i = 0; i < 20; ++i) watch.film_and_arrive(false, 300);
  watch.film_and_arrive(true, 5000);
  for (int i = 0; i < 60; ++i) watch.film_and_arrive(false, i % 7 == 0 ? 3000 : 300);
  watch.watch();
  EXPECT_TRUE(watch.fill());
  watch.forward();
  EXPECT_EQ(watch.seen(), std::vector<base::Bytes>(watch.sent_.begin() + 21, watch.sent_.end()));
  for (int i = 0; i < 50; ++i) watch.film_and_arrive(false, i % 7 == 0 ? 3000 : 300);
  EXPECT_EQ(watch.seen(), std::vector<base::Bytes>(watch.sent_.begin() + 21, watch.sent_.end()));
  EXPECT_EQ(watch.lost_, 0);
  for (std::size_t i = 1; i < watch.seen_.size(); ++i) {
    EXPECT_GT(watch.seen_[i].rtp_timestamp, watch.seen_[i - 1].rtp_timestamp) << i;
  }
  // What came live keeps its distance to what came before, as the camera's.
  const std::size_t last = watch.seen_.size() - 1;
  EXPECT_EQ(watch.seen_[last].rtp_timestamp - watch.seen_[last - 50].rtp_timestamp, 50 * 3600);
}

TEST(ReceiveHistory, NotInTheMiddleOfAPicture) {
  Watch watch;
  watch.film_and_arrive(true, 4000);
  const std::vector<base::Bytes> packets = watch.film(false, 5000);
  ASSERT_EQ(packets.size(), 5U);
  watch.arrive(packets[0]);
  watch.arrive(packets[1]);
  watch.watch();
  watch.end_batch();
  EXPECT_FALSE(watch.fill()) << "a part of it came before anything was kept";
  for (std::size_t i = 2; i < 5; ++i) watch.arrive(packets[i]);
  watch.end_batch();
  EXPECT_TRUE(watch.fill());
  watch.film_and_arrive(false, 300);
  EXPECT_EQ(watch.seen(), watch.sent_);
  EXPECT_EQ(watch.lost_, 0);
}

TEST(ReceiveHistory, NotWhileSomethingIsMissing) {
  Watch watch;
  watch.film_and_arrive(true, 4000);
  watch.film_and_arrive(false, 300);
  watch.watch();
  const auto lost = watch.film(false, 300);
  watch.film_and_arrive(false, 300);
  EXPECT_FALSE(watch.fill());
  for (const base::Bytes& packet : lost) watch.arrive(packet);
  watch.end_batch();
  EXPECT_TRUE(watch.fill());
  watch.film_and_arrive(false, 300);
  EXPECT_EQ(watch.seen(), watch.sent_);
}

TEST(ReceiveHistory, NotAfterALossAndNotWithoutAKeyFrame) {
  Watch watch;
  watch.film_and_arrive(true, 4000);
  watch.film(false, 300);  // never comes
  watch.watch();
  for (int i = 0; i < 10; ++i) watch.film_and_arrive(false, 300);
  watch.now_ += std::chrono::seconds(4);
  watch.server_.handle_timeout(watch.now_);
  watch.end_batch();
  EXPECT_FALSE(watch.fill()) << "what is recorded ends before the loss";
  EXPECT_FALSE(watch.server_.fill_history(watch.now_, {}));

  Watch other;
  other.film_and_arrive(true, 4000);
  other.film_and_arrive(false, 300);
  other.watch();
  other.recorded_.erase(other.recorded_.begin());
  EXPECT_FALSE(other.fill());
}

TEST(ReceiveHistory, NotWhatIsTooMuchAtOnce) {
  Watch watch;
  watch.film_and_arrive(true, 100'000);
  for (int i = 0; i < 18; ++i) watch.film_and_arrive(false, 100'000);
  watch.watch();
  EXPECT_TRUE(watch.fill());
  watch.film_and_arrive(false, 100'000);
  watch.film_and_arrive(false, 100'000);
  EXPECT_FALSE(watch.fill());
}

}  // namespace
}  // namespace rtp

// SPDX-License-Identifier: Apache-2.0
// Forwarded packets leave a peer in bursts, and what the other end makes of them is what the source sent.
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "codecs/h264_nal.hpp"
#include "rtp/packet.hpp"
#include "webrtc/peer/peer.hpp"

namespace webrtc {
namespace {

using std::chrono::milliseconds;

class ForwardTest : public testing::TestWithParam<SrtpProfile> {
 protected:
  void SetUp() override {
    const auto certificate = Certificate::make(base::WallTime(std::chrono::seconds(1'795'000'000))).value();
    PeerOptions options;
    options.certificate = certificate;
    options.srtp_profiles = {GetParam()};
    options.local_addresses = {*base::SocketAddress::parse("192.0.2.1:8443")};
    options.video = Direction::SendOnly;
    options.forwarded_video = history_;
    server_ = std::make_unique<Peer>(now_, random_, options);
    options.role = PeerOptions::Role::Answerer;
    options.local_addresses = {*base::SocketAddress::parse("198.51.100.7:50000")};
    options.video = options.audio = Direction::RecvOnly;
    options.forwarded_video.reset();
    viewer_ = std::make_unique<Peer>(now_, random_, options);
    ASSERT_TRUE(server_->set_answer(now_, viewer_->accept_offer(now_, server_->create_offer(now_)).value()));
    for (int i = 0; i < 200 && !(server_->connected() && viewer_->connected()); ++i) {
      pass(*server_, *viewer_);
      pass(*viewer_, *server_);
      now_ += milliseconds(5);
      server_->handle_timeout(now_);
      viewer_->handle_timeout(now_);
    }
    ASSERT_TRUE(server_->connected() && viewer_->connected());
    pass(*server_, *viewer_);
  }

  void pass(Peer& from, Peer& to) {
    while (auto transmit = from.poll_transmit()) give(to, transmit->flow, transmit->payload);
    while (auto event = from.poll_event()) {
      if (auto* frame = std::get_if<FrameReceived>(&*event)) frames_.push_back(std::move(frame->frame.frame));
    }
  }
  void give(Peer& to, const base::Flow& flow, base::Bytes payload) {
    to.handle_datagram(now_, {{flow.remote, flow.local}, payload});
  }

  // One key frame: an AUD, then an IDR slice as fragments with payloads of these sizes. Returns the access unit.
  base::Bytes add_picture(const std::vector<std::size_t>& sizes) {
    const base::Bytes aud = {0x09, 0x10};
    add(aud, false);
    base::Bytes slice = {0x65};
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      base::Bytes part(sizes[i]);
      random_.fill(part);
      if (i == 0) part[2] = 0x88;  // first_mb_in_slice 0
      part[0] = 0x7c;
      part[1] = static_cast<std::uint8_t>(5 | (i == 0 ? 0x80 : 0) | (i + 1 == sizes.size() ? 0x40 : 0));
      base::append(slice, base::ByteView(part).subspan(2));
      add(part, i + 1 == sizes.size());
    }
    timestamp_ += 3600;
    base::Bytes unit;
    codecs::h264::append_nal(unit, aud);
    codecs::h264::append_nal(unit, slice);
    return unit;
  }
  void add(base::ByteView payload, bool marker) {
    history_->add(now_, {.sequence = sequence_++, .timestamp = timestamp_, .marker = marker}, payload);
  }
  std::vector<base::Burst> forward_in_bursts() {
    server_->forward_video(now_);
    history_->forget_fresh();
    std::vector<base::Burst> bursts;
    while (auto burst = server_->poll_burst()) bursts.push_back(*std::move(burst));
    return bursts;
  }

  base::SeededRandom random_{7};
  base::Instant now_ = base::Instant{} + std::chrono::seconds(1);
  std::shared_ptr<rtp::PacketHistory> history_ = std::make_shared<rtp::PacketHistory>();
  std::unique_ptr<Peer> server_, viewer_;
  std::vector<codecs::Frame> frames_;
  std::int64_t sequence_ = 70'000;
  std::uint32_t timestamp_ = 1234;
};

TEST_P(ForwardTest, PacketsOfOneLengthAndAShorterLastOneAreOneBurst) {
  const base::Bytes sent = add_picture({1000, 1000, 1000, 300});
  const auto bursts = forward_in_bursts();
  ASSERT_EQ(bursts.size(), 2U) << "the delimiter is shorter than what follows it";
  EXPECT_EQ(bursts[0].datagrams(), 1U);
  EXPECT_EQ(bursts[1].datagrams(), 4U);
  EXPECT_GT(bursts[1].segment, 1000U);
  EXPECT_EQ(bursts[1].payload.size() - 3 * bursts[1].segment, bursts[1].segment - 700);
  EXPECT_FALSE(server_->poll_transmit()) << "nothing goes twice";
  for (const base::Burst& burst : bursts) {
    for (std::size_t at = 0; at < burst.payload.size(); at += burst.segment) {
      const std::size_t size = std::min(burst.segment, burst.payload.size() - at);
      const auto datagram = base::ByteView(burst.payload).subspan(at, size);
      give(*viewer_, burst.flow, base::Bytes(datagram.begin(), datagram.end()));
    }
  }
  pass(*viewer_, *server_);
  ASSERT_EQ(frames_.size(), 1U);
  EXPECT_EQ(frames_[0].payload, sent);
  EXPECT_EQ(viewer_->stats().srtp.not_authentic, 0U);
  EXPECT_EQ(server_->stats().unsendable, 0U);
}

TEST_P(ForwardTest, WhoAsksForNoBurstsGetsTheirDatagrams) {
  const base::Bytes sent = add_picture({300, 900, 900, 200, 200});
  const std::uint64_t before = server_->stats().datagrams_sent;
  server_->forward_video(now_);
  history_->forget_fresh();
  EXPECT_EQ(server_->stats().datagrams_sent - before, 6U);
  pass(*server_, *viewer_);
  pass(*viewer_, *server_);
  ASSERT_EQ(frames_.size(), 1U);
  EXPECT_EQ(frames_[0].payload, sent);
}

TEST_P(ForwardTest, ABurstIsNoLongerThanTheKernelTakes) {
  add_picture(std::vector<std::size_t>(150, 1000));
  for (const base::Burst& burst : forward_in_bursts()) {
    EXPECT_LE(burst.datagrams(), 64U);
    EXPECT_LE(burst.payload.size(), 65'000U);
  }
}

TEST_P(ForwardTest, TheFirstPacketStartsTheReports) {
  now_ += milliseconds(1);
  server_->handle_timeout(now_);
  const base::Instant before = server_->next_timeout();
  add_picture({500});
  forward_in_bursts();
  EXPECT_LE(server_->next_timeout(), std::min(before, now_ + milliseconds(200)));
  now_ = server_->next_timeout();
  server_->handle_timeout(now_);
  EXPECT_GT(server_->next_timeout(), now_) << "the report is out, the next one is due later";
}

INSTANTIATE_TEST_SUITE_P(BothProfiles, ForwardTest,
                         testing::Values(SrtpProfile::AeadAes128Gcm, SrtpProfile::Aes128CmSha1_80));

}  // namespace
}  // namespace webrtc

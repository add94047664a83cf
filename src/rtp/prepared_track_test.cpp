// SPDX-License-Identifier: Apache-2.0
// What is sent from a prepared track is what would be sent frame by frame, and its repairs too.
#include "rtp/prepared_track.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "rtp/sender.hpp"

namespace rtp {
namespace {

using std::chrono::milliseconds;

std::shared_ptr<const codecs::Frame> picture(base::Random& random, std::size_t size, bool key) {
  codecs::Frame frame{codecs::CodecId::H264, key, {}};
  base::ByteWriter writer(frame.payload);
  const auto add = [&](std::uint8_t header, std::size_t length) {
    writer.u32(length);
    writer.u8(header);
    for (std::size_t i = 1; i < length; ++i) writer.u8(static_cast<std::uint8_t>(random.u32()));
  };
  if (key) add(0x67, 12);
  if (key) add(0x68, 5);
  add(key ? 0x65 : 0x41, size);
  return std::make_shared<const codecs::Frame>(std::move(frame));
}

// Two senders alike but for the way they send.
class PreparedTest : public testing::TestWithParam<bool> {
 protected:
  PreparedTest() {
    base::SeededRandom random(3);
    for (std::size_t i = 0; i < 12; ++i) frames_.push_back(picture(random, 200 + 700 * (i % 5), i % 6 == 0));
    SenderOptions options;
    options.payload_type = 102;
    options.ssrc = 7;
    options.rtx_ssrc = 8;
    options.mid = "0";
    options.first_sequence = 65'530;  // wraps
    if (GetParam()) options.rtx_payload_type = 103;
    plain_.emplace(options);
    options.prepared = std::make_shared<const PreparedTrack>(frames_, options);
    prepared_.emplace(options);
  }

  static std::vector<base::Bytes> packets_of(PacketBatch& batch) {
    std::vector<base::Bytes> packets;
    for (const auto& place : batch.places()) {
      const base::ByteView packet = batch.packet(place);
      packets.emplace_back(packet.begin(), packet.end());
    }
    return packets;
  }

  std::vector<std::shared_ptr<const codecs::Frame>> frames_;
  std::optional<Sender> plain_, prepared_;
  OutgoingExtensions plain_extensions_{4, 3, 100}, prepared_extensions_{4, 3, 100};
  base::Instant now_{std::chrono::seconds(1)};
};

TEST_P(PreparedTest, ThePacketsAreTheSame) {
  for (std::size_t turn = 0; turn < 30; ++turn, now_ += milliseconds(40)) {
    const std::size_t index = turn % frames_.size();
    const auto time = static_cast<std::uint32_t>(turn * 3600);
    std::vector<base::Bytes> plain;
    plain_->send_frame(now_, {*frames_[index], time, {}}, plain_extensions_, plain);
    PacketBatch batch(16);
    prepared_->send_prepared(now_, {index, time, {}}, prepared_extensions_, batch);
    EXPECT_EQ(packets_of(batch), plain) << turn;
  }
  EXPECT_EQ(prepared_->stats().packets, plain_->stats().packets);
  EXPECT_EQ(prepared_->stats().bytes, plain_->stats().bytes);
  EXPECT_EQ(prepared_->make_report(now_)->octet_count, plain_->make_report(now_)->octet_count);
}

TEST_P(PreparedTest, RepairsAreTheSameAndEndAfterTheSameTime) {
  std::vector<std::uint16_t> sequences;
  std::vector<base::Bytes> plain, repairs;
  for (std::size_t turn = 0; turn < 100; ++turn, now_ += milliseconds(40)) {
    const std::size_t index = turn % frames_.size();
    PacketBatch batch;
    plain.clear();
    plain_->send_frame(now_, {*frames_[index], static_cast<std::uint32_t>(turn), {}}, plain_extensions_, plain);
    prepared_->send_prepared(now_, {index, static_cast<std::uint32_t>(turn), {}}, prepared_extensions_, batch);
    for (const base::Bytes& packet : plain) sequences.push_back(parse_rtp(packet)->header.sequence);
  }
  plain_->send_padding(now_, plain_extensions_, plain);
  prepared_->send_padding(now_, prepared_extensions_, repairs);
  sequences.push_back(parse_rtp(repairs.back())->header.sequence);
  const Nack nack{1, 7, sequences};
  plain.clear();
  repairs.clear();
  plain_->handle_nack(now_, nack, plain_extensions_, plain);
  prepared_->handle_nack(now_, nack, prepared_extensions_, repairs);
  EXPECT_EQ(repairs, plain);
  EXPECT_LT(repairs.size(), sequences.size()) << "the oldest are more than three seconds old";
  EXPECT_GT(repairs.size(), sequences.size() / 2);
  EXPECT_EQ(prepared_->stats().unavailable, plain_->stats().unavailable);
}

TEST_P(PreparedTest, AskedForTwiceWithinTenMillisecondsIsRepeatedOnce) {
  PacketBatch batch;
  prepared_->send_prepared(now_, {0, 0, {}}, prepared_extensions_, batch);
  const std::uint16_t sequence = parse_rtp(batch.packet(batch.places().back()))->header.sequence;
  std::vector<base::Bytes> out;
  for (const int later : {5, 9, 20}) {
    prepared_->handle_nack(now_ + milliseconds(later), {1, 7, {sequence}}, prepared_extensions_, out);
    EXPECT_EQ(out.size(), later < 20 ? 1U : 2U) << later;
  }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutRtx, PreparedTest, testing::Bool(),
                         [](const auto& each) { return each.param ? "Rtx" : "Identical"; });

}  // namespace
}  // namespace rtp

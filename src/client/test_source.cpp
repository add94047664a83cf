// SPDX-License-Identifier: Apache-2.0
#include "client/test_source.hpp"

#include <optional>
#include <string>

#include "client/picture_encoder.hpp"
#include "client/tone_encoder.hpp"

namespace client {
namespace {

constexpr base::Duration kPacketTime = std::chrono::milliseconds(20);

class TestSource final : public MediaSource {
 public:
  TestSource(const TestOptions& options, PictureEncoder pictures, std::optional<ToneEncoder> tone)
      : options_(options),
        picture_(options.width, options.height),
        pictures_(std::move(pictures)),
        tone_(std::move(tone)) {}

  std::optional<MediaFrame> next() override {
    const base::Duration picture_at = std::chrono::nanoseconds(picture_number_ * 1'000'000'000 / options_.rate);
    const base::Duration packet_at = packet_number_ * kPacketTime;
    if (tone_ && packet_at < picture_at) return next_packet(packet_at);
    return next_picture(picture_at);
  }

  void request_key_frame() override { key_frame_wanted_ = true; }
  void set_epoch(base::WallTime epoch) override { options_.clock_start = epoch; }

 private:
  MediaFrame next_packet(base::Duration at) {
    ++packet_number_;
    codecs::Frame frame{codecs::CodecId::Opus, true, tone_->encode_packet()};
    return {at, std::make_shared<const codecs::Frame>(std::move(frame))};
  }

  std::optional<MediaFrame> next_picture(base::Duration at) {
    const auto shown = options_.clock_start + std::chrono::duration_cast<std::chrono::microseconds>(at);
    const std::string clock = base::to_iso8601(shown).substr(11, 12);  // "12:34:56.789"
    picture_.draw(picture_number_, clock);
    const auto interval = options_.key_frame_interval.count() * options_.rate / 1'000'000'000;
    const bool key_frame = key_frame_wanted_ || picture_number_ - last_key_frame_ >= interval;
    if (key_frame) last_key_frame_ = picture_number_;
    key_frame_wanted_ = false;
    auto frame = pictures_.encode(picture_, picture_number_++, key_frame);
    if (!frame) return std::nullopt;
    return MediaFrame{at, std::make_shared<const codecs::Frame>(*std::move(frame))};
  }

  TestOptions options_;
  Picture picture_;
  PictureEncoder pictures_;
  std::optional<ToneEncoder> tone_;
  std::int64_t picture_number_ = 0;
  std::int64_t packet_number_ = 0;
  std::int64_t last_key_frame_ = 0;
  bool key_frame_wanted_ = true;
};

}  // namespace

base::Result<std::unique_ptr<MediaSource>> make_test_source(const TestOptions& options) {
  TRY(PictureEncoder pictures,
      PictureEncoder::open({options.width, options.height, options.rate, options.bitrate_kbps}));
  std::optional<ToneEncoder> tone;
  if (options.sound) {
    TRY(ToneEncoder opened, ToneEncoder::open());
    tone = std::move(opened);
  }
  return std::make_unique<TestSource>(options, std::move(pictures), std::move(tone));
}

base::Result<std::shared_ptr<MediaLoop>> make_test_loop(const TestOptions& options, base::Duration length) {
  TRY(const auto source, make_test_source(options));
  auto loop = std::make_shared<MediaLoop>();
  loop->length = length;
  while (auto frame = source->next()) {
    if (frame->at >= length) return loop;
    loop->frames.push_back(std::move(*frame));
  }
  return base::fail(base::Errc::Internal, "the test picture could not be encoded");
}

}  // namespace client

// SPDX-License-Identifier: Apache-2.0
#include "camera.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>

#include "base/check.hpp"

namespace impairments {
namespace {

constexpr int kKeyFrameInterval = 2 * kFramesPerSecond;
constexpr int kRate = 48'000;
constexpr std::size_t kDtxPacket = 2;  // bytes: libopus says so of packets that need not be sent

}  // namespace

PictureSource::PictureSource() {
  open(320, 240);
}

void PictureSource::open(int width, int height) {
  auto encoder = client::PictureEncoder::open({width, height, kFramesPerSecond, 400});
  CHECK(encoder);
  encoder_ = std::make_unique<client::PictureEncoder>(*std::move(encoder));
  picture_ = std::make_unique<client::Picture>(width, height);
}

void PictureSource::change_size() {
  open(480, 272);
  key_frame_wanted_ = true;
}

codecs::Frame PictureSource::next() {
  picture_->draw(number_, fmt::format("{:06}", number_));
  const bool key_frame = key_frame_wanted_ || number_ - last_key_frame_ >= kKeyFrameInterval;
  if (key_frame) last_key_frame_ = number_;
  key_frame_wanted_ = false;
  auto frame = encoder_->encode(*picture_, number_++, key_frame);
  CHECK(frame);
  return *std::move(frame);
}

SoundSource::SoundSource(bool dtx) : dtx_(dtx) {
  int error = OPUS_OK;
  encoder_.reset(opus_encoder_create(kRate, 2, dtx ? OPUS_APPLICATION_VOIP : OPUS_APPLICATION_AUDIO, &error));
  CHECK(error == OPUS_OK);
  opus_encoder_ctl(encoder_.get(), OPUS_SET_BITRATE(32'000));
  opus_encoder_ctl(encoder_.get(), OPUS_SET_DTX(dtx ? 1 : 0));
}

std::optional<codecs::Frame> SoundSource::next() {
  const bool silent = dtx_ && sample_ / kRate % 5 >= 2;
  std::array<std::int16_t, kSamples * 2> samples{};
  for (std::size_t i = 0; i < kSamples; ++i, ++sample_) {
    const double seconds = static_cast<double>(sample_) / kRate;
    phase_ += 2 * std::numbers::pi * (440 + 200 * std::sin(seconds)) / kRate;
    if (!silent) samples[2 * i] = samples[2 * i + 1] = static_cast<std::int16_t>(6000 * std::sin(phase_));
  }
  codecs::Frame frame{codecs::CodecId::Opus, true, base::Bytes(1275)};
  const int size = opus_encode(encoder_.get(), samples.data(), static_cast<int>(kSamples), frame.payload.data(),
                               static_cast<opus_int32>(frame.payload.size()));
  CHECK(size > 0);
  frame.payload.resize(static_cast<std::size_t>(size));
  if (dtx_ && frame.payload.size() <= kDtxPacket) return std::nullopt;
  return frame;
}

}  // namespace impairments

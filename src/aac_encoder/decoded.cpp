// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/decoded.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <algorithm>
#include <memory>

#include "base/check.hpp"

namespace aac_encoder {
namespace {

struct Free {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};

std::unique_ptr<AVCodecContext, Free> open_decoder() {
  std::unique_ptr<AVCodecContext, Free> context(avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_AAC)));
  CHECK(context != nullptr);
  static constexpr std::array<std::uint8_t, 2> kConfig = {0x11, 0x90};  // AAC-LC, 48 kHz, two channels
  context->extradata = static_cast<std::uint8_t*>(av_mallocz(kConfig.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  std::ranges::copy(kConfig, context->extradata);
  context->extradata_size = static_cast<int>(kConfig.size());
  context->err_recognition = AV_EF_EXPLODE | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_CAREFUL;
  CHECK(avcodec_open2(context.get(), nullptr, nullptr) == 0);
  return context;
}

}  // namespace

std::optional<Decoded> decode_units(const std::vector<base::Bytes>& units) {
  const auto context = open_decoder();
  const std::unique_ptr<AVFrame, Free> frame(av_frame_alloc());
  const std::unique_ptr<AVPacket, Free> packet(av_packet_alloc());
  CHECK(frame != nullptr && packet != nullptr);
  Decoded out;
  for (const base::Bytes& unit : units) {
    CHECK(av_new_packet(packet.get(), static_cast<int>(unit.size())) == 0);
    std::ranges::copy(unit, packet->data);
    const int sent = avcodec_send_packet(context.get(), packet.get());
    av_packet_unref(packet.get());
    if (sent < 0 || avcodec_receive_frame(context.get(), frame.get()) < 0) return std::nullopt;
    if (frame->nb_samples != 1024 || frame->ch_layout.nb_channels != 2) return std::nullopt;
    for (std::size_t c = 0; c < 2; ++c) {
      const auto* from = reinterpret_cast<const float*>(frame->extended_data[c]);
      out.samples[c].insert(out.samples[c].end(), from, from + frame->nb_samples);
    }
  }
  return out;
}

}  // namespace aac_encoder

// SPDX-License-Identifier: Apache-2.0
#include "streams/aac/ffmpeg_encoder.hpp"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
}

#include <fmt/format.h>

#include <cstring>

#include "codecs/libav.hpp"

namespace streams::aac {
namespace {

constexpr std::int64_t kBitRate = 96'000;

class FfmpegEncoder final : public Encoder {
 public:
  base::Result<void> open() {
    const AVCodec* codec = avcodec_find_encoder_by_name("aac");
    if (!codec) return base::fail(base::Errc::Unsupported, "this FFmpeg has no AAC encoder");
    context_.reset(avcodec_alloc_context3(codec));
    frame_.reset(av_frame_alloc());
    packet_.reset(av_packet_alloc());
    if (!context_ || !frame_ || !packet_) return base::fail(base::Errc::Internal, "AAC encoder: out of memory");
    context_->sample_rate = 48'000;
    context_->sample_fmt = AV_SAMPLE_FMT_FLTP;
    context_->bit_rate = kBitRate;
    context_->time_base = {1, 48'000};
    context_->flags |= AV_CODEC_FLAG_BITEXACT;
    context_->thread_count = 1;
    context_->log_level_offset = AV_LOG_TRACE;  // statistics on closing; failures come as results
    av_channel_layout_default(&context_->ch_layout, 2);
    AVDictionary* options = nullptr;
    av_dict_set(&options, "aac_coder", "fast", 0);
    // Noise substitution and intensity stereo do not add up across two encoders that share an overlap.
    av_dict_set(&options, "aac_pns", "0", 0);
    av_dict_set(&options, "aac_is", "0", 0);
    const int status = avcodec_open2(context_.get(), codec, &options);
    av_dict_free(&options);
    if (status < 0) return base::fail(base::Errc::Internal, fmt::format("AAC encoder does not open ({})", status));

    frame_->nb_samples = static_cast<int>(kFrameSamples);
    frame_->format = AV_SAMPLE_FMT_FLTP;
    frame_->sample_rate = 48'000;
    if (av_channel_layout_copy(&frame_->ch_layout, &context_->ch_layout) < 0 ||
        av_frame_get_buffer(frame_.get(), 0) < 0) {
      return base::fail(base::Errc::Internal, "AAC encoder: out of memory");
    }
    return {};
  }

  base::Result<std::optional<base::Bytes>> encode(const Pcm& pcm) override {
    if (av_frame_make_writable(frame_.get()) < 0) return base::fail(base::Errc::Internal, "AAC encoder: out of memory");
    for (std::size_t channel = 0; channel < 2; ++channel) {
      std::memcpy(frame_->extended_data[channel], pcm[channel].data(), sizeof pcm[channel]);
    }
    frame_->pts = next_pts_;
    next_pts_ += static_cast<std::int64_t>(kFrameSamples);
    if (const int status = avcodec_send_frame(context_.get(), frame_.get()); status < 0) {
      return base::fail(base::Errc::Internal, fmt::format("AAC encoder refuses a frame ({})", status));
    }
    const int status = avcodec_receive_packet(context_.get(), packet_.get());
    if (status == AVERROR(EAGAIN)) return std::optional<base::Bytes>{};
    if (status < 0) return base::fail(base::Errc::Internal, fmt::format("AAC encoder fails ({})", status));
    base::Bytes unit(packet_->data, packet_->data + packet_->size);
    av_packet_unref(packet_.get());
    return std::optional<base::Bytes>(std::move(unit));
  }

 private:
  codecs::libav::Context context_;
  codecs::libav::Frame frame_;
  codecs::libav::Packet packet_;
  std::int64_t next_pts_ = 0;
};

}  // namespace

base::Result<std::unique_ptr<Encoder>> open_ffmpeg_encoder() {
  auto encoder = std::make_unique<FfmpegEncoder>();
  TRY_VOID(encoder->open());
  return std::unique_ptr<Encoder>(std::move(encoder));
}

}  // namespace streams::aac

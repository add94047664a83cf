// SPDX-License-Identifier: Apache-2.0
#include "client/picture_encoder.hpp"

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>

#include "codecs/h264_nal.hpp"
#include "codecs/libav.hpp"

namespace client {
namespace {

using base::Errc;
using base::fail;

void copy_plane(const std::vector<std::uint8_t>& from, int width, int height, std::uint8_t* to, int stride) {
  for (int row = 0; row < height; ++row)
    std::copy_n(from.data() + static_cast<std::ptrdiff_t>(row) * width, width,
                to + static_cast<std::ptrdiff_t>(row) * stride);
}

}  // namespace

struct PictureEncoder::Parts {
  codecs::libav::Context context;
  codecs::libav::Frame frame;
  codecs::libav::Packet packet;
};

PictureEncoder::PictureEncoder(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
PictureEncoder::PictureEncoder(PictureEncoder&&) noexcept = default;
PictureEncoder& PictureEncoder::operator=(PictureEncoder&&) noexcept = default;
PictureEncoder::~PictureEncoder() = default;

base::Result<PictureEncoder> PictureEncoder::open(const Options& options) {
  if (options.width < 64 || options.height < 64 || options.width > 1920 || options.height > 1920 ||
      options.width % 2 != 0 || options.height % 2 != 0 || options.rate < 1 || options.rate > 120)
    return fail(Errc::InvalidArgument, "the test picture has even sides of 64 to 1920 and a rate of 1 to 120");
  av_log_set_level(AV_LOG_ERROR);
  const AVCodec* codec = avcodec_find_encoder_by_name("libx264");
  if (codec == nullptr) return fail(Errc::Unsupported, "this FFmpeg has no libx264");
  auto parts = std::make_unique<Parts>();
  parts->context.reset(avcodec_alloc_context3(codec));
  parts->frame.reset(av_frame_alloc());
  parts->packet.reset(av_packet_alloc());
  AVCodecContext& context = *parts->context;
  context.width = options.width;
  context.height = options.height;
  context.pix_fmt = AV_PIX_FMT_YUV420P;
  context.time_base = {1, options.rate};
  context.framerate = {options.rate, 1};
  context.bit_rate = context.rc_max_rate = std::int64_t{options.bitrate_kbps} * 1000;
  context.rc_buffer_size = options.bitrate_kbps * 1000;
  context.gop_size = 1 << 20;  // key frames come when the source says so
  context.max_b_frames = 0;
  context.thread_count = 1;
  context.profile = FF_PROFILE_H264_CONSTRAINED_BASELINE;
  av_opt_set(context.priv_data, "preset", "veryfast", 0);
  av_opt_set(context.priv_data, "tune", "zerolatency", 0);
  av_opt_set(context.priv_data, "profile", "baseline", 0);
  av_opt_set(context.priv_data, "forced-idr", "1", 0);
  if (avcodec_open2(&context, codec, nullptr) < 0) return fail(Errc::Internal, "libx264 refuses these settings");
  parts->frame->format = AV_PIX_FMT_YUV420P;
  parts->frame->width = options.width;
  parts->frame->height = options.height;
  if (av_frame_get_buffer(parts->frame.get(), 0) < 0) return fail(Errc::Internal, "no memory for a picture");
  return PictureEncoder(std::move(parts));
}

std::optional<codecs::Frame> PictureEncoder::encode(const Picture& picture, std::int64_t number, bool key_frame) {
  AVFrame& frame = *parts_->frame;
  if (av_frame_make_writable(&frame) < 0) return std::nullopt;
  copy_plane(picture.luma(), picture.width(), picture.height(), frame.data[0], frame.linesize[0]);
  copy_plane(picture.blue(), picture.width() / 2, picture.height() / 2, frame.data[1], frame.linesize[1]);
  copy_plane(picture.red(), picture.width() / 2, picture.height() / 2, frame.data[2], frame.linesize[2]);
  frame.pts = number;
  frame.pict_type = key_frame ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
  if (avcodec_send_frame(parts_->context.get(), &frame) < 0) return std::nullopt;
  if (avcodec_receive_packet(parts_->context.get(), parts_->packet.get()) < 0) return std::nullopt;
  const AVPacket& packet = *parts_->packet;
  codecs::Frame out;
  out.codec = codecs::CodecId::H264;
  out.payload = codecs::h264::from_annex_b({packet.data, static_cast<std::size_t>(packet.size)});
  out.key_frame = codecs::h264::has_idr(out.payload);
  av_packet_unref(parts_->packet.get());
  return out;
}

}  // namespace client

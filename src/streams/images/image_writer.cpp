// SPDX-License-Identifier: Apache-2.0
#include "streams/images/image_writer.hpp"

extern "C" {
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace streams {
namespace {

using base::Errc;
using base::Result;
namespace libav = codecs::libav;

struct FreeScaler {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};

struct Size {
  int width = 0;
  int height = 0;
};

Size size_of(const AVFrame& picture, const ImageOptions& options) {
  Size size{picture.width, picture.height};
  if (options.width) size.width = static_cast<int>(*options.width);
  if (options.height) size.height = static_cast<int>(*options.height);
  if (options.height && !options.width) {
    size.width = std::max((picture.width * size.height + picture.height / 2) / picture.height, 1);
  }
  if (options.width && !options.height) {
    size.height = std::max((picture.height * size.width + picture.width / 2) / picture.width, 1);
  }
  return size;
}

// JPEG's full range is said by the pixel format, which is how the scaler and the encoder both know it.
AVPixelFormat pixels_of(ImageFormat format) {
  return format == ImageFormat::Jpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_RGB24;
}

Result<libav::Frame> scale(const AVFrame& picture, Size size, AVPixelFormat pixels) {
  libav::Frame scaled(av_frame_alloc());
  if (!scaled) return base::fail(Errc::Internal, "image: out of memory");
  scaled->width = size.width;
  scaled->height = size.height;
  scaled->format = pixels;
  if (av_frame_get_buffer(scaled.get(), 0) < 0) return base::fail(Errc::Internal, "image: out of memory");
  const std::unique_ptr<SwsContext, FreeScaler> scaler(
      sws_getContext(picture.width, picture.height, static_cast<AVPixelFormat>(picture.format), size.width, size.height,
                     pixels, SWS_BICUBIC | SWS_ACCURATE_RND, nullptr, nullptr, nullptr));
  if (!scaler) return base::fail(Errc::Unsupported, "image: this picture's format cannot be converted");
  if (sws_scale(scaler.get(), picture.data, picture.linesize, 0, picture.height, scaled->data, scaled->linesize) <= 0)
    return base::fail(Errc::Internal, "image: scaling failed");
  return scaled;
}

// FFmpeg counts from 2 (best) to 31.
int quantiser_of(int quality) {
  return 2 + ((100 - std::clamp(quality, 1, 100)) * 29 + 49) / 99;
}

}  // namespace

Result<base::Bytes> write_image(const AVFrame& picture, const ImageOptions& options) {
  const bool is_jpeg = options.format == ImageFormat::Jpeg;
  const Size size = size_of(picture, options);
  TRY(const libav::Frame scaled, scale(picture, size, pixels_of(options.format)));
  const AVCodec* codec = avcodec_find_encoder(is_jpeg ? AV_CODEC_ID_MJPEG : AV_CODEC_ID_PNG);
  if (codec == nullptr) return base::fail(Errc::Unsupported, "this FFmpeg cannot write images");
  const libav::Context context(avcodec_alloc_context3(codec));
  const libav::Packet packet(av_packet_alloc());
  if (!context || !packet) return base::fail(Errc::Internal, "image: out of memory");
  context->width = size.width;
  context->height = size.height;
  context->pix_fmt = pixels_of(options.format);
  context->time_base = {1, 25};
  context->thread_count = 1;
  if (is_jpeg) {
    context->flags |= AV_CODEC_FLAG_QSCALE;
    context->global_quality = FF_QP2LAMBDA * quantiser_of(options.quality);
    scaled->quality = context->global_quality;
  }
  int status = avcodec_open2(context.get(), codec, nullptr);
  if (status >= 0) status = avcodec_send_frame(context.get(), scaled.get());
  if (status >= 0) status = avcodec_receive_packet(context.get(), packet.get());
  if (status < 0) return base::fail(Errc::Internal, fmt::format("image: the encoder answers {}", status));
  return base::Bytes(packet->data, packet->data + packet->size);
}

}  // namespace streams

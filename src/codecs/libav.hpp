// SPDX-License-Identifier: Apache-2.0
#pragma once
// Owners of libav's objects, for the rooms that link it.

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <memory>

namespace codecs::libav {

struct FreeContext {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
using Context = std::unique_ptr<AVCodecContext, FreeContext>;
using Frame = std::unique_ptr<AVFrame, FreeFrame>;
using Packet = std::unique_ptr<AVPacket, FreePacket>;

}  // namespace codecs::libav

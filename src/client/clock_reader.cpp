// SPDX-License-Identifier: Apache-2.0
#include "client/clock_reader.hpp"

#include <algorithm>

#include "client/picture.hpp"
#include "codecs/h264_nal.hpp"
#include "codecs/libav.hpp"

namespace client {
namespace {

using base::Errc;
using base::fail;

constexpr std::string_view kShape = "00:00:00.000";

bool has_shape_of_a_clock(std::string_view text) {
  return std::ranges::equal(text, kShape,
                            [](char c, char shape) { return shape == '0' ? c >= '0' && c <= '9' : c == shape; });
}

int number(std::string_view digits) {
  int value = 0;
  for (const char digit : digits) value = value * 10 + (digit - '0');
  return value;
}

}  // namespace

std::optional<base::Duration> age_of(std::string_view clock, base::WallTime seen) {
  using std::chrono::hours;
  if (!has_shape_of_a_clock(clock)) return std::nullopt;
  const int hour = number(clock.substr(0, 2));
  const int minute = number(clock.substr(3, 2));
  const int second = number(clock.substr(6, 2));
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const auto shown = hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second) +
                     std::chrono::milliseconds(number(clock.substr(9)));
  base::Duration age = seen - std::chrono::floor<std::chrono::days>(seen) - shown;
  if (age > hours(12)) age -= hours(24);
  if (age <= -hours(12)) age += hours(24);
  return age;
}

struct ClockReader::Parts {
  codecs::libav::Context context;
  codecs::libav::Frame frame;
  codecs::libav::Packet packet;
};

ClockReader::ClockReader(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ClockReader::~ClockReader() = default;

base::Result<std::unique_ptr<ClockReader>> ClockReader::open() {
  av_log_set_level(AV_LOG_FATAL);  // a picture that cannot be decoded is counted, not told of
  const AVCodec* codec = avcodec_find_decoder(AV_CODEC_ID_H264);
  if (codec == nullptr) return fail(Errc::Unsupported, "this FFmpeg has no decoder of H.264");
  auto parts = std::make_unique<Parts>();
  parts->context.reset(avcodec_alloc_context3(codec));
  parts->frame.reset(av_frame_alloc());
  parts->packet.reset(av_packet_alloc());
  parts->context->thread_count = 1;
  parts->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
  if (avcodec_open2(parts->context.get(), codec, nullptr) < 0)
    return fail(Errc::Internal, "FFmpeg's decoder of H.264 does not open");
  return std::unique_ptr<ClockReader>(new ClockReader(std::move(parts)));
}

std::optional<base::Duration> ClockReader::read(base::ByteView access_unit, base::WallTime seen, bool alone) {
  AVCodecContext* context = parts_->context.get();
  AVPacket* packet = parts_->packet.get();
  const base::Bytes stream = codecs::h264::to_annex_b(access_unit);
  if (av_new_packet(packet, static_cast<int>(stream.size())) < 0) return std::nullopt;
  std::ranges::copy(stream, packet->data);  // libav's copy has the padding that it reads beyond the end
  packet->pts = base::to_microseconds(seen);
  const bool taken = avcodec_send_packet(context, packet) >= 0;
  av_packet_unref(packet);
  if (alone) avcodec_send_packet(context, nullptr);
  std::optional<base::Duration> age;
  while (taken && avcodec_receive_frame(context, parts_->frame.get()) >= 0) {
    const AVFrame& frame = *parts_->frame;
    const auto clock =
        read_burnt_text({frame.data[0], frame.linesize[0], frame.width, frame.height}, static_cast<int>(kShape.size()));
    if (clock) age = age_of(*clock, base::from_microseconds(frame.pts));
    av_frame_unref(parts_->frame.get());
  }
  if (alone) avcodec_flush_buffers(context);
  return age;
}

}  // namespace client

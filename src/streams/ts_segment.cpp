// SPDX-License-Identifier: Apache-2.0
#include "streams/ts_segment.hpp"

extern "C" {
#include <libavformat/avformat.h>
}

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "codecs/libav.hpp"

namespace streams {
namespace {

using base::Errc;
using base::Result;

constexpr AVRational kTsBase{1, 90'000};
// From a picture's clock reference to its decoding: what decoders may buffer.
constexpr int kDecoderDelayUs = 100'000;

base::Error failure(std::string_view what, int status) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(status, text, sizeof text);
  return {Errc::Internal, fmt::format("MPEG-TS: {}: {}", what, text)};
}

// Owns the muxer and the memory that it writes to.
class Muxer {
 public:
  ~Muxer() {
    if (context_ == nullptr) return;
    if (context_->pb != nullptr) {
      std::uint8_t* bytes = nullptr;
      avio_close_dyn_buf(context_->pb, &bytes);
      av_free(bytes);
    }
    avformat_free_context(context_);
  }

  Result<void> open(std::span<const TrackSamples> tracks);
  Result<void> write(const TrackSamples& list, int stream);
  Result<std::string> finish();

 private:
  Result<void> add_stream(const container::Track& track);

  AVFormatContext* context_ = nullptr;
  codecs::libav::Packet packet_{av_packet_alloc()};
};

Result<void> Muxer::add_stream(const container::Track& track) {
  AVStream* stream = avformat_new_stream(context_, nullptr);
  if (stream == nullptr) return base::fail(Errc::Internal, "MPEG-TS: out of memory");
  AVCodecParameters& parameters = *stream->codecpar;
  parameters.codec_type = track.is_video() ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
  parameters.codec_id = AV_CODEC_ID_AAC;
  if (track.codec_id == container::kCodecAvc) parameters.codec_id = AV_CODEC_ID_H264;
  if (track.codec_id == container::kCodecHevc) parameters.codec_id = AV_CODEC_ID_HEVC;
  const std::size_t size = track.codec_private.size();
  parameters.extradata = static_cast<std::uint8_t*>(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE));
  if (parameters.extradata == nullptr) return base::fail(Errc::Internal, "MPEG-TS: out of memory");
  std::memcpy(parameters.extradata, track.codec_private.data(), size);
  parameters.extradata_size = static_cast<int>(size);
  if (track.is_audio()) {
    parameters.sample_rate = static_cast<int>(track.sample_rate);
    av_channel_layout_default(&parameters.ch_layout, static_cast<int>(std::max(1U, track.channels)));
  }
  stream->time_base = kTsBase;
  return {};
}

Result<void> Muxer::open(std::span<const TrackSamples> tracks) {
  av_log_set_level(AV_LOG_ERROR);
  avformat_alloc_output_context2(&context_, nullptr, "mpegts", nullptr);
  if (context_ == nullptr) return base::fail(Errc::Internal, "MPEG-TS: this FFmpeg cannot write it");
  context_->flags |= AVFMT_FLAG_BITEXACT;
  context_->max_delay = kDecoderDelayUs;
  for (const TrackSamples& list : tracks) {
    TRY_VOID(add_stream(list.track));
  }
  if (const int status = avio_open_dyn_buf(&context_->pb); status < 0) return base::fail(failure("memory", status));
  AVDictionary* options = nullptr;
  av_dict_set(&options, "mpegts_copyts", "1", 0);
  av_dict_set(&options, "mpegts_flags", "initial_discontinuity", 0);
  const int status = avformat_write_header(context_, &options);
  av_dict_free(&options);
  if (status < 0) return base::fail(failure("header", status));
  return {};
}

struct FrameTimes {
  std::vector<std::int64_t> shown, decoded;
};
// A transport stream may begin to decode before the time of its first picture: the presentation times in order, so much
// earlier that no frame is shown before it is decoded.
FrameTimes find_times(const TrackSamples& list) {
  FrameTimes times;
  auto at = static_cast<std::int64_t>(list.decode_time);
  for (const container::Mp4Sample& sample : list.samples) {
    times.shown.push_back(at + sample.composition_offset);
    at += sample.duration;
  }
  times.decoded = times.shown;
  std::ranges::sort(times.decoded);
  std::int64_t delay = 0;
  for (std::size_t i = 0; i < times.shown.size(); ++i) delay = std::max(delay, times.decoded[i] - times.shown[i]);
  for (std::int64_t& time : times.decoded) time -= delay;
  return times;
}

Result<void> Muxer::write(const TrackSamples& list, int stream) {
  const AVRational base{1, static_cast<int>(list.timescale)};
  const FrameTimes times = find_times(list);
  for (std::size_t i = 0; i < list.samples.size(); ++i) {
    const container::Mp4Sample& sample = list.samples[i];
    av_packet_unref(packet_.get());
    if (av_new_packet(packet_.get(), static_cast<int>(sample.payload.size())) < 0) {
      return base::fail(Errc::Internal, "MPEG-TS: out of memory");
    }
    std::memcpy(packet_->data, sample.payload.data(), sample.payload.size());
    packet_->stream_index = stream;
    packet_->dts = av_rescale_q(times.decoded[i], base, kTsBase);
    packet_->pts = av_rescale_q(times.shown[i], base, kTsBase);
    packet_->duration = av_rescale_q(sample.duration, base, kTsBase);
    if (sample.key_frame) packet_->flags |= AV_PKT_FLAG_KEY;
    if (const int status = av_interleaved_write_frame(context_, packet_.get()); status < 0) {
      return base::fail(failure("a frame", status));
    }
  }
  return {};
}

Result<std::string> Muxer::finish() {
  if (const int status = av_write_trailer(context_); status < 0) return base::fail(failure("trailer", status));
  std::uint8_t* bytes = nullptr;
  const int size = avio_close_dyn_buf(context_->pb, &bytes);
  context_->pb = nullptr;
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  av_free(bytes);
  return text;
}

}  // namespace

Result<std::string> write_ts_segment(std::span<const TrackSamples> tracks) {
  Muxer muxer;
  TRY_VOID(muxer.open(tracks));
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    TRY_VOID(muxer.write(tracks[i], static_cast<int>(i)));
  }
  return muxer.finish();
}

}  // namespace streams

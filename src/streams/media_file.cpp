// SPDX-License-Identifier: Apache-2.0
#include "streams/media_file.hpp"

extern "C" {
#include <libavformat/avformat.h>
}

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "codecs/libav.hpp"
#include "container/matroska_parser.hpp"
#include "streams/audio_renderer.hpp"
#include "streams/media_file_times.hpp"
#include "streams/playback.hpp"

namespace streams {
namespace {

using base::Errc;
using base::Result;
using container::Block;
using container::Track;

constexpr AVRational kVideoBase{1, 90'000};
constexpr AVRational kMicroseconds{1, 1'000'000};

std::string to_text(int status) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(status, text, sizeof text);
  return text;
}

bool is_same_track(const Track& a, const Track& b) {
  return a.is_video() == b.is_video() && a.codec_id == b.codec_id && a.name == b.name;
}

std::optional<AVCodecID> codec_of(const Track& track, MediaFileKind kind) {
  if (track.codec_id == container::kCodecAvc) return AV_CODEC_ID_H264;
  if (track.codec_id == container::kCodecHevc) return AV_CODEC_ID_HEVC;
  if (track.codec_id == container::kCodecAac) return AV_CODEC_ID_AAC;
  if (track.codec_id == container::kCodecOpus && kind == MediaFileKind::Matroska) return AV_CODEC_ID_OPUS;
  return std::nullopt;
}

// By the document's own times. A producer's may count from its own start, and clusters have whole milliseconds: the
// fragment's start says where the document lies.
base::WallTime start_of(const container::MatroskaDocument& document) {
  return document.has_exact_times ? document.start : base::from_microseconds(document.cluster_ns / 1000);
}

// A producer's cluster may begin with sound: its length is that of its pictures.
std::optional<base::WallTime> find_first_picture(const container::MatroskaDocument& document) {
  const Track* video = document.find_video();
  std::optional<base::WallTime> first;
  for (const Block& block : document.blocks) {
    if (video != nullptr && block.track == video->number) first = std::min(first.value_or(block.time), block.time);
  }
  return first;
}

struct FreeFormat {
  void operator()(AVFormatContext* context) const {
    if (context->pb != nullptr) avio_closep(&context->pb);
    avformat_free_context(context);
  }
};

class LibavFile final : public MediaFileWriter {
 public:
  LibavFile(std::string path, MediaFileKind kind, std::vector<Track> tracks)
      : path_(std::move(path)), partial_(path_ + ".partial"), kind_(kind), packet_(av_packet_alloc()) {
    for (Track& track : tracks) tracks_.emplace_back(std::move(track));
  }
  ~LibavFile() override {
    context_.reset();
    if (made_) std::remove(partial_.c_str());
  }

  Result<void> open();
  Result<void> add(base::WallTime start, base::WallTime end, base::ByteView document) override;
  Result<void> add_closing_sound(base::WallTime start, base::ByteView document) override;
  Result<MediaFileReport> finish() override;

 private:
  Result<void> add_stream(FileTrack& track);
  FileTrack* find(const Track& track);
  Result<void> write(FileTrack& track, const TimedFrame& frame);
  base::Error failure(int status) const { return {Errc::Io, fmt::format("writing {}: {}", partial_, to_text(status))}; }

  const std::string path_;
  const std::string partial_;
  const MediaFileKind kind_;
  std::vector<FileTrack> tracks_;  // in the order of the file's streams
  std::unique_ptr<AVFormatContext, FreeFormat> context_;
  codecs::libav::Packet packet_;
  bool made_ = false;
  FileClock clock_;
  MediaFileReport report_;
};

Result<void> LibavFile::add_stream(FileTrack& track) {
  const Track& from = track.track();
  const auto codec = codec_of(from, kind_);
  if (!codec) {
    return base::fail(
        Errc::Unsupported,
        fmt::format("{} cannot hold {}", kind_ == MediaFileKind::Matroska ? "this file" : "MP4", from.codec_id));
  }
  AVStream* stream = avformat_new_stream(context_.get(), nullptr);
  if (stream == nullptr) return base::fail(Errc::Internal, "out of memory");
  AVCodecParameters& parameters = *stream->codecpar;
  parameters.codec_id = *codec;
  if (kind_ == MediaFileKind::Mp4InBand && *codec == AV_CODEC_ID_H264) {
    parameters.codec_tag = MKTAG('a', 'v', 'c', '3');
  }
  if (kind_ == MediaFileKind::Mp4InBand && *codec == AV_CODEC_ID_HEVC) {
    parameters.codec_tag = MKTAG('h', 'e', 'v', '1');
  }
  parameters.codec_type = from.is_video() ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
  const std::size_t size = from.codec_private.size();
  parameters.extradata = static_cast<std::uint8_t*>(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE));
  std::memcpy(parameters.extradata, from.codec_private.data(), size);
  parameters.extradata_size = static_cast<int>(size);
  if (from.is_video()) {
    parameters.width = static_cast<int>(from.width);
    parameters.height = static_cast<int>(from.height);
    stream->time_base = kVideoBase;
  } else {
    parameters.sample_rate = static_cast<int>(from.sample_rate);
    av_channel_layout_default(&parameters.ch_layout, static_cast<int>(std::max(1U, from.channels)));
    parameters.frame_size = *codec == AV_CODEC_ID_AAC ? static_cast<int>(kAacFrameSamples) : 0;
    stream->time_base = {1, parameters.sample_rate};
    if (*codec == AV_CODEC_ID_OPUS && size >= 12) {  // RFC 7845 5.1: pre-skip; 4.6: 80 ms
      parameters.initial_padding = from.codec_private[10] | from.codec_private[11] << 8;
      parameters.seek_preroll = 3840;
    }
  }
  if (!from.name.empty()) av_dict_set(&stream->metadata, "title", from.name.c_str(), 0);
  return {};
}

Result<void> LibavFile::open() {
  AVFormatContext* made = nullptr;
  avformat_alloc_output_context2(&made, nullptr, kind_ == MediaFileKind::Matroska ? "matroska" : "mp4",
                                 partial_.c_str());
  if (made == nullptr) return base::fail(Errc::Internal, "this FFmpeg cannot write the file's kind");
  context_.reset(made);
  context_->flags |= AVFMT_FLAG_BITEXACT;
  for (FileTrack& track : tracks_) {
    TRY_VOID(add_stream(track));
  }
  if (const int status = avio_open(&context_->pb, partial_.c_str(), AVIO_FLAG_WRITE); status < 0) {
    return base::fail(failure(status));
  }
  made_ = true;
  AVDictionary* options = nullptr;
  if (kind_ != MediaFileKind::Matroska) av_dict_set(&options, "movflags", "+faststart", 0);
  const int status = avformat_write_header(context_.get(), &options);
  av_dict_free(&options);
  if (status < 0) return base::fail(failure(status));
  return {};
}

FileTrack* LibavFile::find(const Track& track) {
  const auto found =
      std::ranges::find_if(tracks_, [&](const FileTrack& known) { return is_same_track(known.track(), track); });
  return found == tracks_.end() ? nullptr : &*found;
}

Result<void> LibavFile::add(base::WallTime start, base::WallTime end, base::ByteView bytes) {
  TRY(const container::MatroskaDocument document, container::parse_matroska(bytes));
  if (document.blocks.empty()) return {};
  const base::WallTime zero = start_of(document);
  const base::WallTime first_picture = find_first_picture(document).value_or(zero) + (start - zero);
  if (const auto cut = clock_.begin(first_picture, first_picture + (end - start))) report_.cuts.push_back(*cut);
  for (const Track& track : document.tracks) {
    std::vector<const Block*> blocks;
    for (const Block& block : document.blocks) {
      if (block.track == track.number) blocks.push_back(&block);
    }
    if (blocks.empty()) continue;
    FileTrack* to = find(track);
    if (to == nullptr) {
      return base::fail(
          Errc::Unsupported,
          fmt::format("at {} there is a track {} \"{}\" that the file does not have: export that part by itself",
                      base::to_iso8601(start), track.codec_id, track.name));
    }
    for (const TimedFrame& frame : to->place(blocks, track, clock_, start - zero)) {
      TRY_VOID(write(*to, frame));
    }
  }
  report_.duration = clock_.end();
  return {};
}

Result<void> LibavFile::add_closing_sound(base::WallTime start, base::ByteView bytes) {
  TRY(const container::MatroskaDocument document, container::parse_matroska(bytes));
  const auto shift = start - start_of(document);
  for (const Track& track : document.tracks) {
    FileTrack* to = track.codec_id == container::kCodecAac ? find(track) : nullptr;
    if (to == nullptr) continue;
    std::vector<const Block*> blocks;
    for (const Block& block : document.blocks) {
      if (block.track == track.number && clock_.at(block.time + shift) < clock_.end()) blocks.push_back(&block);
    }
    for (const TimedFrame& frame : to->place(blocks, track, clock_, shift)) {
      TRY_VOID(write(*to, frame));
    }
  }
  return {};
}

Result<void> LibavFile::write(FileTrack& track, const TimedFrame& frame) {
  const AVStream& stream = *context_->streams[&track - tracks_.data()];
  av_packet_unref(packet_.get());
  base::Bytes joined;
  base::ByteView payload = frame.payload;
  if (!frame.parameter_sets.empty()) {
    joined = frame.parameter_sets;
    base::append(joined, payload);
    payload = joined;
  }
  if (av_new_packet(packet_.get(), static_cast<int>(payload.size())) < 0)
    return base::fail(Errc::Internal, "out of memory");
  std::memcpy(packet_->data, payload.data(), payload.size());
  packet_->stream_index = stream.index;
  packet_->pts = av_rescale_q(frame.shown.count(), kMicroseconds, stream.time_base);
  packet_->dts = av_rescale_q(frame.decoded.count(), kMicroseconds, stream.time_base);
  packet_->duration = av_rescale_q(frame.duration.count(), kMicroseconds, stream.time_base);
  if (frame.key_frame) packet_->flags |= AV_PKT_FLAG_KEY;
  if (const int status = av_interleaved_write_frame(context_.get(), packet_.get()); status < 0) {
    return base::fail(failure(status));
  }
  ++(track.track().is_video() ? report_.video_frames : report_.audio_frames);
  if (context_->pb->error < 0) return base::fail(failure(context_->pb->error));
  return {};
}

Result<MediaFileReport> LibavFile::finish() {
  if (const int status = av_write_trailer(context_.get()); status < 0) return base::fail(failure(status));
  if (const int status = avio_closep(&context_->pb); status < 0) return base::fail(failure(status));
  if (std::rename(partial_.c_str(), path_.c_str()) != 0) {
    return base::fail(Errc::Io, fmt::format("{} cannot be renamed to {}: {}", partial_, path_, std::strerror(errno)));
  }
  made_ = false;
  return report_;
}

}  // namespace

Result<std::unique_ptr<MediaFileWriter>> create_media_file(const std::string& path, MediaFileKind kind,
                                                           std::vector<Track> tracks) {
  av_log_set_level(AV_LOG_ERROR);
  auto file = std::make_unique<LibavFile>(path, kind, std::move(tracks));
  TRY_VOID(file->open());
  return file;
}

Result<void> collect_tracks(base::ByteView bytes, std::vector<Track>& tracks) {
  TRY(const container::MatroskaDocument document, container::parse_matroska(bytes));
  for (const Track& track : document.tracks) {
    if (std::ranges::none_of(tracks, [&](const Track& known) { return is_same_track(known, track); })) {
      tracks.push_back(track);
    }
  }
  return {};
}

Track make_rendered_track() {
  return container::make_aac_track(static_cast<std::uint32_t>(PlaybackTrack::Audio), rendered_audio_config(), 48'000,
                                   2);
}

}  // namespace streams

// SPDX-License-Identifier: Apache-2.0
#include "streams/images/image_decoder.hpp"

extern "C" {
#include <libavutil/mem.h>
}

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace streams {
namespace {

using base::Errc;
using base::Result;
using container::Block;
using container::Track;
namespace libav = codecs::libav;

constexpr std::int64_t kMostPixels = 7680LL * 4320;

struct CodedPicture {
  base::WallTime shown;
  base::ByteView payload;
};

// The pictures of a run in the order of decoding. A new codec private data begins anew: only what follows counts.
struct CodedPictures {
  const Track* track = nullptr;
  std::vector<CodedPicture> pictures;
};

CodedPictures collect(std::span<const OpenedFragment> run) {
  CodedPictures found;
  for (const OpenedFragment& opened : run) {
    const Track* video = opened.document.find_video();
    if (video == nullptr) continue;
    if (found.track == nullptr || found.track->codec_private != video->codec_private) found = {video, {}};
    for (const Block& block : opened.document.blocks) {
      if (block.track == video->number) found.pictures.push_back({block.time, block.payload});
    }
  }
  return found;
}

// Of the picture that is shown at `time`.
std::size_t find_shown(const std::vector<CodedPicture>& pictures, base::WallTime time) {
  std::optional<std::size_t> best;
  std::size_t first = 0;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (pictures[i].shown < pictures[first].shown) first = i;
    if (pictures[i].shown > time) continue;
    if (!best || pictures[i].shown >= pictures[*best].shown) best = i;
  }
  return best.value_or(first);
}

class Decoder {
 public:
  Result<void> open(const Track& track) {
    const AVCodecID id = track.codec_id == container::kCodecAvc    ? AV_CODEC_ID_H264
                         : track.codec_id == container::kCodecHevc ? AV_CODEC_ID_HEVC
                                                                   : AV_CODEC_ID_NONE;
    const AVCodec* codec = avcodec_find_decoder(id);
    if (codec == nullptr) return base::fail(Errc::Unsupported, fmt::format("no images of {}", track.codec_id));
    context_.reset(avcodec_alloc_context3(codec));
    packet_.reset(av_packet_alloc());
    frame_.reset(av_frame_alloc());
    if (!context_ || !packet_ || !frame_) return base::fail(Errc::Internal, "image: out of memory");
    context_->thread_count = 1;
    context_->max_pixels = kMostPixels;
    context_->extradata = static_cast<std::uint8_t*>(
        av_mallocz(track.codec_private.size() + static_cast<std::size_t>(AV_INPUT_BUFFER_PADDING_SIZE)));
    if (context_->extradata == nullptr) return base::fail(Errc::Internal, "image: out of memory");
    std::memcpy(context_->extradata, track.codec_private.data(), track.codec_private.size());
    context_->extradata_size = static_cast<int>(track.codec_private.size());
    if (avcodec_open2(context_.get(), codec, nullptr) < 0) {
      return base::fail(Errc::Corrupt, "the codec private data opens no decoder");
    }
    return {};
  }

  // Damage is concealed or skipped: what comes out decides. Empty payload: the end.
  Result<void> send(base::ByteView payload, std::size_t index) {
    if (payload.empty()) {
      (void)avcodec_send_packet(context_.get(), nullptr);
      return {};
    }
    if (payload.size() > INT_MAX - AV_INPUT_BUFFER_PADDING_SIZE ||
        av_new_packet(packet_.get(), static_cast<int>(payload.size())) < 0)
      return base::fail(Errc::Internal, "image: out of memory");
    std::memcpy(packet_->data, payload.data(), payload.size());
    packet_->pts = static_cast<std::int64_t>(index);
    (void)avcodec_send_packet(context_.get(), packet_.get());
    av_packet_unref(packet_.get());
    return {};
  }

  // The next picture and its index; null when more must be sent first. Until the next call.
  const AVFrame* receive(std::size_t& index) {
    if (avcodec_receive_frame(context_.get(), frame_.get()) < 0) return nullptr;
    index = static_cast<std::size_t>(frame_->pts);
    return frame_.get();
  }

 private:
  libav::Context context_;
  libav::Packet packet_;
  libav::Frame frame_;
};

using Images = std::vector<Result<base::Bytes>>;

// Pictures come in the order in which they are shown, and so do the times.
class Collector {
 public:
  Collector(std::vector<std::size_t> wanted, const ImageOptions& options)
      : wanted_(std::move(wanted)), options_(options) {}

  bool is_complete() const {
    return std::ranges::all_of(wanted_, [](std::size_t each) { return each == kTaken; });
  }

  void take(Decoder& decoder, Images& images) {
    std::size_t index = 0;
    while (const AVFrame* picture = decoder.receive(index)) {
      std::optional<Result<base::Bytes>> image;  // one for all times that show the same picture
      for (std::size_t i = 0; i < wanted_.size(); ++i) {
        if (wanted_[i] != index) continue;
        wanted_[i] = kTaken;
        if (!image) image = write_image(*picture, options_);
        images[i] = *image;
      }
    }
  }

 private:
  static constexpr std::size_t kTaken = SIZE_MAX;
  std::vector<std::size_t> wanted_;  // index of the picture for each time
  const ImageOptions& options_;
};

}  // namespace

Images render_images(std::span<const OpenedFragment> run, std::span<const base::WallTime> times,
                     const ImageOptions& options) {
  Images images(times.size(), base::fail(Errc::Corrupt, "the decoder gave no picture"));
  const CodedPictures coded = collect(run);
  if (coded.pictures.empty()) return images;
  Decoder decoder;
  if (const auto opened = decoder.open(*coded.track); !opened) {
    std::ranges::fill(images, Result<base::Bytes>(base::fail(opened.error())));
    return images;
  }
  std::vector<std::size_t> wanted;
  for (const base::WallTime time : times) wanted.push_back(find_shown(coded.pictures, time));
  Collector collector(std::move(wanted), options);
  for (std::size_t i = 0; i < coded.pictures.size() && !collector.is_complete(); ++i) {
    if (!decoder.send(coded.pictures[i].payload, i)) return images;
    collector.take(decoder, images);
  }
  if (!collector.is_complete() && decoder.send({}, 0)) collector.take(decoder, images);
  return images;
}

}  // namespace streams

// SPDX-License-Identifier: Apache-2.0
#include "container/matroska_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "container/ebml.hpp"

namespace container {
namespace {

using ebml::Writer;

constexpr std::uint64_t kMillisecondScale = 1'000'000;
constexpr std::uint64_t kOpusSeekPreRoll = 80'000'000;  // RFC 7845 4.6: 80 ms
constexpr std::uint64_t kOpusRate = 48'000;
constexpr std::uint8_t kTimesVersion = 1;
constexpr std::size_t kMostBlockHeader = 13;  // id, size, track, time, flags
constexpr std::size_t kMostHead = 4096;       // before the blocks, with usual tracks and without the times

std::int64_t opus_pre_skip(base::ByteView opus_head) {
  return opus_head.size() >= 12 ? opus_head[10] | (opus_head[11] << 8) : 0;
}

void write_ebml_header(Writer& writer) {
  const std::size_t header = writer.open(ebml::kEbml);
  writer.unsigned_integer(ebml::kEbmlVersion, 1);
  writer.unsigned_integer(ebml::kEbmlReadVersion, 1);
  writer.unsigned_integer(ebml::kEbmlMaxIdLength, 4);
  writer.unsigned_integer(ebml::kEbmlMaxSizeLength, 8);
  writer.text(ebml::kDocType, "matroska");
  writer.unsigned_integer(ebml::kDocTypeVersion, 4);
  writer.unsigned_integer(ebml::kDocTypeReadVersion, 2);
  writer.close(header);
}

void write_info(Writer& writer, double duration_ms) {
  const std::size_t info = writer.open(ebml::kInfo);
  writer.unsigned_integer(ebml::kTimestampScale, kMillisecondScale);
  if (duration_ms > 0) writer.float64(ebml::kDuration, duration_ms);
  writer.text(ebml::kTitle, "Tidegate");
  writer.text(ebml::kMuxingApp, "Tidegate");
  writer.text(ebml::kWritingApp, "Tidegate");
  writer.close(info);
}

void write_track(Writer& writer, const Track& track) {
  const std::size_t entry = writer.open(ebml::kTrackEntry);
  writer.unsigned_integer(ebml::kTrackNumber, track.number);
  writer.unsigned_integer(ebml::kTrackUid, track.number);
  writer.unsigned_integer(ebml::kTrackType, track.is_video() ? 1 : 2);
  writer.unsigned_integer(ebml::kFlagLacing, 0);
  writer.text(ebml::kLanguage, "und");
  if (!track.name.empty()) writer.text(ebml::kName, track.name);
  writer.text(ebml::kCodecId, track.codec_id);
  if (!track.codec_private.empty()) writer.binary(ebml::kCodecPrivate, track.codec_private);
  if (track.codec_id == kCodecOpus) {
    const std::int64_t pre_skip = opus_pre_skip(track.codec_private);
    writer.unsigned_integer(ebml::kCodecDelay, static_cast<std::uint64_t>(pre_skip) * 1'000'000'000 / kOpusRate);
    writer.unsigned_integer(ebml::kSeekPreRoll, kOpusSeekPreRoll);
  }
  if (track.is_video()) {
    const std::size_t video = writer.open(ebml::kVideo);
    writer.unsigned_integer(ebml::kPixelWidth, track.width);
    writer.unsigned_integer(ebml::kPixelHeight, track.height);
    writer.close(video);
  } else {
    const std::size_t audio = writer.open(ebml::kAudio);
    writer.float64(ebml::kSamplingFrequency, static_cast<double>(track.sample_rate));
    writer.unsigned_integer(ebml::kChannels, track.channels);
    writer.close(audio);
  }
  writer.close(entry);
}

void write_tracks(Writer& writer, std::span<const Track> tracks) {
  const std::size_t element = writer.open(ebml::kTracks);
  for (const Track& track : tracks) write_track(writer, track);
  writer.close(element);
}

void write_text_tag(Writer& writer, std::string_view name, std::string_view value) {
  const std::size_t tag = writer.open(ebml::kSimpleTag);
  writer.text(ebml::kTagName, name);
  writer.text(ebml::kTagString, value);
  writer.close(tag);
}

// SimpleBlock (RFC 9559 10.1): track number, signed relative time, flags, payload.
void append_simple_block(base::Bytes& out, std::uint32_t track, std::int64_t relative_ms, bool key_frame,
                         base::ByteView payload) {
  const std::size_t size = payload.size() + 4;
  const std::size_t size_length = ebml::length_of_size(size);
  std::array<std::uint8_t, kMostBlockHeader> header{};
  std::size_t at = 0;
  header[at++] = ebml::kSimpleBlock;
  const std::uint64_t marked = size | (std::uint64_t{1} << (7 * size_length));
  for (std::size_t left = size_length; left-- > 0;) header[at++] = static_cast<std::uint8_t>(marked >> (8 * left));
  header[at++] = static_cast<std::uint8_t>(track | 0x80);
  header[at++] = static_cast<std::uint8_t>(relative_ms >> 8);
  header[at++] = static_cast<std::uint8_t>(relative_ms);
  header[at++] = key_frame ? 0x80 : 0;
  base::append(out, base::ByteView(header).first(at));
  base::append(out, payload);
}

bool fits_block(std::int64_t relative_ms) {
  return relative_ms >= std::numeric_limits<std::int16_t>::min() &&
         relative_ms <= std::numeric_limits<std::int16_t>::max();
}

std::string to_seconds(base::WallTime time) {
  const std::int64_t ms = std::max<std::int64_t>(0, base::to_milliseconds(time));
  return fmt::format("{}.{:03}", ms / 1000, ms % 1000);
}

// A whole Tags element with one Tag.
base::Bytes write_tags_element(std::span<const Tag> tags) {
  base::Bytes out;
  Writer writer(out);
  const std::size_t element = writer.open(ebml::kTags);
  const std::size_t tag = writer.open(ebml::kTag);
  for (const Tag& each : tags) write_text_tag(writer, each.name, each.value);
  writer.close(tag);
  writer.close(element);
  return out;
}

}  // namespace

Track make_avc_track(std::uint32_t number, base::ByteView avcc, std::uint32_t width, std::uint32_t height) {
  Track track;
  track.number = number;
  track.codec_id = kCodecAvc;
  track.codec_private.assign(avcc.begin(), avcc.end());
  track.width = width;
  track.height = height;
  return track;
}

Track make_opus_track(std::uint32_t number, std::string_view client_id, base::ByteView opus_head) {
  // RFC 7845 5.1: version 1, two channels, pre-skip 312, input rate 48000, no gain, mapping family 0.
  static constexpr std::uint8_t kHead[] = {'O',  'p',  'u',  's',  'H', 'e', 'a', 'd', 1, 2,
                                           0x38, 0x01, 0x80, 0xBB, 0,   0,   0,   0,   0};
  if (opus_head.empty()) opus_head = kHead;
  Track track;
  track.number = number;
  track.codec_id = kCodecOpus;
  track.name = client_id;
  track.codec_private.assign(opus_head.begin(), opus_head.end());
  track.sample_rate = kOpusRate;
  track.channels = opus_head.size() > 9 ? opus_head[9] : 2;
  return track;
}

Track make_aac_track(std::uint32_t number, base::ByteView config, std::uint32_t sample_rate, std::uint32_t channels) {
  Track track;
  track.number = number;
  track.codec_id = kCodecAac;
  track.codec_private.assign(config.begin(), config.end());
  track.sample_rate = sample_rate;
  track.channels = channels;
  return track;
}

MatroskaFragmentWriter::MatroskaFragmentWriter(base::WallTime start) : start_(start) {
  for (FrameTiming& last : last_) last.time = start;
}

base::Result<void> MatroskaFragmentWriter::add(const FrameTiming& timing, base::ByteView payload) {
  if (timing.track < 1 || timing.track > 126) {
    return base::fail(base::Errc::InvalidArgument, fmt::format("track number {} is not in 1..126", timing.track));
  }
  const std::int64_t relative_ms = base::to_milliseconds(timing.time) - base::to_milliseconds(start_);
  if (!fits_block(relative_ms)) {
    return base::fail(base::Errc::InvalidArgument,
                      fmt::format("frame lies {} ms from the start of its fragment; at most 32767 fit", relative_ms));
  }
  blocks_.push_back({timing.track, timing.key_frame, static_cast<std::int16_t>(relative_ms), payload});
  FrameTiming& last = last_[timing.track];
  ebml::append_signed_varint(timings_, (timing.time - last.time).count());
  ebml::append_signed_varint(timings_, timing.rtp_timestamp - last.rtp_timestamp);
  last = timing;
  return {};
}

void MatroskaFragmentWriter::reserve(std::size_t frames) {
  blocks_.reserve(frames);
  timings_.reserve(frames * 6);  // what two changes between frames of a steady rate take
}

std::size_t MatroskaFragmentWriter::size_of_blocks() const {
  std::size_t size = 0;
  for (const Block& block : blocks_) size += kMostBlockHeader + block.payload.size();
  return size;
}

base::Bytes MatroskaFragmentWriter::finish(std::span<const Track> tracks, base::WallTime end,
                                           std::span<const Tag> tags) {
  base::Bytes out;
  out.reserve(size_of_blocks() + timings_.size() + kMostHead);
  Writer writer(out);
  write_ebml_header(writer);
  const std::size_t segment = writer.open(ebml::kSegment);
  write_info(writer, static_cast<double>((end - start_).count()) / 1000.0);
  write_tracks(writer, tracks);

  const std::size_t tags_element = writer.open(ebml::kTags);
  const std::size_t tag = writer.open(ebml::kTag);
  for (const Tag& each : tags) write_text_tag(writer, each.name, each.value);
  const std::size_t times = writer.open(ebml::kSimpleTag);
  writer.text(ebml::kTagName, "TIDEGATE_TIMES");
  base::Bytes binary;
  base::ByteWriter fields(binary);
  fields.u8(kTimesVersion);
  fields.u64(static_cast<std::uint64_t>(base::to_microseconds(start_)));
  fields.u64(static_cast<std::uint64_t>(base::to_microseconds(end)));
  fields.bytes(timings_);
  writer.binary(ebml::kTagBinary, binary);
  writer.close(times);
  writer.close(tag);
  writer.close(tags_element);

  const std::size_t cluster = writer.open(ebml::kCluster);
  writer.unsigned_integer(ebml::kTimestamp,
                          static_cast<std::uint64_t>(std::max<std::int64_t>(0, base::to_milliseconds(start_))));
  for (const Block& block : blocks_) {
    append_simple_block(out, block.track, block.relative_ms, block.key_frame, block.payload);
  }
  writer.close(cluster);
  writer.close(segment);
  *this = MatroskaFragmentWriter(start_);
  return out;
}

base::Bytes write_fragment_tags(const FragmentTags& tags, bool side_names) {
  std::vector<Tag> all = {{"AWS_KINESISVIDEO_FRAGMENT_NUMBER", std::string(tags.fragment_number)},
                          {"AWS_KINESISVIDEO_SERVER_TIMESTAMP", to_seconds(tags.server_time)},
                          {"AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", to_seconds(tags.producer_time)}};
  if (side_names) {
    all.push_back({"AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP", to_seconds(tags.server_time)});
    all.push_back({"AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP", to_seconds(tags.producer_time)});
  }
  return write_tags_element(all);
}

base::Bytes write_continuation_tags(std::string_view fragment_number, std::int64_t millis_behind_now) {
  const Tag tags[] = {
      {"AWS_KINESISVIDEO_MILLIS_BEHIND_NOW", fmt::format("{}", std::max<std::int64_t>(0, millis_behind_now))},
      {"AWS_KINESISVIDEO_CONTINUATION_TOKEN", std::string(fragment_number)}};
  return write_tags_element(tags);
}

base::Bytes write_error_tags(int error_id, std::string_view error_code) {
  const Tag tags[] = {{"AWS_KINESISVIDEO_ERROR_CODE", std::string(error_code)},
                      {"AWS_KINESISVIDEO_ERROR_ID", fmt::format("{}", error_id)}};
  return write_tags_element(tags);
}

base::Bytes write_exception_tags(std::string_view fragment_number, int error_code, std::string_view message) {
  const Tag tags[] = {{"AWS_KINESISVIDEO_FRAGMENT_NUMBER", std::string(fragment_number)},
                      {"AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE", fmt::format("{}", error_code)},
                      {"AWS_KINESISVIDEO_EXCEPTION_MESSAGE", std::string(message)}};
  return write_tags_element(tags);
}

base::Bytes write_get_media_document(std::span<const Track> tracks, base::WallTime start,
                                     std::span<const DocumentFrame> frames, base::ByteView before,
                                     base::ByteView after) {
  std::size_t payload_size = 0;
  for (const DocumentFrame& frame : frames) payload_size += frame.payload.size() + 16;
  const std::int64_t start_ms = std::max<std::int64_t>(0, base::to_milliseconds(start));

  base::Bytes out;
  out.reserve(payload_size + before.size() + after.size() + 4096);
  Writer writer(out);
  write_ebml_header(writer);
  writer.unknown_size(ebml::kSegment);
  write_info(writer, 0);
  write_tracks(writer, tracks);
  base::append(out, before);
  const std::size_t cluster = writer.open(ebml::kCluster);
  writer.unsigned_integer(ebml::kTimestamp, static_cast<std::uint64_t>(start_ms));
  for (const DocumentFrame& frame : frames) {
    const std::int64_t relative = base::to_milliseconds(frame.time) - start_ms;
    append_simple_block(out, frame.track, std::clamp<std::int64_t>(relative, -32'768, 32'767), frame.key_frame,
                        frame.payload);
  }
  writer.close(cluster);
  base::append(out, after);
  return out;
}

}  // namespace container

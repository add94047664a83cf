// SPDX-License-Identifier: Apache-2.0
#include "container/mp4.hpp"

#include <string_view>

#include "base/check.hpp"

namespace container {
namespace {

constexpr std::uint32_t kSyncSample = 0x02000000;     // sample_depends_on = 2
constexpr std::uint32_t kNonSyncSample = 0x01010000;  // sample_depends_on = 1, sample_is_non_sync_sample
constexpr std::uint64_t kUndetermined = 0x55C4;       // language "und", packed

// Boxes with a 32-bit size, nested by scope: the size is patched when the scope ends.
class Box {
 public:
  Box(base::Bytes& out, std::string_view type) : writer_(out), start_(out.size()) {
    writer_.u32(0);
    writer_.text(type);
  }
  Box(base::Bytes& out, std::string_view type, std::uint8_t version, std::uint32_t flags) : Box(out, type) {
    writer_.u8(version);
    writer_.u24(flags);
  }
  ~Box() { writer_.patch(start_, writer_.size() - start_, 4); }
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  base::ByteWriter* operator->() { return &writer_; }

 private:
  base::ByteWriter writer_;
  std::size_t start_;
};

void write_matrix(base::ByteWriter& writer) {
  for (const std::uint64_t value : {0x10000U, 0U, 0U, 0U, 0x10000U, 0U, 0U, 0U, 0x40000000U}) writer.u32(value);
}

void write_mvhd(base::Bytes& out, std::uint32_t timescale) {
  Box mvhd(out, "mvhd", 0, 0);
  mvhd->zeros(8);  // creation and modification time
  mvhd->u32(timescale);
  mvhd->u32(0);        // duration: in the fragments
  mvhd->u32(0x10000);  // rate 1.0
  mvhd->u16(0x0100);   // volume 1.0
  mvhd->zeros(10);
  base::ByteWriter writer(out);
  write_matrix(writer);
  mvhd->zeros(24);
  mvhd->u32(0xFFFFFFFF);  // next track
}

void write_tkhd(base::Bytes& out, const Track& track) {
  Box tkhd(out, "tkhd", 0, 0x000007);  // enabled, in movie, in preview
  tkhd->zeros(8);
  tkhd->u32(track.number);
  tkhd->zeros(4 + 4 + 8);
  tkhd->u16(0);                             // layer
  tkhd->u16(track.is_audio() ? 1 : 0);      // alternate group
  tkhd->u16(track.is_audio() ? 0x100 : 0);  // volume
  tkhd->u16(0);
  base::ByteWriter writer(out);
  write_matrix(writer);
  tkhd->u32(std::uint64_t{track.width} << 16);
  tkhd->u32(std::uint64_t{track.height} << 16);
}

// avc1 with avcC, or hvc1 with hvcC: parameter sets are in the record only.
void write_visual_entry(base::Bytes& out, const Track& track) {
  const bool is_hevc = track.codec_id == kCodecHevc;
  Box entry(out, is_hevc ? "hvc1" : "avc1");
  entry->zeros(6);
  entry->u16(1);  // data reference
  entry->zeros(16);
  entry->u16(track.width);
  entry->u16(track.height);
  entry->u32(0x480000);  // 72 dpi
  entry->u32(0x480000);
  entry->u32(0);
  entry->u16(1);  // one frame per sample
  entry->zeros(32);
  entry->u16(24);
  entry->u16(0xFFFF);
  Box(out, is_hevc ? "hvcC" : "avcC")->bytes(track.codec_private);
}

// ISO/IEC 14496-1 7.2.6: ES, DecoderConfig, DecoderSpecificInfo, SLConfig; all shorter than 128 bytes.
void write_esds(base::Bytes& out, const Track& track) {
  const std::size_t config = track.codec_private.size();
  CHECK(config < 64);
  Box esds(out, "esds", 0, 0);
  esds->u8(0x03);
  esds->u8(3 + 2 + 13 + 2 + config + 3);
  esds->u16(track.number);
  esds->u8(0);
  esds->u8(0x04);
  esds->u8(13 + 2 + config);
  esds->u8(0x40);  // MPEG-4 audio
  esds->u8(0x15);  // audio stream
  esds->zeros(3 + 4 + 4);
  esds->u8(0x05);
  esds->u8(config);
  esds->bytes(track.codec_private);
  esds->u8(0x06);
  esds->u8(1);
  esds->u8(2);
}

void write_mp4a(base::Bytes& out, const Track& track) {
  Box mp4a(out, "mp4a");
  mp4a->zeros(6);
  mp4a->u16(1);
  mp4a->zeros(8);
  mp4a->u16(track.channels);
  mp4a->u16(16);
  mp4a->zeros(4);
  mp4a->u32(std::uint64_t{track.sample_rate} << 16);
  write_esds(out, track);
}

void write_stbl(base::Bytes& out, const Track& track) {
  Box stbl(out, "stbl");
  {
    Box stsd(out, "stsd", 0, 0);
    stsd->u32(1);
    if (track.is_video()) {
      write_visual_entry(out, track);
    } else {
      write_mp4a(out, track);
    }
  }
  for (const std::string_view empty : {"stts", "stsc", "stco"}) Box(out, empty, 0, 0)->u32(0);
  Box(out, "stsz", 0, 0)->u64(0);
}

void write_mdia(base::Bytes& out, const Track& track, std::uint32_t timescale) {
  Box mdia(out, "mdia");
  {
    Box mdhd(out, "mdhd", 0, 0);
    mdhd->zeros(8);
    mdhd->u32(timescale);
    mdhd->u32(0);
    mdhd->u16(kUndetermined);
    mdhd->u16(0);
  }
  {
    Box hdlr(out, "hdlr", 0, 0);
    hdlr->u32(0);
    hdlr->text(track.is_video() ? "vide" : "soun");
    hdlr->zeros(12);
    hdlr->text(track.is_video() ? "video" : "audio");
    hdlr->u8(0);
  }
  Box minf(out, "minf");
  if (track.is_video()) {
    Box(out, "vmhd", 0, 1)->zeros(8);
  } else {
    Box(out, "smhd", 0, 0)->zeros(4);
  }
  {
    Box dinf(out, "dinf");
    Box dref(out, "dref", 0, 0);
    dref->u32(1);
    Box(out, "url ", 0, 1);  // the media is in this file
  }
  write_stbl(out, track);
}

void write_moov(base::Bytes& out, const Track& track, std::uint32_t timescale) {
  Box moov(out, "moov");
  write_mvhd(out, timescale);
  {
    Box trak(out, "trak");
    write_tkhd(out, track);
    write_mdia(out, track, timescale);
  }
  Box mvex(out, "mvex");
  Box trex(out, "trex", 0, 0);
  trex->u32(track.number);
  trex->u32(1);  // sample description
  trex->zeros(12);
}

}  // namespace

base::Bytes write_mp4_init(const Track& track, std::uint32_t timescale) {
  base::Bytes out;
  {
    Box ftyp(out, "ftyp");
    ftyp->text("iso5");
    ftyp->u32(512);
    ftyp->text("iso5iso6mp41");
  }
  write_moov(out, track, timescale);
  return out;
}

base::Bytes write_mp4_segment(std::uint32_t track_number, std::uint32_t sequence, std::uint64_t decode_time,
                              std::span<const Mp4Sample> samples) {
  std::size_t payload = 0;
  for (const Mp4Sample& sample : samples) payload += sample.payload.size();
  base::Bytes out;
  out.reserve(payload + samples.size() * 16 + 256);
  {
    Box styp(out, "styp");
    styp->text("msdh");
    styp->u32(0);
    styp->text("msdhmsix");
  }
  const std::size_t moof_start = out.size();
  std::size_t data_offset_at = 0;
  {
    Box moof(out, "moof");
    Box(out, "mfhd", 0, 0)->u32(sequence);
    Box traf(out, "traf");
    Box(out, "tfhd", 0, 0x020000)->u32(track_number);  // default-base-is-moof
    Box(out, "tfdt", 1, 0)->u64(decode_time);
    // Data offset, and for every sample its duration, size, flags and signed composition offset.
    Box trun(out, "trun", 1, 0x000F01);
    trun->u32(samples.size());
    data_offset_at = out.size();
    trun->u32(0);
    for (const Mp4Sample& sample : samples) {
      trun->u32(sample.duration);
      trun->u32(sample.payload.size());
      trun->u32(sample.key_frame ? kSyncSample : kNonSyncSample);
      trun->u32(static_cast<std::uint32_t>(sample.composition_offset));
    }
  }
  base::ByteWriter(out).patch(data_offset_at, out.size() + 8 - moof_start, 4);
  {
    Box mdat(out, "mdat");
    for (const Mp4Sample& sample : samples) mdat->bytes(sample.payload);
  }
  return out;
}

}  // namespace container

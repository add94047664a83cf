// SPDX-License-Identifier: Apache-2.0
#include "container/matroska_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "container/ebml.hpp"

namespace container {
namespace {

using base::Errc;
using base::Result;
using ebml::Element;

constexpr std::uint64_t kMaxScale = 1'000'000'000;  // a second a tick
constexpr std::int64_t kMaxTimestamp = std::numeric_limits<std::int64_t>::max() / 4;

std::uint32_t small(base::ByteView payload) {
  const std::optional<std::uint64_t> value = ebml::to_unsigned(payload);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value.value_or(0), 0xFFFFFFFF));
}

class Parser {
 public:
  Parser(base::ByteView bytes, const MatroskaLimits& limits) : bytes_(bytes), limits_(limits) {}

  Result<MatroskaDocument> parse() {
    ebml::Reader top(bytes_);
    if (top.peek_id() != ebml::kEbml) return corrupt("it does not start with an EBML header");
    const std::optional<Element> header = top.next();
    if (!header || header->unknown_size) return corrupt("the EBML header is cut off");
    TRY_VOID(check_header(header->payload));
    for (;;) {
      const std::uint32_t id = top.peek_id();
      if (id == ebml::kSegment) break;
      if (id != ebml::kVoid && id != ebml::kCrc32) return corrupt("no Segment follows the EBML header");
      if (!top.next()) return corrupt("an element before the Segment is cut off");
    }
    const std::optional<Element> segment = top.next();
    if (!segment) return corrupt("the Segment is longer than the input");
    const std::size_t segment_start = top.position() - segment->payload.size();
    std::size_t used = 0;
    TRY_VOID(parse_segment(segment->payload, segment->unknown_size, used));
    document_.size = segment_start + (segment->unknown_size ? used : segment->payload.size());
    TRY_VOID(apply_times());
    document_.timestamp_scale_ns = scale_;
    return std::move(document_);
  }

 private:
  static std::unexpected<base::Error> corrupt(std::string why) {
    return base::fail(Errc::Corrupt, "Matroska document: " + std::move(why));
  }

  Result<void> check_header(base::ByteView payload) {
    ebml::Reader reader(payload);
    while (const std::optional<Element> element = reader.next()) {
      if (element->id != ebml::kDocType) continue;
      const std::string_view type = ebml::to_text(element->payload);
      if (type != "matroska" && type != "webm") return corrupt("DocType is not matroska or webm");
    }
    if (!reader.ok()) return corrupt("the EBML header is broken");
    return {};
  }

  Result<void> parse_segment(base::ByteView payload, bool unknown_size, std::size_t& used) {
    ebml::Reader reader(payload);
    for (;;) {
      used = reader.position();
      if (unknown_size && ebml::is_top_level(reader.peek_id())) return {};
      const std::size_t before = reader.position();
      const std::optional<Element> element = reader.next();
      if (!element) break;
      if (element->unknown_size && element->id != ebml::kCluster) {
        return corrupt("only Segment and Cluster may have an unknown size");
      }
      switch (element->id) {
        case ebml::kInfo:
          TRY_VOID(parse_info(element->payload));
          break;
        case ebml::kTracks:
          TRY_VOID(parse_tracks(element->payload));
          break;
        case ebml::kTags:
          TRY_VOID(parse_tags(element->payload));
          break;
        case ebml::kCluster: {
          std::size_t cluster_used = element->payload.size();
          TRY_VOID(parse_cluster(element->payload, element->unknown_size, cluster_used));
          reader.resume_at(before + element->header_size + cluster_used);
          break;
        }
        default:
          break;
      }
    }
    if (!reader.ok()) return corrupt(fmt::format("an element of the Segment at {} is broken", reader.position()));
    return {};
  }

  Result<void> parse_info(base::ByteView payload) {
    ebml::Reader reader(payload);
    while (const std::optional<Element> element = reader.next()) {
      if (element->id != ebml::kTimestampScale) continue;
      scale_ = ebml::to_unsigned(element->payload).value_or(0);
      if (scale_ == 0 || scale_ > kMaxScale) return corrupt("TimestampScale is out of range");
    }
    if (!reader.ok()) return corrupt("Info is broken");
    return {};
  }

  Result<void> parse_tracks(base::ByteView payload) {
    ebml::Reader reader(payload);
    while (const std::optional<Element> element = reader.next()) {
      if (element->id != ebml::kTrackEntry) continue;
      if (document_.tracks.size() >= limits_.tracks) return corrupt("it has too many tracks");
      TRY(Track track, parse_track(element->payload));
      if (track.number == 0) return corrupt("a track has no number");
      if (document_.find_track(track.number)) return corrupt("two tracks have the same number");
      document_.tracks.push_back(std::move(track));
    }
    if (!reader.ok()) return corrupt("Tracks is broken");
    return {};
  }

  Result<Track> parse_track(base::ByteView payload) {
    Track track;
    ebml::Reader reader(payload);
    while (const std::optional<Element> element = reader.next()) {
      switch (element->id) {
        case ebml::kTrackNumber:
          track.number = small(element->payload);
          break;
        case ebml::kName:
          track.name = ebml::to_text(element->payload);
          break;
        case ebml::kCodecId:
          track.codec_id = ebml::to_text(element->payload);
          break;
        case ebml::kCodecPrivate:
          if (element->payload.size() > limits_.codec_private_bytes) return corrupt("CodecPrivate is too long");
          track.codec_private.assign(element->payload.begin(), element->payload.end());
          break;
        case ebml::kDefaultDuration:
          track.default_duration_ns = ebml::to_unsigned(element->payload).value_or(0);
          break;
        case ebml::kVideo:
        case ebml::kAudio:
          TRY_VOID(parse_track_details(element->payload, track));
          break;
        default:
          break;
      }
    }
    if (!reader.ok()) return corrupt("a TrackEntry is broken");
    return track;
  }

  Result<void> parse_track_details(base::ByteView payload, Track& track) {
    ebml::Reader reader(payload);
    while (const std::optional<Element> element = reader.next()) {
      switch (element->id) {
        case ebml::kPixelWidth:
          track.width = small(element->payload);
          break;
        case ebml::kPixelHeight:
          track.height = small(element->payload);
          break;
        case ebml::kChannels:
          track.channels = small(element->payload);
          break;
        case ebml::kSamplingFrequency: {
          const double rate = ebml::to_float(element->payload).value_or(0);
          if (!(rate >= 0 && rate <= 1e6)) return corrupt("SamplingFrequency is out of range");
          track.sample_rate = static_cast<std::uint32_t>(rate);
          break;
        }
        default:
          break;
      }
    }
    if (!reader.ok()) return corrupt("a track's Video or Audio element is broken");
    return {};
  }

  Result<void> parse_tags(base::ByteView payload) {
    ebml::Reader reader(payload);
    while (const std::optional<Element> tag = reader.next()) {
      if (tag->id != ebml::kTag) continue;
      ebml::Reader children(tag->payload);
      while (const std::optional<Element> child = children.next()) {
        if (child->id == ebml::kSimpleTag) TRY_VOID(parse_simple_tag(child->payload));
      }
      if (!children.ok()) return corrupt("a Tag is broken");
    }
    if (!reader.ok()) return corrupt("Tags is broken");
    return {};
  }

  Result<void> parse_simple_tag(base::ByteView payload) {
    Tag tag;
    base::ByteView binary;
    ebml::Reader reader(payload);
    while (const std::optional<Element> element = reader.next()) {
      if (element->id == ebml::kTagName) tag.name = ebml::to_text(element->payload);
      if (element->id == ebml::kTagString) tag.value = ebml::to_text(element->payload);
      if (element->id == ebml::kTagBinary) binary = element->payload;
    }
    if (!reader.ok()) return corrupt("a SimpleTag is broken");
    if (tag.name == "TIDEGATE_TIMES") {
      times_ = binary;
      return {};
    }
    if (document_.tags.size() >= limits_.tags) return corrupt("it has too many tags");
    document_.tags.push_back(std::move(tag));
    return {};
  }

  Result<void> parse_cluster(base::ByteView payload, bool unknown_size, std::size_t& used) {
    ebml::Reader reader(payload);
    std::int64_t cluster_ticks = 0;
    for (;;) {
      const std::uint32_t id = reader.peek_id();
      if (unknown_size) used = reader.position();
      if (unknown_size && (ebml::is_segment_child(id) || ebml::is_top_level(id))) return {};
      const std::optional<Element> element = reader.next();
      if (!element) break;
      if (element->unknown_size) return corrupt("only Segment and Cluster may have an unknown size");
      if (element->id == ebml::kTimestamp) {
        const std::uint64_t ticks = ebml::to_unsigned(element->payload).value_or(~std::uint64_t{0});
        if (ticks > static_cast<std::uint64_t>(kMaxTimestamp) / scale_)
          return corrupt("a Cluster's time is out of range");
        cluster_ticks = static_cast<std::int64_t>(ticks);
        if (document_.blocks.empty()) document_.cluster_ns = cluster_ticks * static_cast<std::int64_t>(scale_);
      } else if (element->id == ebml::kSimpleBlock) {
        TRY_VOID(parse_block(element->payload, cluster_ticks, false, false));
      } else if (element->id == ebml::kBlockGroup) {
        TRY_VOID(parse_block_group(element->payload, cluster_ticks));
      }
    }
    if (!reader.ok()) return corrupt("a Cluster is broken");
    return {};
  }

  Result<void> parse_block_group(base::ByteView payload, std::int64_t cluster_ticks) {
    bool has_reference = false;
    std::optional<base::ByteView> block;
    ebml::Reader reader(payload);
    while (const std::optional<Element> element = reader.next()) {
      if (element->id == ebml::kBlock) block = element->payload;
      if (element->id == ebml::kReferenceBlock) has_reference = true;
    }
    if (!reader.ok() || !block) return corrupt("a BlockGroup is broken");
    return parse_block(*block, cluster_ticks, true, !has_reference);
  }

  Result<void> parse_block(base::ByteView payload, std::int64_t cluster_ticks, bool grouped, bool group_key) {
    if (document_.blocks.size() >= limits_.blocks) return corrupt("it has too many blocks");
    base::ByteReader reader(payload);
    std::uint32_t track = reader.u8();
    if (track & 0x80) {
      track &= 0x7F;
    } else if (track & 0x40) {
      track = ((track & 0x3F) << 8) | reader.u8();
    } else {
      return corrupt("a block's track number is longer than two bytes");
    }
    const std::int64_t relative = static_cast<std::int16_t>(reader.u16());
    const std::uint8_t flags = reader.u8();
    if (!reader.ok()) return corrupt("a block is shorter than its header");
    if (flags & 0x06) return corrupt("a block is laced; only one frame per block is supported");
    Block block;
    block.track = track;
    block.key_frame = grouped ? group_key : (flags & 0x80) != 0;
    block.timestamp_ns = (cluster_ticks + relative) * static_cast<std::int64_t>(scale_);
    block.time = base::from_microseconds(block.timestamp_ns / 1000);
    block.payload = reader.rest();
    document_.blocks.push_back(block);
    return {};
  }

  // docs/formats/fragment.md, "Exact times".
  Result<void> apply_times() {
    if (times_.empty()) {
      if (document_.blocks.empty()) return {};
      const auto [first, last] = std::minmax_element(document_.blocks.begin(), document_.blocks.end(),
                                                     [](const Block& a, const Block& b) { return a.time < b.time; });
      document_.start = first->time;
      document_.end = last->time;
      return {};
    }
    base::ByteReader reader(times_);
    if (reader.u8() != 1) return corrupt("TIDEGATE_TIMES has an unknown version");
    const auto start = static_cast<std::int64_t>(reader.u64());
    const auto end = static_cast<std::int64_t>(reader.u64());
    if (!reader.ok() || std::min(start, end) < 0 || std::max(start, end) > kMaxTimestamp) {
      return corrupt("TIDEGATE_TIMES is broken");
    }
    document_.start = base::from_microseconds(start);
    document_.end = base::from_microseconds(end);
    struct Last {
      std::int64_t time = 0;
      std::int64_t rtp = 0;
    };
    std::array<Last, 128> last{};
    for (Last& each : last) each.time = start;
    for (Block& block : document_.blocks) {
      const std::optional<std::int64_t> time = ebml::read_signed_varint(reader);
      const std::optional<std::int64_t> rtp = ebml::read_signed_varint(reader);
      if (!time || !rtp || block.track >= last.size()) return corrupt("TIDEGATE_TIMES does not match the blocks");
      Last& previous = last[block.track];
      if (__builtin_add_overflow(previous.time, *time, &previous.time) ||
          __builtin_add_overflow(previous.rtp, *rtp, &previous.rtp) || previous.time < 0 ||
          previous.time > kMaxTimestamp) {
        return corrupt("TIDEGATE_TIMES is out of range");
      }
      block.time = base::from_microseconds(previous.time);
      block.rtp_timestamp = previous.rtp;
    }
    if (reader.remaining() != 0) return corrupt("TIDEGATE_TIMES does not match the blocks");
    document_.has_exact_times = true;
    return {};
  }

  base::ByteView bytes_;
  const MatroskaLimits& limits_;
  MatroskaDocument document_;
  std::uint64_t scale_ = 1'000'000;
  base::ByteView times_;
};

}  // namespace

const Track* MatroskaDocument::find_track(std::uint32_t number) const {
  const auto found = std::ranges::find(tracks, number, &Track::number);
  return found == tracks.end() ? nullptr : &*found;
}

const Track* MatroskaDocument::find_video() const {
  const auto found = std::ranges::find_if(tracks, &Track::is_video);
  return found == tracks.end() ? nullptr : &*found;
}

Result<MatroskaDocument> parse_matroska(base::ByteView bytes, const MatroskaLimits& limits) {
  return Parser(bytes, limits).parse();
}

}  // namespace container

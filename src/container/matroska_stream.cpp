// SPDX-License-Identifier: Apache-2.0
#include "container/matroska_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "container/ebml.hpp"
#include "container/matroska_parser.hpp"
#include "container/matroska_tags.hpp"

namespace container {
namespace {

using ebml::kUnknownSize;

constexpr std::size_t kBlockHead = 11;  // a track number of up to 8 bytes, a time of 2, flags
constexpr std::string_view kEndOfFragment = "AWS_KINESISVIDEO_END_OF_FRAGMENT";
// Times are nanoseconds in 63 bits, with room to add a block's: up to the year 2116.
constexpr std::uint64_t kMostNanoseconds = std::numeric_limits<std::int64_t>::max() / 2;

std::size_t vint_length(std::uint8_t first) {
  return static_cast<std::size_t>(std::countl_zero(first)) + 1;
}

}  // namespace

void MatroskaStream::push(base::ByteView bytes) {
  while (!bytes.empty() && !faulted_) {
    if (body_left_ > 0) {
      take_body(bytes);
    } else {
      take_head(bytes);
    }
  }
}

std::optional<StreamEvent> MatroskaStream::poll_event() {
  if (events_.empty()) return std::nullopt;
  StreamEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void MatroskaStream::finish(bool whole) {
  if (faulted_) return;
  if (whole && level_ == Level::Cluster && cluster_end_ == kUnknownSize && is_between_elements()) end_cluster();
  if (level_ == Level::Segment && fragment_open_ && is_between_elements()) complete_fragment();
  const bool cut = fragment_open_ || !is_between_elements();
  if (whole && cut && !faulted_) fault(StreamFault::Malformed, "the body ends in the middle of an element");
}

void MatroskaStream::fault(StreamFault kind, std::string text) {
  if (std::exchange(faulted_, true)) return;
  document_.drop();
  events_.emplace_back(stream_event::Fault{kind, fmt::format("{} (at byte {})", text, position_)});
}

void MatroskaStream::take_head(base::ByteView& input) {
  while (!input.empty()) {
    head_[head_size_++] = input[0];
    input = input.subspan(1);
    ++position_;
    const std::size_t id_length = vint_length(head_[0]);
    if (id_length > 4) return fault(StreamFault::Malformed, "no element begins here");
    if (head_size_ <= id_length) continue;
    const std::size_t size_length = vint_length(head_[id_length]);
    if (size_length > 8) return fault(StreamFault::Malformed, "an element's size takes more than 8 bytes");
    if (head_size_ < id_length + size_length) continue;
    const std::optional<Head> head = parse_head();
    begin_element(*head);
    head_size_ = 0;
    if (body_left_ == 0 && !faulted_) end_element();
    return;
  }
}

std::optional<MatroskaStream::Head> MatroskaStream::parse_head() const {
  base::ByteReader reader({head_.data(), head_size_});
  Head head;
  const std::size_t id_length = vint_length(head_[0]);
  head.id = static_cast<std::uint32_t>(reader.big_endian(id_length));
  const std::size_t length = head_size_ - id_length;
  const std::uint64_t mask = (std::uint64_t{1} << (7 * length)) - 1;
  head.size = reader.big_endian(length) & mask;
  if (head.size == mask) head.size = kUnknownSize;
  return head;
}

void MatroskaStream::take_body(base::ByteView& input) {
  const base::ByteView part = input.first(static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), body_left_)));
  input = input.subspan(part.size());
  position_ += part.size();
  body_left_ -= part.size();
  if (target_ == Target::Ebml) base::append(header_.ebml, part);
  if (target_ == Target::Elements) base::append(header_.elements, part);
  if (target_ == Target::Document) document_.append(part);
  if (body_left_ == 0) end_element();
}

// The payload of the element that has just ended, where it was copied to.
base::ByteView MatroskaStream::body() const {
  return target_ == Target::Document ? document_.bytes().subspan(body_at_) : base::ByteView();
}

std::uint64_t MatroskaStream::end_of(const Head& head) const {
  return head.size == kUnknownSize ? kUnknownSize : position_ + head.size;
}

// Where the element that we are in ends; a cluster of unknown size ends with its Segment at the latest.
std::uint64_t MatroskaStream::parent_end() const {
  switch (level_) {
    case Level::Top:
      return kUnknownSize;
    case Level::Segment:
      return segment_end_;
    case Level::Cluster:
      return std::min(cluster_end_, segment_end_);
    case Level::Group:
      return group_end_;
  }
  return kUnknownSize;
}

void MatroskaStream::begin_element(const Head& head) {
  element_ = head;
  target_ = Target::Nothing;
  if (level_ == Level::Cluster && cluster_end_ == kUnknownSize &&
      (ebml::is_segment_child(head.id) || ebml::is_top_level(head.id))) {
    end_cluster();
  }
  const bool may_be_open = head.id == ebml::kSegment || head.id == ebml::kCluster;
  if (head.size == kUnknownSize && !may_be_open) {
    return fault(StreamFault::Malformed, "only Segment and Cluster may have an unknown size");
  }
  if (head.size != kUnknownSize && end_of(head) > parent_end()) {
    return fault(StreamFault::Malformed, "an element is longer than the one that it is in");
  }
  switch (level_) {
    case Level::Top:
      return begin_at_top(head);
    case Level::Segment:
      return begin_in_segment(head);
    case Level::Cluster:
    case Level::Group:
      return begin_in_cluster(head);
  }
}

void MatroskaStream::begin_at_top(const Head& head) {
  const bool is_filler = head.id == ebml::kVoid || head.id == ebml::kCrc32;
  if (header_.ebml.empty() ? head.id != ebml::kEbml : head.id == ebml::kEbml) {
    return fault(StreamFault::Malformed,
                 header_.ebml.empty() ? "it does not start with an EBML header" : "a second EBML header");
  }
  if (head.id == ebml::kSegment) {
    if (std::exchange(segment_seen_, true)) return fault(StreamFault::Malformed, "a second Segment");
    level_ = Level::Segment;
    segment_end_ = end_of(head);
    return;
  }
  if (head.id != ebml::kEbml && !is_filler) return fault(StreamFault::Malformed, "no Segment follows the EBML header");
  if (segment_seen_) {
    body_left_ = head.size;
  } else {
    copy_element(head, Target::Ebml);
  }
}

void MatroskaStream::begin_in_segment(const Head& head) {
  if (ebml::is_top_level(head.id)) {
    return fault(StreamFault::Malformed, "a second EBML header or Segment; one request holds one Segment");
  }
  if (head.id == ebml::kCluster) {
    complete_fragment();
    if (!header_ended_) end_header();
    if (!faulted_) begin_fragment(head);
    return;
  }
  if (!header_ended_) return copy_element(head, Target::Elements);
  if (head.id == ebml::kTags && fragment_open_) {
    if (head.size > limits_.tags_bytes) return fault(StreamFault::TagsTooLong, "a Tags element is too long");
    return copy_element(head, Target::Document);
  }
  if (head.id == ebml::kInfo || head.id == ebml::kTracks) {
    return fault(StreamFault::Malformed, "Info or Tracks behind the first Cluster");
  }
  if (head.id != ebml::kVoid && head.id != ebml::kCrc32 && head.id != ebml::kTags) complete_fragment();
  body_left_ = head.size;
}

void MatroskaStream::begin_in_cluster(const Head& head) {
  if (ebml::is_segment_child(head.id) || ebml::is_top_level(head.id)) {
    return fault(StreamFault::Malformed, "an element of the Segment in the middle of a Cluster");
  }
  const bool is_group = level_ == Level::Cluster && head.id == ebml::kBlockGroup;
  copy_element(head, Target::Document);
  if (faulted_ || !is_group) return;
  body_left_ = 0;  // its children follow
  level_ = Level::Group;
  group_end_ = end_of(head);
  group_block_.reset();
  group_has_reference_ = false;
  group_duration_ns_ = 0;
}

// The bound is checked here, before a byte of the element is stored.
void MatroskaStream::copy_element(const Head& head, Target target) {
  const base::ByteView bytes(head_.data(), head_size_);
  const std::size_t used =
      target == Target::Document ? document_.bytes().size() : header_.ebml.size() + header_.elements.size();
  const std::size_t limit = target == Target::Document ? limits_.fragment_bytes : limits_.header_bytes;
  if (used + bytes.size() > limit || head.size > limit - used - bytes.size()) {
    if (target == Target::Document) return fault(StreamFault::FragmentTooLong, "the fragment is too long");
    return fault(StreamFault::Malformed, "the header is too long");
  }
  target_ = target;
  body_left_ = head.size;
  if (target == Target::Ebml) base::append(header_.ebml, bytes);
  if (target == Target::Elements) base::append(header_.elements, bytes);
  if (target == Target::Document) document_.append(bytes);
  body_at_ = document_.bytes().size();
}

void MatroskaStream::end_element() {
  if (target_ == Target::Document && level_ == Level::Cluster) {
    if (element_.id == ebml::kTimestamp) read_timestamp(body());
    if (element_.id == ebml::kSimpleBlock) read_block(body(), false);
  } else if (target_ == Target::Document && level_ == Level::Group) {
    if (element_.id == ebml::kBlock) read_block(body(), true);
    if (element_.id == ebml::kReferenceBlock) group_has_reference_ = true;
    if (element_.id == ebml::kBlockDuration) {
      const std::uint64_t ticks = ebml::to_unsigned(body()).value_or(0);
      if (ticks <= kMostNanoseconds / scale_) group_duration_ns_ = static_cast<std::int64_t>(ticks * scale_);
    }
  } else if (target_ == Target::Document && level_ == Level::Segment) {
    read_tags(body());
  }
  target_ = Target::Nothing;
  if (!faulted_) close_levels();
}

void MatroskaStream::close_levels() {
  if (level_ == Level::Group && position_ == group_end_) emit_group();
  if (level_ == Level::Cluster && position_ == parent_end()) end_cluster();
  if (level_ == Level::Segment && position_ == segment_end_) {
    complete_fragment();
    level_ = Level::Top;
  }
}

void MatroskaStream::end_header() {
  ProducerDocument whole;
  whole.begin(header_);
  whole.end_cluster();
  const auto parsed = parse_matroska(whole.finish());
  if (!parsed) return fault(StreamFault::Malformed, parsed.error().message);
  if (parsed->tracks.empty()) return fault(StreamFault::Malformed, "the first Cluster comes before any track");
  tracks_ = parsed->tracks;
  scale_ = parsed->timestamp_scale_ns;
  header_ended_ = true;
  events_.emplace_back(stream_event::Header{});
}

void MatroskaStream::begin_fragment(const Head& head) {
  level_ = Level::Cluster;
  cluster_end_ = end_of(head);
  cluster_ticks_.reset();
  fragment_open_ = true;
  document_.begin(header_);
  events_.emplace_back(stream_event::FragmentBegan{});
}

void MatroskaStream::end_cluster() {
  level_ = Level::Segment;
  if (!cluster_ticks_) return fault(StreamFault::Malformed, "a Cluster has no Timestamp");
  document_.end_cluster();
}

void MatroskaStream::complete_fragment() {
  if (faulted_ || !std::exchange(fragment_open_, false)) return;
  events_.emplace_back(stream_event::FragmentComplete{document_.finish()});
}

void MatroskaStream::read_timestamp(base::ByteView payload) {
  const std::uint64_t ticks = ebml::to_unsigned(payload).value_or(~std::uint64_t{0});
  if (cluster_ticks_) return fault(StreamFault::Malformed, "a Cluster has two Timestamps");
  if (ticks > kMostNanoseconds / scale_) return fault(StreamFault::TimeOutOfRange, "a Cluster's time is out of range");
  cluster_ticks_ = static_cast<std::int64_t>(ticks);
  events_.emplace_back(stream_event::FragmentTime{static_cast<std::int64_t>(ticks * scale_)});
  // Said by its size already: no need to wait for the bytes.
  if (cluster_end_ != kUnknownSize && cluster_end_ - position_ > limits_.fragment_bytes) {
    fault(StreamFault::FragmentTooLong, "the Cluster is too long");
  }
}

void MatroskaStream::read_block(base::ByteView payload, bool in_group) {
  if (!cluster_ticks_) return fault(StreamFault::Malformed, "a block comes before the Timestamp of its Cluster");
  const std::size_t length = payload.empty() ? kBlockHead : vint_length(payload[0]);
  if (length > 8 || payload.size() < length + 3) {
    return fault(StreamFault::Malformed, "a block is shorter than its header");
  }
  base::ByteReader reader(payload);
  const std::uint64_t track = reader.big_endian(length) & ((std::uint64_t{1} << (7 * length)) - 1);
  const std::int64_t relative = static_cast<std::int16_t>(reader.u16());
  const std::uint8_t flags = reader.u8();
  stream_event::Frame frame;
  frame.track = static_cast<std::uint32_t>(std::min<std::uint64_t>(track, UINT32_MAX));
  frame.timestamp_ns = (*cluster_ticks_ + relative) * static_cast<std::int64_t>(scale_);
  frame.key_frame = (flags & 0x80) != 0;
  if (in_group) {
    group_block_ = frame;
  } else {
    events_.emplace_back(frame);
  }
}

void MatroskaStream::emit_group() {
  level_ = Level::Cluster;
  if (!group_block_) return fault(StreamFault::Malformed, "a BlockGroup has no Block");
  group_block_->key_frame = !group_has_reference_;
  group_block_->duration_ns = group_duration_ns_;
  events_.emplace_back(*group_block_);
}

void MatroskaStream::read_tags(base::ByteView payload) {
  stream_event::FragmentTags event;
  if (!read_tags_payload(payload, event.tags)) return fault(StreamFault::Malformed, "a Tags element is broken");
  const bool ends = std::ranges::any_of(event.tags, [](const Tag& tag) { return tag.name == kEndOfFragment; });
  events_.emplace_back(std::move(event));
  if (ends) complete_fragment();
}

}  // namespace container

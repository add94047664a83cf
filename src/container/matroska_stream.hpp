// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reads the Matroska stream of a PutMedia producer as it arrives: one Segment, each Cluster one fragment.

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "container/matroska.hpp"
#include "container/producer_document.hpp"

namespace container {

enum class StreamFault : std::uint8_t { Malformed, FragmentTooLong, TagsTooLong, TimeOutOfRange };

namespace stream_event {
// The first cluster has begun: tracks() is known.
struct Header {};
// A cluster has begun. Its bytes count towards the fragment from here.
struct FragmentBegan {};
// Its timestamp, nanoseconds; always before its first frame.
struct FragmentTime {
  std::int64_t timestamp_ns = 0;
};
// A block of the fragment is there (a laced block counts as one frame).
struct Frame {
  std::uint32_t track = 0;
  std::int64_t timestamp_ns = 0;
  std::int64_t duration_ns = 0;  // 0: the block does not say
  bool key_frame = false;
};
// A Tags element behind the cluster: it belongs to the fragment before it.
struct FragmentTags {
  std::vector<Tag> tags;
};
// The cluster and its tags are there: the document to store.
struct FragmentComplete {
  base::Bytes document;
};
// The stream cannot be read any further. The last event.
struct Fault {
  StreamFault kind = StreamFault::Malformed;
  std::string text;
};
}  // namespace stream_event

using StreamEvent =
    std::variant<stream_event::Header, stream_event::FragmentBegan, stream_event::FragmentTime, stream_event::Frame,
                 stream_event::FragmentTags, stream_event::FragmentComplete, stream_event::Fault>;

struct MatroskaStreamLimits {
  std::size_t header_bytes = 256U << 10U;   // all before the first cluster; every stored fragment repeats it
  std::size_t fragment_bytes = 50'000'000;  // a fragment's document
  std::size_t tags_bytes = 64U << 10U;      // one Tags element behind a cluster
};

// A fragment is complete when the next element of the Segment begins (other than Tags, Void, CRC-32), when a tag named
// AWS_KINESISVIDEO_END_OF_FRAGMENT says so, or at the end of the body. Known and unknown sizes of Segment and Cluster.
// A second EBML header or Segment, and Info or Tracks behind the first cluster, are faults. Holds at most the header
// and one fragment; sizes are checked before anything is stored. The events do not depend on how the bytes are cut.
class MatroskaStream {
 public:
  explicit MatroskaStream(MatroskaStreamLimits limits = {}) : limits_(limits) {}

  // Takes all of the bytes; poll the events after each call. Does nothing after a fault.
  void push(base::ByteView bytes);
  // The body has ended: completely, or because the connection broke (then a cluster of unknown size may lack its end,
  // and is not given out).
  void finish(bool whole);
  std::optional<StreamEvent> poll_event();

  const std::vector<Track>& tracks() const { return tracks_; }

 private:
  enum class Level : std::uint8_t { Top, Segment, Cluster, Group };
  enum class Target : std::uint8_t { Nothing, Ebml, Elements, Document };
  struct Head {
    std::uint32_t id = 0;
    std::uint64_t size = 0;  // ebml::kUnknownSize
  };

  void take_head(base::ByteView& input);
  void take_body(base::ByteView& input);
  std::optional<Head> parse_head() const;
  void begin_element(const Head& head);
  void begin_at_top(const Head& head);
  void begin_in_segment(const Head& head);
  void begin_in_cluster(const Head& head);
  void copy_element(const Head& head, Target target);
  void end_element();
  void close_levels();
  void begin_fragment(const Head& head);
  void end_cluster();
  void complete_fragment();
  void end_header();
  void read_timestamp(base::ByteView payload);
  void read_block(base::ByteView payload, bool in_group);
  void read_tags(base::ByteView payload);
  void emit_group();
  base::ByteView body() const;
  std::uint64_t parent_end() const;
  void fault(StreamFault kind, std::string text);
  std::uint64_t end_of(const Head& head) const;
  bool is_between_elements() const { return head_size_ == 0 && body_left_ == 0; }

  MatroskaStreamLimits limits_;
  std::deque<StreamEvent> events_;  // of one push()
  ProducerHeader header_;
  std::vector<Track> tracks_;
  std::uint64_t scale_ = 1'000'000;
  ProducerDocument document_;

  std::uint64_t position_ = 0;  // bytes taken
  Level level_ = Level::Top;
  std::uint64_t segment_end_ = 0, cluster_end_ = 0, group_end_ = 0;  // positions, or kUnknownSize
  bool segment_seen_ = false;
  bool header_ended_ = false;
  bool fragment_open_ = false;  // begun and not complete; at Level::Segment its tags may follow
  bool faulted_ = false;
  std::optional<std::int64_t> cluster_ticks_;

  std::array<std::uint8_t, 12> head_{};  // an id and a size, as far as they are there
  std::size_t head_size_ = 0;
  Head element_;
  std::uint64_t body_left_ = 0;
  Target target_ = Target::Nothing;
  std::size_t body_at_ = 0;  // in the target

  std::optional<stream_event::Frame> group_block_;
  bool group_has_reference_ = false;
  std::int64_t group_duration_ns_ = 0;
};

}  // namespace container

// SPDX-License-Identifier: Apache-2.0
#include "container/matroska_stream.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "container/ebml.hpp"
#include "container/matroska_parser.hpp"
#include "container/test_media.hpp"

namespace container {
namespace {

using base::Bytes;
using base::ByteView;

std::string describe(const StreamEvent& event) {
  struct Writer {
    std::string operator()(const stream_event::Header&) const { return "header"; }
    std::string operator()(const stream_event::FragmentBegan&) const { return "began"; }
    std::string operator()(const stream_event::FragmentTime& time) const {
      return fmt::format("time {}", time.timestamp_ns / 1'000'000);
    }
    std::string operator()(const stream_event::Frame& frame) const {
      return fmt::format("frame {} {}{}{}", frame.track, frame.timestamp_ns / 1'000'000, frame.key_frame ? " key" : "",
                         frame.duration_ns ? fmt::format(" for {}", frame.duration_ns / 1'000'000) : "");
    }
    std::string operator()(const stream_event::FragmentTags& tags) const {
      std::string text = "tags";
      for (const Tag& tag : tags.tags) text += " " + tag.name + "=" + tag.value;
      return text;
    }
    std::string operator()(const stream_event::FragmentComplete& complete) const {
      return fmt::format("complete {}", base::to_hex(complete.document));
    }
    std::string operator()(const stream_event::Fault& fault) const {
      return fmt::format("fault {}: {}", static_cast<int>(fault.kind), fault.text);
    }
  };
  return std::visit(Writer{}, event);
}

struct Read {
  std::vector<std::string> events;
  std::vector<Bytes> documents;
  std::size_t largest_capacity = 0;
};

void drain(MatroskaStream& stream, Read& read) {
  while (const auto event = stream.poll_event()) {
    read.events.push_back(describe(*event));
    if (const auto* complete = std::get_if<stream_event::FragmentComplete>(&*event)) {
      read.documents.push_back(complete->document);
      read.largest_capacity = std::max(read.largest_capacity, complete->document.capacity());
      read.events.back() = "complete";
    }
  }
}

Read read_in(ByteView bytes, std::size_t first, std::size_t step, MatroskaStreamLimits limits = {}, bool whole = true) {
  MatroskaStream stream(limits);
  Read read;
  stream.push(bytes.first(first));
  drain(stream, read);
  for (bytes = bytes.subspan(first); !bytes.empty();) {
    const ByteView part = bytes.first(std::min(step, bytes.size()));
    stream.push(part);
    drain(stream, read);
    bytes = bytes.subspan(part.size());
  }
  stream.finish(whole);
  drain(stream, read);
  return read;
}
Read read_all(ByteView bytes, MatroskaStreamLimits limits = {}, bool whole = true) {
  return read_in(bytes, 0, bytes.size() + 1, limits, whole);
}

Bytes hex(std::string_view text) {
  std::string packed;
  for (const char c : text) {
    if (c != ' ') packed += c;
  }
  return *base::parse_hex(packed);
}

// EBML header, Segment of unknown size, Info with a scale of 1 ms, one track "A".
const std::string kEbmlHeader = "1a45dfa3 8b 4282 88 6d6174726f736b61";
const std::string kUnknownSegment = "18538067 01ffffffffffffff";
const std::string kInfoAndTracks = "1549a966 87 2ad7b1 83 0f4240 1654ae6b 88 ae 86 d7 81 01 86 81 41";
const std::string kPrologue = kEbmlHeader + kUnknownSegment + kInfoAndTracks;
// A cluster of unknown size as the Kinesis producer writes it, with one key frame.
const std::string kOpenCluster = "1f43b675 ff e7 81 05 a3 85 81 0000 80 aa";
const std::string kNextCluster = "1f43b675 ff e7 81 2d a3 85 81 0000 00 bb";
const std::string kTags = "1254c367 90 7373 8d 67c8 8a 45a3 81 6e 4487 83 76616c";
const std::string kEndTags = "1254c367 ac 7373 a9 67c8 a6 45a3 a0 " +
                             base::to_hex(base::as_bytes("AWS_KINESISVIDEO_END_OF_FRAGMENT")) + " 4487 80";

const std::vector<std::string> kTwoFragments = {"header", "began",   "time 5",     "frame 1 5 key", "complete",
                                                "began",  "time 45", "frame 1 45", "complete"};

TEST(MatroskaStream, ClustersOfUnknownSize) {
  const Read read = read_all(hex(kPrologue + kOpenCluster + kNextCluster));
  EXPECT_EQ(read.events, kTwoFragments);
  ASSERT_EQ(read.documents.size(), 2u);
  EXPECT_LT(read.largest_capacity, 2000u) << "what is kept holds no more memory than it counts";
  // docs/formats/fragment.md, "A producer's fragment", byte by byte.
  EXPECT_EQ(base::to_hex(read.documents[0]),
            base::to_hex(hex(kEbmlHeader + "18538067 010000000000002f" + kInfoAndTracks +
                             "1f43b675 010000000000000a e7 81 05 a3 85 81 0000 80 aa")));
}

TEST(MatroskaStream, EverySplitGivesTheSameEvents) {
  const Bytes bytes = hex(kPrologue + kOpenCluster + kTags + "ec 82 0000" + kNextCluster + kEndTags + "1c53bb6b 80");
  const Read whole = read_all(bytes);
  ASSERT_EQ(whole.documents.size(), 2u);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const Read read = read_in(bytes, cut, bytes.size());
    EXPECT_EQ(read.events, whole.events) << cut;
    EXPECT_EQ(read.documents, whole.documents) << cut;
  }
  const Read one_by_one = read_in(bytes, 0, 1);
  EXPECT_EQ(one_by_one.events, whole.events);
  EXPECT_EQ(one_by_one.documents, whole.documents);
}

TEST(MatroskaStream, KnownSizesOfClusterAndSegment) {
  const std::string cluster = "1f43b675 8a e7 81 05 a3 85 81 0000 80 aa";
  const std::string next = "1f43b675 8a e7 81 2d a3 85 81 0000 00 bb";
  EXPECT_EQ(read_all(hex(kPrologue + cluster + next)).events, kTwoFragments);
  // 30 bytes of Info and Tracks, two clusters of 15.
  EXPECT_EQ(read_all(hex(kEbmlHeader + "18538067 bb" + kInfoAndTracks + cluster + next)).events, kTwoFragments);
  // A cluster of unknown size in a Segment of known size ends with it.
  EXPECT_EQ(read_all(hex(kEbmlHeader + "18538067 bb" + kInfoAndTracks + kOpenCluster + kNextCluster)).events,
            kTwoFragments);
}

TEST(MatroskaStream, TagsBehindAClusterBelongToIt) {
  const Read read = read_all(hex(kPrologue + kOpenCluster + kTags + kNextCluster));
  const std::vector<std::string> expected = {"header",   "began", "time 5",  "frame 1 5 key", "tags n=val",
                                             "complete", "began", "time 45", "frame 1 45",    "complete"};
  EXPECT_EQ(read.events, expected);
  const auto parts = split_producer_document(read.documents[0]);
  ASSERT_TRUE(parts);
  EXPECT_EQ(base::to_hex(parts->tags), base::to_hex(hex(kTags)));
  EXPECT_TRUE(split_producer_document(read.documents[1])->tags.empty());
}

TEST(MatroskaStream, TheEndOfFragmentTagCompletesAtOnce) {
  MatroskaStream stream;
  Read read;
  stream.push(hex(kPrologue + kOpenCluster + kEndTags));
  drain(stream, read);
  EXPECT_EQ(read.events.back(), "complete");
}

TEST(MatroskaStream, BlockGroups) {
  const std::string reference = "a0 8d a1 85 81 000a 00 cc 9b 81 14 fb 81 ff";
  const std::string key = "a0 87 a1 85 81 001e 00 dd";
  const Read read = read_all(hex(kPrologue + "1f43b675 ff e7 81 05" + reference + key));
  const std::vector<std::string> expected = {"header",         "began",   "time 5", "frame 1 15 for 20",
                                             "frame 1 35 key", "complete"};
  EXPECT_EQ(read.events, expected);
}

struct BadRow {
  const char* what;
  std::string bytes;
  std::string last;  // of the events: how the fault begins
};

TEST(MatroskaStream, MalformedStreams) {
  const std::vector<BadRow> rows = {
      {"text", "48656c6c6f", "fault 0: it does not start with an EBML header"},
      {"no segment", kEbmlHeader + kInfoAndTracks, "fault 0: no Segment follows"},
      {"no tracks", kEbmlHeader + kUnknownSegment + "1549a966 80" + kOpenCluster, "fault 0: the first Cluster comes"},
      {"second segment", kPrologue + kOpenCluster + kUnknownSegment, "fault 0: a second EBML header or Segment"},
      {"second document", kPrologue + kOpenCluster + kEbmlHeader, "fault 0: a second EBML header or Segment"},
      {"tracks behind a cluster", kPrologue + kOpenCluster + kInfoAndTracks, "fault 0: Info or Tracks behind"},
      {"no timestamp", kPrologue + "1f43b675 ff a3 85 81 0000 80 aa", "fault 0: a block comes before the Timestamp"},
      {"empty cluster", kPrologue + "1f43b675 80", "fault 0: a Cluster has no Timestamp"},
      {"two timestamps", kPrologue + "1f43b675 ff e7 81 05 e7 81 06", "fault 0: a Cluster has two Timestamps"},
      {"endless timestamp", kPrologue + "1f43b675 ff e7 88 ffffffffffffffff",
       "fault 3: a Cluster's time is out of range"},
      {"short block", kPrologue + "1f43b675 ff e7 81 05 a3 82 81 00", "fault 0: a block is shorter"},
      {"no block", kPrologue + "1f43b675 ff e7 81 05 a0 83 9b 81 05", "fault 0: a BlockGroup has no Block"},
      {"child longer than its cluster", kPrologue + "1f43b675 84 e7 85 0000000005", "fault 0: an element is longer"},
      {"open block", kPrologue + "1f43b675 ff e7 81 05 a3 ff", "fault 0: only Segment and Cluster"},
      {"broken size", kPrologue + "1f43b675 ff e7 81 05 a3 00", "fault 0: an element's size"},
      {"broken id", kPrologue + "00", "fault 0: no element begins here"},
      {"cut in a block", kPrologue + "1f43b675 ff e7 81 05 a3 85 81 0000", "fault 0: the body ends in the middle"},
      {"cut in a cluster", kPrologue + "1f43b675 8a e7 81 05", "fault 0: the body ends in the middle"},
      {"broken tags", kPrologue + kOpenCluster + "1254c367 83 7373 85", "fault 0: a Tags element is broken"},
  };
  for (const BadRow& row : rows) {
    const Read read = read_all(hex(row.bytes));
    ASSERT_FALSE(read.events.empty()) << row.what;
    EXPECT_TRUE(read.events.back().starts_with(row.last)) << row.what << ": " << read.events.back();
  }
}

TEST(MatroskaStream, LimitsHoldBeforeAnythingIsStored) {
  MatroskaStreamLimits limits;
  limits.header_bytes = 64;
  limits.fragment_bytes = 128;
  limits.tags_bytes = 16;
  // The sizes promise more than follows: the fault does not wait for it.
  EXPECT_TRUE(read_all(hex(kEbmlHeader + kUnknownSegment + "ec 4100"), limits)
                  .events.back()
                  .starts_with("fault 0: the header is too long"));
  EXPECT_TRUE(read_all(hex(kPrologue + "1f43b675 ff e7 81 05 a3 4100"), limits)
                  .events.back()
                  .starts_with("fault 1: the fragment is too long"));
  const Read known = read_all(hex(kPrologue + "1f43b675 4100 e7 81 05"), limits);
  EXPECT_EQ(known.events[2], "time 5");
  EXPECT_TRUE(known.events.back().starts_with("fault 1: the Cluster is too long"));
  EXPECT_TRUE(read_all(hex(kPrologue + kOpenCluster + "1254c367 91"), limits)
                  .events.back()
                  .starts_with("fault 2: a Tags element is too long"));
}

TEST(MatroskaStream, ABrokenConnectionCompletesOnlyWhatIsKnownToBeWhole) {
  const std::string known = "1f43b675 8a e7 81 05 a3 85 81 0000 80 aa";
  EXPECT_EQ(read_all(hex(kPrologue + known), {}, false).documents.size(), 1u);
  EXPECT_EQ(read_all(hex(kPrologue + kOpenCluster), {}, false).documents.size(), 0u);
  EXPECT_EQ(read_all(hex(kPrologue + kOpenCluster), {}, true).documents.size(), 1u);
  EXPECT_EQ(read_all(hex(kPrologue + known + "1254c367 90 7373"), {}, false).documents.size(), 0u);
  EXPECT_NE(read_all(hex(kPrologue + kOpenCluster), {}, false).events.back().substr(0, 5), "fault");
}

// What a Kinesis producer sent: unknown sizes, eight-byte lengths, PrevSize in each cluster.
TEST(MatroskaStream, ACapturedProducer) {
  const Bytes bytes = test_media::read_file(TIDEGATE_SOURCE_DIR "/tests/vectors/kvssink-putmedia-body.mkv");
  const Read read = read_all(bytes);
  const auto reference = parse_matroska(bytes);
  ASSERT_TRUE(reference);
  std::size_t frames = 0;
  std::size_t at = 0;
  const Bytes cluster_id = hex("1f43b675");
  std::vector<std::size_t> clusters;
  for (auto found = std::search(bytes.begin(), bytes.end(), cluster_id.begin(), cluster_id.end()); found != bytes.end();
       found = std::search(found + 1, bytes.end(), cluster_id.begin(), cluster_id.end())) {
    clusters.push_back(static_cast<std::size_t>(found - bytes.begin()));
  }
  ASSERT_EQ(read.documents.size(), clusters.size());
  clusters.push_back(bytes.size());
  for (const Bytes& document : read.documents) {
    const auto parts = split_producer_document(document);
    ASSERT_TRUE(parts);
    // The header as sent, and the cluster's children as sent: 4 bytes of id and 1 of size against 4 and 8.
    EXPECT_EQ(base::to_hex(parts->ebml), base::to_hex(ByteView(bytes).first(40)));
    EXPECT_EQ(base::to_hex(parts->elements), base::to_hex(ByteView(bytes).subspan(45, clusters[0] - 45)));
    const ByteView sent = ByteView(bytes).subspan(clusters[at] + 5, clusters[at + 1] - clusters[at] - 5);
    Bytes stored(parts->cluster.begin() + 12, parts->cluster.end());
    base::append(stored, parts->tags);
    EXPECT_TRUE(std::ranges::equal(stored, sent)) << at;
    // The last fragment ends with the producer's end-of-fragment tag.
    EXPECT_EQ(parts->tags.empty(), at + 2 < clusters.size());
    ++at;
    const auto parsed = parse_matroska(document);
    ASSERT_TRUE(parsed);
    frames += parsed->blocks.size();
  }
  EXPECT_EQ(frames, reference->blocks.size());
  EXPECT_EQ(frames, 250u);  // clients.md 4.1
}

TEST(ProducerDocument, GetMediaLayout) {
  const Bytes stored = read_all(hex(kPrologue + kOpenCluster + kTags)).documents[0];
  const Bytes given = write_producer_media_document(*split_producer_document(stored), hex("1254c367 80"), hex("ec 80"));
  EXPECT_EQ(base::to_hex(given),
            base::to_hex(hex(kEbmlHeader + kUnknownSegment + kInfoAndTracks + "1254c367 80" +
                             "1f43b675 010000000000000a e7 81 05 a3 85 81 0000 80 aa" + kTags + "ec 80")));
}

}  // namespace
}  // namespace container

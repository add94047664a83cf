// SPDX-License-Identifier: Apache-2.0
#pragma once
// EBML elements (RFC 8794): ids, variable-length sizes and the few value kinds that Matroska uses.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace container::ebml {

enum Id : std::uint32_t {
  kEbml = 0x1A45DFA3,
  kEbmlVersion = 0x4286,
  kEbmlReadVersion = 0x42F7,
  kEbmlMaxIdLength = 0x42F2,
  kEbmlMaxSizeLength = 0x42F3,
  kDocType = 0x4282,
  kDocTypeVersion = 0x4287,
  kDocTypeReadVersion = 0x4285,
  kVoid = 0xEC,
  kCrc32 = 0xBF,
  kSegment = 0x18538067,
  kSeekHead = 0x114D9B74,
  kInfo = 0x1549A966,
  kTracks = 0x1654AE6B,
  kTags = 0x1254C367,
  kCluster = 0x1F43B675,
  kCues = 0x1C53BB6B,
  kChapters = 0x1043A770,
  kAttachments = 0x1941A469,
  kTimestampScale = 0x2AD7B1,
  kDuration = 0x4489,
  kTitle = 0x7BA9,
  kMuxingApp = 0x4D80,
  kWritingApp = 0x5741,
  kTrackEntry = 0xAE,
  kTrackNumber = 0xD7,
  kTrackUid = 0x73C5,
  kTrackType = 0x83,
  kFlagLacing = 0x9C,
  kName = 0x536E,
  kCodecId = 0x86,
  kCodecPrivate = 0x63A2,
  kCodecDelay = 0x56AA,
  kSeekPreRoll = 0x56BB,
  kLanguage = 0x22B59C,
  kVideo = 0xE0,
  kPixelWidth = 0xB0,
  kPixelHeight = 0xBA,
  kAudio = 0xE1,
  kSamplingFrequency = 0xB5,
  kChannels = 0x9F,
  kBitDepth = 0x6264,
  kTimestamp = 0xE7,
  kSimpleBlock = 0xA3,
  kBlockGroup = 0xA0,
  kBlock = 0xA1,
  kReferenceBlock = 0xFB,
  kBlockDuration = 0x9B,
  kDefaultDuration = 0x23E383,
  kTag = 0x7373,
  kTargets = 0x63C0,
  kSimpleTag = 0x67C8,
  kTagName = 0x45A3,
  kTagString = 0x4487,
  kTagBinary = 0x4485,
};

inline constexpr std::uint64_t kUnknownSize = ~std::uint64_t{0};

// May stand directly below a Segment: such an element ends a Cluster of unknown size.
bool is_segment_child(std::uint32_t id);
// An EBML header or a Segment: a document begins or goes on there.
bool is_top_level(std::uint32_t id);

// Appends elements to a buffer that it does not own.
class Writer {
 public:
  explicit Writer(base::Bytes& out) : out_(out), bytes_(out) {}

  void id(std::uint32_t id);
  // The shortest form of 1..8 bytes.
  void size(std::uint64_t size);
  void unsigned_integer(std::uint32_t id, std::uint64_t value);  // shortest form, at least one byte
  void float64(std::uint32_t id, double value);
  void text(std::uint32_t id, std::string_view value);
  void binary(std::uint32_t id, base::ByteView value);
  // A master element whose size is not known yet: open() returns a token for close(). Four bytes of size.
  std::size_t open(std::uint32_t id);
  void close(std::size_t token);
  void unknown_size(std::uint32_t id);  // eight bytes of size, all ones
  // Eight bytes of size, for a size that is known or patched later.
  void long_size(std::uint64_t size);

 private:
  base::Bytes& out_;
  base::ByteWriter bytes_;
};

struct Element {
  std::uint32_t id = 0;
  bool unknown_size = false;  // then payload reaches to the end of the parent
  base::ByteView payload;
  std::size_t header_size = 0;
};

// Walks the children of a payload. A child with a size beyond the end ends the walk with ok() false.
class Reader {
 public:
  explicit Reader(base::ByteView bytes) : bytes_(bytes) {}
  std::optional<Element> next();
  // Looks at the next id without consuming; 0 at the end or when it is broken.
  std::uint32_t peek_id() const;
  bool ok() const { return ok_; }
  std::size_t position() const { return position_; }
  // After an element of unknown size: continues after the `size` bytes of its payload that belonged to it.
  void resume_at(std::size_t position) { position_ = position; }

 private:
  base::ByteView bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

// Values of at most 8 bytes; nullopt for longer ones.
std::optional<std::uint64_t> to_unsigned(base::ByteView payload);
// 0, 4 or 8 bytes.
std::optional<double> to_float(base::ByteView payload);
// Text ends at the first zero byte.
std::string_view to_text(base::ByteView payload);

// Unsigned value with signed zigzag, seven bits a byte, lowest first (docs/formats/fragment.md).
void append_signed_varint(base::Bytes& out, std::int64_t value);
std::optional<std::int64_t> read_signed_varint(base::ByteReader& reader);

}  // namespace container::ebml

// SPDX-License-Identifier: Apache-2.0
#pragma once
// EBML elements (RFC 8794): ids, variable-length sizes and the few value kinds that Matroska uses.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"

namespace container::ebml {

// Ids, with the length marker that is part of them.
inline constexpr std::uint32_t kEbml = 0x1A45DFA3;
inline constexpr std::uint32_t kEbmlVersion = 0x4286;
inline constexpr std::uint32_t kEbmlReadVersion = 0x42F7;
inline constexpr std::uint32_t kEbmlMaxIdLength = 0x42F2;
inline constexpr std::uint32_t kEbmlMaxSizeLength = 0x42F3;
inline constexpr std::uint32_t kDocType = 0x4282;
inline constexpr std::uint32_t kDocTypeVersion = 0x4287;
inline constexpr std::uint32_t kDocTypeReadVersion = 0x4285;
inline constexpr std::uint32_t kVoid = 0xEC;
inline constexpr std::uint32_t kCrc32 = 0xBF;
inline constexpr std::uint32_t kSegment = 0x18538067;
inline constexpr std::uint32_t kSeekHead = 0x114D9B74;
inline constexpr std::uint32_t kInfo = 0x1549A966;
inline constexpr std::uint32_t kTracks = 0x1654AE6B;
inline constexpr std::uint32_t kTags = 0x1254C367;
inline constexpr std::uint32_t kCluster = 0x1F43B675;
inline constexpr std::uint32_t kCues = 0x1C53BB6B;
inline constexpr std::uint32_t kChapters = 0x1043A770;
inline constexpr std::uint32_t kAttachments = 0x1941A469;
inline constexpr std::uint32_t kTimestampScale = 0x2AD7B1;
inline constexpr std::uint32_t kDuration = 0x4489;
inline constexpr std::uint32_t kTitle = 0x7BA9;
inline constexpr std::uint32_t kMuxingApp = 0x4D80;
inline constexpr std::uint32_t kWritingApp = 0x5741;
inline constexpr std::uint32_t kTrackEntry = 0xAE;
inline constexpr std::uint32_t kTrackNumber = 0xD7;
inline constexpr std::uint32_t kTrackUid = 0x73C5;
inline constexpr std::uint32_t kTrackType = 0x83;
inline constexpr std::uint32_t kFlagLacing = 0x9C;
inline constexpr std::uint32_t kName = 0x536E;
inline constexpr std::uint32_t kCodecId = 0x86;
inline constexpr std::uint32_t kCodecPrivate = 0x63A2;
inline constexpr std::uint32_t kCodecDelay = 0x56AA;
inline constexpr std::uint32_t kSeekPreRoll = 0x56BB;
inline constexpr std::uint32_t kLanguage = 0x22B59C;
inline constexpr std::uint32_t kVideo = 0xE0;
inline constexpr std::uint32_t kPixelWidth = 0xB0;
inline constexpr std::uint32_t kPixelHeight = 0xBA;
inline constexpr std::uint32_t kAudio = 0xE1;
inline constexpr std::uint32_t kSamplingFrequency = 0xB5;
inline constexpr std::uint32_t kChannels = 0x9F;
inline constexpr std::uint32_t kBitDepth = 0x6264;
inline constexpr std::uint32_t kTimestamp = 0xE7;
inline constexpr std::uint32_t kSimpleBlock = 0xA3;
inline constexpr std::uint32_t kBlockGroup = 0xA0;
inline constexpr std::uint32_t kBlock = 0xA1;
inline constexpr std::uint32_t kReferenceBlock = 0xFB;
inline constexpr std::uint32_t kBlockDuration = 0x9B;
inline constexpr std::uint32_t kDefaultDuration = 0x23E383;
inline constexpr std::uint32_t kTag = 0x7373;
inline constexpr std::uint32_t kTargets = 0x63C0;
inline constexpr std::uint32_t kSimpleTag = 0x67C8;
inline constexpr std::uint32_t kTagName = 0x45A3;
inline constexpr std::uint32_t kTagString = 0x4487;
inline constexpr std::uint32_t kTagBinary = 0x4485;

inline constexpr std::uint64_t kUnknownSize = ~std::uint64_t{0};

// May stand directly below a Segment: such an element ends a Cluster of unknown size.
bool is_segment_child(std::uint32_t id);
// An EBML header or a Segment: a document begins or goes on there.
bool is_top_level(std::uint32_t id);
// Of the shortest form, 1..8 bytes.
std::size_t length_of_size(std::uint64_t size);

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

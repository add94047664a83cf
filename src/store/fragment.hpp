// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is known of a fragment besides its bytes. docs/formats/volume.md shows the same fields on disk.

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "store/fragment_number.hpp"

namespace store {

// A stream as volumes know it. The id stays with the stream's name for ever, the generation counts how often that
// name was created: what was recorded before a DeleteStream never shows up in a new stream of the same name.
struct StreamKey {
  std::uint64_t id = 0;
  std::uint32_t generation = 0;
  friend auto operator<=>(const StreamKey&, const StreamKey&) = default;
};

// Why media is missing. The values are on disk: never renumber.
enum class GapReason : std::uint8_t {
  PublisherLeft = 1,    // nobody was sending
  PacketsLost = 2,      // a loss that was not repaired, up to the next key frame
  KeyFrameAwaited = 3,  // frames came, but nothing decodable to start with
  DiskSlow = 4,         // the disk did not keep up, or refused
  Overload = 5,         // the server had too much to do
  ServerStopped = 6,    // this server was not running
};

// Missing media [from, to) on the producer's time axis.
struct Gap {
  GapReason reason = GapReason::PublisherLeft;
  base::WallTime from;
  base::WallTime to;
  friend bool operator==(const Gap&, const Gap&) = default;
};

// Bits of FragmentHeader::flags. On disk: never renumber.
inline constexpr std::uint32_t kDependent = 1U << 0;  // does not start with a key frame: needs the fragment before
inline constexpr std::uint32_t kArrivalClock = 1U
                                               << 1;  // producer time is the server's clock: no sender report came yet
inline constexpr std::uint32_t kClockReplaced =
    1U << 2;                                      // producer time is the server's clock: the camera's is > 15 min off
inline constexpr std::uint32_t kAudio = 1U << 3;  // the session has negotiated audio: render an audio track
inline constexpr std::uint32_t kProducerDocument =
    1U << 4;  // the payload is what a PutMedia producer sent, byte for byte: its header, and one cluster

struct FragmentHeader {
  StreamKey stream;
  FragmentNumber number;
  base::WallTime producer_time;
  base::WallTime server_time;
  std::chrono::microseconds duration{};
  std::uint32_t flags = 0;
  // Same value: the same codec private data, so that a player needs no new initialisation segment.
  std::uint64_t codec_fingerprint = 0;
  // A producer's cluster does not begin with all of its tracks: how long after producer_time its first picture is shown
  // and its first AAC frame heard (may be negative), and how long the AAC frames last, in whole milliseconds. Zero
  // where there is no such track, and in our own documents.
  std::chrono::microseconds pictures_after{};
  std::chrono::microseconds sound_after{};
  std::chrono::milliseconds sound_length{};
  std::optional<Gap> gap_before;
  // Set on the last fragment of a session: why the recording paused after it.
  std::optional<GapReason> ended_by;
  friend bool operator==(const FragmentHeader&, const FragmentHeader&) = default;
};

// Where the bytes lie: `offset` is that of the record's header. Volumes count from 1.
struct RecordPlace {
  std::uint64_t volume = 0;
  std::uint64_t offset = 0;
  std::uint32_t header_size = 0;
  friend bool operator==(const RecordPlace&, const RecordPlace&) = default;
};

struct StoredFragment {
  FragmentHeader header;
  std::uint32_t payload_size = 0;
  std::uint32_t payload_crc = 0;  // CRC-32C
  RecordPlace place;
  // False for a fragment of a stream without retention: it is in memory only, for a while.
  bool is_durable() const { return place.volume != 0; }
  friend bool operator==(const StoredFragment&, const StoredFragment&) = default;
};

// Immutable once made; shared by the writer thread, the cache of recent fragments and every reader.
using Payload = std::shared_ptr<const base::Bytes>;

}  // namespace store

// SPDX-License-Identifier: Apache-2.0
#pragma once
// A session description as a struct: what the text says, nothing decided yet. Text <-> struct only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace webrtc::sdp {

enum class MediaKind : std::uint8_t { Video, Audio };
enum class Direction : std::uint8_t { SendRecv, SendOnly, RecvOnly, Inactive };
enum class Setup : std::uint8_t { ActPass, Active, Passive };

struct Format {
  std::uint8_t payload_type = 0;
  std::string name;  // as written: "H264", "opus", "rtx"; empty: no rtpmap line
  std::uint32_t clock_rate = 0;
  std::uint8_t channels = 1;
  std::string parameters;             // of a=fmtp, as written
  std::vector<std::string> feedback;  // "nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"

  // The value of one fmtp parameter; names compare without case.
  std::optional<std::string_view> parameter(std::string_view key) const;
  bool is_named(std::string_view other) const;  // without case
  bool has_feedback(std::string_view what) const;
};

struct Extension {
  std::uint8_t id = 0;
  std::string uri;
};

struct Source {
  std::uint32_t ssrc = 0;
  std::string cname;
};

// One m= section. Values of the session level are filled in where the section has none of its own.
struct Section {
  std::string media;  // "video", "audio", "application", ...
  std::uint16_t port = 9;
  std::string protocol;
  std::string mid;
  Direction direction = Direction::SendRecv;
  std::vector<Format> formats;  // in the order of the m= line
  std::vector<Extension> extensions;
  std::vector<Source> sources;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> rtx_sources;  // a=ssrc-group:FID media, repair
  std::string ufrag;
  std::string password;
  std::string fingerprint_algorithm;  // lower case: "sha-256"
  std::string fingerprint;            // upper case: "AB:CD:..."
  std::optional<Setup> setup;
  std::vector<std::string> candidates;  // "candidate:..." lines
  bool rtcp_mux = false;
  bool rtcp_rsize = false;
  bool bundle_only = false;
  bool is_rejected() const { return port == 0 && !bundle_only; }
};

struct Description {
  std::vector<std::string> bundle;  // the mids of the first a=group:BUNDLE
  bool ice_lite = false;
  bool trickle = false;  // a=ice-options:trickle at either level
  std::vector<Section> sections;
};

// Limits of what is read. A text over the first three is refused; more of one kind in a section is left out.
inline constexpr std::size_t kMaxTextBytes = 64 * 1024;
inline constexpr std::size_t kMaxLines = 2000;
inline constexpr std::size_t kMaxSections = 16;
inline constexpr std::size_t kMaxFormats = 64;
inline constexpr std::size_t kMaxOfAKind = 100;  // candidates, sources, extensions

// Comparisons of names in SDP mostly ignore case.
bool equal_without_case(std::string_view a, std::string_view b);

// Accepts CRLF and LF. Unknown attributes are skipped; a malformed line that matters is an error that names it.
base::Result<Description> parse_description(std::string_view text);

}  // namespace webrtc::sdp

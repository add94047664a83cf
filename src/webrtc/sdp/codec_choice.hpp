// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which formats of a section we can use, and what both sides named for them.

#include <string>
#include <string_view>
#include <vector>

#include "webrtc/sdp/negotiation.hpp"

namespace webrtc::sdp {

inline constexpr std::string_view kMidUri = "urn:ietf:params:rtp-hdrext:sdes:mid";
inline constexpr std::string_view kAbsSendTimeUri = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
inline constexpr std::string_view kTransportCcUri =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

// H.264 for video, Opus for audio.
bool is_our_codec(const Format& format, MediaKind kind);

// The usable formats, best first: packetization-mode 1 before 0, constrained baseline up to level 3.1 before others.
std::vector<const Format*> find_our_formats(const Section& section, MediaKind kind);

// The rtx format whose apt is `payload_type`.
std::optional<std::uint8_t> find_rtx(const Section& section, std::uint8_t payload_type);

// "VP8 only", "VP8 and VP9": the media codecs of a section for an error message.
std::string name_codecs(const Section& section);

MediaFeatures features_of(const Format& format, const MediaFeatures& ours);
ExtensionIds extensions_of(const Section& section);

// NAL units of sprop-parameter-sets (RFC 6184 8.1); what does not decode is left out.
std::vector<base::Bytes> parameter_sets_of(const Format& format);

}  // namespace webrtc::sdp

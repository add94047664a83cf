// SPDX-License-Identifier: Apache-2.0
#pragma once
// The numbers of our offers. An extension id means the same URI in every section, or Chromium refuses the offer.

#include <string_view>
#include <vector>

#include "webrtc/sdp/negotiation.hpp"

namespace webrtc::sdp {

inline constexpr std::uint8_t kFirstVideoPayloadType = 102;  // and 103 its rtx, 104 the next profile, ...
inline constexpr std::uint8_t kAudioPayloadType = 111;
inline constexpr std::uint8_t kMidExtension = 1;
inline constexpr std::uint8_t kAbsSendTimeExtension = 2;
inline constexpr std::uint8_t kTransportCcExtension = 3;

std::string_view mid_of(MediaKind kind);
std::vector<Extension> offered_extensions(const MediaFeatures& features);

}  // namespace webrtc::sdp

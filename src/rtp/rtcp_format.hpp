// SPDX-License-Identifier: Apache-2.0
#pragma once
// Numbers of the RTCP formats, for their parser and writer.

#include <cstddef>
#include <cstdint>

namespace rtp {

inline constexpr std::uint8_t kSenderReportType = 200;
inline constexpr std::uint8_t kReceiverReportType = 201;
inline constexpr std::uint8_t kSourceDescriptionType = 202;
inline constexpr std::uint8_t kGoodbyeType = 203;
inline constexpr std::uint8_t kTransportFeedbackType = 205;  // RTPFB
inline constexpr std::uint8_t kPayloadFeedbackType = 206;    // PSFB

inline constexpr unsigned kNackFormat = 1;          // of RTPFB
inline constexpr unsigned kTransportCcFormat = 15;  // of RTPFB
inline constexpr unsigned kPliFormat = 1;           // of PSFB
inline constexpr unsigned kFirFormat = 4;           // of PSFB
inline constexpr unsigned kApplicationFormat = 15;  // of PSFB

inline constexpr std::uint8_t kCnameItem = 1;
inline constexpr std::uint32_t kRembName = 0x52454d42;  // "REMB"
inline constexpr std::size_t kReportBlockBytes = 24;
inline constexpr std::size_t kMaxReportBlocks = 31;

}  // namespace rtp

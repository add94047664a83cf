// SPDX-License-Identifier: Apache-2.0
#pragma once
// RTCP packets as values: RFC 3550 section 6, RFC 4585, RFC 5104, REMB (draft-alvestrand-rmcat-remb-03) and
// transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01).

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace rtp {

struct ReportBlock {
  std::uint32_t ssrc = 0;
  std::uint8_t fraction_lost = 0;    // of 256
  std::int32_t cumulative_lost = 0;  // 24 bits, signed
  std::uint32_t highest_sequence = 0;
  std::uint32_t jitter = 0;                          // RTP ticks
  std::uint32_t last_sender_report = 0;              // middle 32 bits of its NTP time
  std::uint32_t delay_since_last_sender_report = 0;  // 1/65536 s
  bool operator==(const ReportBlock&) const = default;
};

struct SenderReport {
  std::uint32_t ssrc = 0;
  std::uint64_t ntp = 0;  // 32.32 seconds since 1900
  std::uint32_t rtp_timestamp = 0;
  std::uint32_t packet_count = 0;
  std::uint32_t octet_count = 0;
  std::vector<ReportBlock> reports;  // at most 31
  bool operator==(const SenderReport&) const = default;
};

struct ReceiverReport {
  std::uint32_t ssrc = 0;
  std::vector<ReportBlock> reports;  // at most 31
  bool operator==(const ReceiverReport&) const = default;
};

// One chunk with a CNAME, the only item in use.
struct SourceDescription {
  std::uint32_t ssrc = 0;
  std::string cname;
  bool operator==(const SourceDescription&) const = default;
};

struct Goodbye {
  std::vector<std::uint32_t> ssrcs;
  bool operator==(const Goodbye&) const = default;
};

// RFC 4585 6.2.1. `lost` in the order to ask for; writing packs neighbours into PID + BLP.
struct Nack {
  std::uint32_t sender_ssrc = 0;
  std::uint32_t media_ssrc = 0;
  std::vector<std::uint16_t> lost;
  bool operator==(const Nack&) const = default;
};

struct PictureLossIndication {
  std::uint32_t sender_ssrc = 0;
  std::uint32_t media_ssrc = 0;
  bool operator==(const PictureLossIndication&) const = default;
};

// RFC 5104 4.3.1, one entry.
struct FullIntraRequest {
  std::uint32_t sender_ssrc = 0;
  std::uint32_t media_ssrc = 0;
  std::uint8_t sequence = 0;
  bool operator==(const FullIntraRequest&) const = default;
};

struct ReceiverEstimatedBitrate {
  std::uint32_t sender_ssrc = 0;
  std::uint64_t bits_per_second = 0;  // rounded down to an 18-bit mantissa on the wire
  std::vector<std::uint32_t> ssrcs;   // at most 255
  bool operator==(const ReceiverEstimatedBitrate&) const = default;
};

// Transport-wide feedback. Packet i has transport sequence number base_sequence + i.
struct TransportFeedback {
  std::uint32_t sender_ssrc = 0;
  std::uint32_t media_ssrc = 0;
  std::uint16_t base_sequence = 0;
  std::int32_t reference_time = 0;  // 24 bits, signed, units of 64 ms
  std::uint8_t feedback_count = 0;
  // Arrival of each packet after the previous arrival (the first: after the reference time), in 250 us; none: lost.
  std::vector<std::optional<std::int16_t>> deltas;
  bool operator==(const TransportFeedback&) const = default;
};

using RtcpPacket = std::variant<SenderReport, ReceiverReport, SourceDescription, Goodbye, Nack, PictureLossIndication,
                                FullIntraRequest, ReceiverEstimatedBitrate, TransportFeedback>;

// Appends the packets of a compound (or reduced-size) datagram that this server knows; others (XR, APP, SLI, ...) are
// skipped. False when a length does not fit or a known packet is malformed: what was parsed before it stays in `out`.
bool parse_rtcp(base::ByteView datagram, std::vector<RtcpPacket>& out);
// Appends one packet, padded to 32 bits as its type demands.
void write_rtcp(base::Bytes& out, const RtcpPacket& packet);
void write_rtcp(base::Bytes& out, const TransportFeedback& feedback);

// NTP time stamps (RFC 3550 section 4) and UTC.
std::uint64_t to_ntp(base::WallTime time);
base::WallTime from_ntp(std::uint64_t ntp);
inline std::uint32_t middle_of_ntp(std::uint64_t ntp) {
  return static_cast<std::uint32_t>(ntp >> 16);
}

}  // namespace rtp

// SPDX-License-Identifier: Apache-2.0
#include "rtp/rtcp.hpp"
#include "rtp/rtcp_format.hpp"
#include "rtp/transport_feedback.hpp"

namespace rtp {
namespace {

// The 24-bit value as a signed number.
std::int32_t sign_extend_24(std::uint32_t value) {
  return static_cast<std::int32_t>(value << 8) >> 8;
}

std::vector<ReportBlock> read_blocks(base::ByteReader& reader, unsigned count) {
  std::vector<ReportBlock> blocks;
  if (reader.remaining() < count * kReportBlockBytes) {
    reader.skip(reader.remaining() + 1);
    return blocks;
  }
  blocks.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    ReportBlock block;
    block.ssrc = reader.u32();
    block.fraction_lost = reader.u8();
    block.cumulative_lost = sign_extend_24(reader.u24());
    block.highest_sequence = reader.u32();
    block.jitter = reader.u32();
    block.last_sender_report = reader.u32();
    block.delay_since_last_sender_report = reader.u32();
    blocks.push_back(block);
  }
  return blocks;
}

bool parse_sender_report(base::ByteReader reader, unsigned count, std::vector<RtcpPacket>& out) {
  SenderReport report;
  report.ssrc = reader.u32();
  report.ntp = reader.u64();
  report.rtp_timestamp = reader.u32();
  report.packet_count = reader.u32();
  report.octet_count = reader.u32();
  report.reports = read_blocks(reader, count);
  if (reader.ok()) out.emplace_back(std::move(report));
  return reader.ok();
}

bool parse_receiver_report(base::ByteReader reader, unsigned count, std::vector<RtcpPacket>& out) {
  ReceiverReport report;
  report.ssrc = reader.u32();
  report.reports = read_blocks(reader, count);
  if (reader.ok()) out.emplace_back(std::move(report));
  return reader.ok();
}

// Chunks of an SSRC and items (type, length, text) that end with a zero byte and padding to 32 bits.
bool parse_source_description(base::ByteReader reader, unsigned count, std::vector<RtcpPacket>& out) {
  for (unsigned i = 0; i < count; ++i) {
    const std::size_t chunk_start = reader.remaining();
    SourceDescription description;
    description.ssrc = reader.u32();
    while (const std::uint8_t item = reader.u8()) {
      const base::ByteView text = reader.take(reader.u8());
      if (item == kCnameItem) description.cname = base::as_text(text);
    }
    reader.skip((4 - (chunk_start - reader.remaining()) % 4) % 4);
    if (!reader.ok()) return false;
    out.emplace_back(std::move(description));
  }
  return true;
}

bool parse_goodbye(base::ByteReader reader, unsigned count, std::vector<RtcpPacket>& out) {
  Goodbye bye;
  if (reader.remaining() < count * 4U) return false;
  for (unsigned i = 0; i < count; ++i) bye.ssrcs.push_back(reader.u32());
  out.emplace_back(std::move(bye));
  return true;
}

bool parse_nack(base::ByteReader reader, std::vector<RtcpPacket>& out) {
  Nack nack;
  nack.sender_ssrc = reader.u32();
  nack.media_ssrc = reader.u32();
  if (!reader.ok() || reader.remaining() == 0 || reader.remaining() % 4 != 0) return false;
  while (reader.remaining() > 0) {
    const std::uint16_t first = reader.u16();
    const std::uint16_t following = reader.u16();
    nack.lost.push_back(first);
    for (unsigned i = 0; i < 16; ++i) {
      if ((following >> i & 1) != 0) nack.lost.push_back(static_cast<std::uint16_t>(first + 1 + i));
    }
  }
  out.emplace_back(std::move(nack));
  return true;
}

bool parse_full_intra_request(base::ByteReader reader, std::vector<RtcpPacket>& out) {
  const std::uint32_t sender = reader.u32();
  reader.skip(4);
  if (!reader.ok() || reader.remaining() == 0 || reader.remaining() % 8 != 0) return false;
  while (reader.remaining() > 0) {
    FullIntraRequest request{.sender_ssrc = sender};
    request.media_ssrc = reader.u32();
    request.sequence = reader.u8();
    reader.skip(3);
    out.emplace_back(request);
  }
  return true;
}

//  sender SSRC | 0 | 'R' 'E' 'M' 'B' | count 8, exponent 6, mantissa 18 | SSRCs
// Another application's use of this format is skipped without complaint.
bool parse_application_feedback(base::ByteReader reader, std::vector<RtcpPacket>& out) {
  ReceiverEstimatedBitrate remb;
  remb.sender_ssrc = reader.u32();
  reader.skip(4);
  if (reader.u32() != kRembName) return reader.ok();
  const unsigned count = reader.u8();
  const std::uint32_t rate = reader.u24();
  if (!reader.ok() || reader.remaining() < count * 4U) return false;
  const unsigned exponent = rate >> 18;
  const std::uint64_t mantissa = rate & 0x3ffff;
  if (exponent > 46) return false;  // more than 64 bits
  remb.bits_per_second = mantissa << exponent;
  for (unsigned i = 0; i < count; ++i) remb.ssrcs.push_back(reader.u32());
  out.emplace_back(std::move(remb));
  return true;
}

bool parse_feedback(std::uint8_t type, unsigned format, base::ByteReader body, std::vector<RtcpPacket>& out) {
  if (type == kTransportFeedbackType && format == kNackFormat) return parse_nack(body, out);
  if (type == kTransportFeedbackType && format == kTransportCcFormat) {
    auto feedback = parse_transport_feedback(body.rest());
    if (!feedback) return false;
    out.emplace_back(*std::move(feedback));
    return true;
  }
  if (type == kPayloadFeedbackType && format == kPliFormat) {
    PictureLossIndication pli;
    pli.sender_ssrc = body.u32();
    pli.media_ssrc = body.u32();
    if (body.ok()) out.emplace_back(pli);
    return body.ok();
  }
  if (type == kPayloadFeedbackType && format == kFirFormat) return parse_full_intra_request(body, out);
  if (type == kPayloadFeedbackType && format == kApplicationFormat) return parse_application_feedback(body, out);
  return true;
}

bool parse_one(std::uint8_t type, unsigned count, base::ByteReader body, std::vector<RtcpPacket>& out) {
  switch (type) {
    case kSenderReportType:
      return parse_sender_report(body, count, out);
    case kReceiverReportType:
      return parse_receiver_report(body, count, out);
    case kSourceDescriptionType:
      return parse_source_description(body, count, out);
    case kGoodbyeType:
      return parse_goodbye(body, count, out);
    default:
      return parse_feedback(type, count, body, out);
  }
}

}  // namespace

//  |V=2|P|  count  |      PT       |     length in words - 1       |
bool parse_rtcp(base::ByteView datagram, std::vector<RtcpPacket>& out) {
  base::ByteReader reader(datagram);
  if (reader.remaining() == 0) return false;
  while (reader.remaining() > 0) {
    const std::uint8_t first = reader.u8();
    const std::uint8_t type = reader.u8();
    base::ByteView body = reader.take(std::size_t{reader.u16()} * 4);
    if (!reader.ok() || first >> 6 != 2) return false;
    if ((first & 0x20) != 0) {
      if (body.empty() || body.back() == 0 || body.back() > body.size()) return false;
      body = body.first(body.size() - body.back());
    }
    if (!parse_one(type, first & 31U, base::ByteReader(body), out)) return false;
  }
  return true;
}

}  // namespace rtp

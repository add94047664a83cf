// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "rtp/rtcp.hpp"
#include "rtp/rtcp_format.hpp"
#include "rtp/transport_feedback.hpp"

namespace rtp {
namespace {

// 1 January 1970 in seconds since 1 January 1900.
constexpr std::int64_t kUnixEpochInNtp = 2'208'988'800;

void write_block(base::ByteWriter& writer, const ReportBlock& block) {
  writer.u32(block.ssrc);
  writer.u8(block.fraction_lost);
  writer.u24(static_cast<std::uint32_t>(std::clamp(block.cumulative_lost, -0x800000, 0x7fffff)) & 0xffffff);
  writer.u32(block.highest_sequence);
  writer.u32(block.jitter);
  writer.u32(block.last_sender_report);
  writer.u32(block.delay_since_last_sender_report);
}

std::size_t write_blocks(base::ByteWriter& writer, const std::vector<ReportBlock>& blocks) {
  const std::size_t count = std::min(blocks.size(), kMaxReportBlocks);
  for (std::size_t i = 0; i < count; ++i) write_block(writer, blocks[i]);
  return count;
}

// Each writes the body and returns the packet type and the count or format field.
struct Head {
  std::uint8_t type;
  std::size_t count;
};

Head write_body(base::ByteWriter& writer, const SenderReport& report) {
  writer.u32(report.ssrc);
  writer.u64(report.ntp);
  writer.u32(report.rtp_timestamp);
  writer.u32(report.packet_count);
  writer.u32(report.octet_count);
  return {kSenderReportType, write_blocks(writer, report.reports)};
}

Head write_body(base::ByteWriter& writer, const ReceiverReport& report) {
  writer.u32(report.ssrc);
  return {kReceiverReportType, write_blocks(writer, report.reports)};
}

Head write_body(base::ByteWriter& writer, const SourceDescription& description) {
  const std::string_view cname = std::string_view(description.cname).substr(0, 255);
  writer.u32(description.ssrc);
  writer.u8(kCnameItem);
  writer.u8(cname.size());
  writer.text(cname);
  writer.zeros(4 - (cname.size() + 2) % 4);  // at least one: the end of the items
  return {kSourceDescriptionType, 1};
}

Head write_body(base::ByteWriter& writer, const Goodbye& bye) {
  const std::size_t count = std::min<std::size_t>(bye.ssrcs.size(), 31);
  for (std::size_t i = 0; i < count; ++i) writer.u32(bye.ssrcs[i]);
  return {kGoodbyeType, count};
}

Head write_body(base::ByteWriter& writer, const Nack& nack) {
  writer.u32(nack.sender_ssrc);
  writer.u32(nack.media_ssrc);
  for (std::size_t i = 0; i < nack.lost.size();) {
    const std::uint16_t first = nack.lost[i++];
    std::uint32_t following = 0;
    while (i < nack.lost.size()) {
      const auto distance = static_cast<std::uint16_t>(nack.lost[i] - first);
      if (distance < 1 || distance > 16) break;
      following |= 1U << (distance - 1);
      ++i;
    }
    writer.u16(first);
    writer.u16(following);
  }
  return {kTransportFeedbackType, kNackFormat};
}

Head write_body(base::ByteWriter& writer, const PictureLossIndication& pli) {
  writer.u32(pli.sender_ssrc);
  writer.u32(pli.media_ssrc);
  return {kPayloadFeedbackType, kPliFormat};
}

Head write_body(base::ByteWriter& writer, const FullIntraRequest& request) {
  writer.u32(request.sender_ssrc);
  writer.u32(0);
  writer.u32(request.media_ssrc);
  writer.u8(request.sequence);
  writer.zeros(3);
  return {kPayloadFeedbackType, kFirFormat};
}

Head write_body(base::ByteWriter& writer, const ReceiverEstimatedBitrate& remb) {
  writer.u32(remb.sender_ssrc);
  writer.u32(0);
  writer.u32(kRembName);
  const std::size_t count = std::min<std::size_t>(remb.ssrcs.size(), 255);
  const auto width = static_cast<unsigned>(std::bit_width(remb.bits_per_second));
  const unsigned exponent = width > 18 ? width - 18 : 0;
  writer.u8(count);
  writer.u24(exponent << 18 | (remb.bits_per_second >> exponent));
  for (std::size_t i = 0; i < count; ++i) writer.u32(remb.ssrcs[i]);
  return {kPayloadFeedbackType, kApplicationFormat};
}

Head write_body(base::ByteWriter& writer, const TransportFeedback& feedback) {
  write_transport_feedback(writer, feedback);
  return {kTransportFeedbackType, kTransportCcFormat};
}

template <class Body>
void write_packet(base::Bytes& out, const Body& body) {
  base::ByteWriter writer(out);
  const std::size_t start = writer.size();
  writer.u32(0);
  const Head head = write_body(writer, body);
  std::uint64_t first = 0x80U | head.count;
  if (const std::size_t over = (writer.size() - start) % 4; over != 0) {  // transport feedback only
    first |= 0x20;
    const std::size_t padding = 4 - over;
    writer.zeros(padding - 1);
    writer.u8(padding);
  }
  writer.patch(start, first << 24 | std::uint64_t{head.type} << 16 | ((writer.size() - start) / 4 - 1), 4);
}

}  // namespace

void write_rtcp(base::Bytes& out, const RtcpPacket& packet) {
  std::visit([&](const auto& body) { write_packet(out, body); }, packet);
}

void write_rtcp(base::Bytes& out, const TransportFeedback& feedback) {
  write_packet(out, feedback);
}

std::uint64_t to_ntp(base::WallTime time) {
  const std::int64_t microseconds = base::to_microseconds(time);
  const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  const auto rest = static_cast<std::uint64_t>(microseconds - seconds * 1'000'000);
  return static_cast<std::uint64_t>(seconds + kUnixEpochInNtp) << 32 | ((rest << 32) + 500'000) / 1'000'000;
}

base::WallTime from_ntp(std::uint64_t ntp) {
  const std::int64_t seconds = static_cast<std::int64_t>(ntp >> 32) - kUnixEpochInNtp;
  const auto fraction = static_cast<std::int64_t>(((ntp & 0xffffffff) * 1'000'000 + (1ULL << 31)) >> 32);
  return base::from_microseconds(seconds * 1'000'000 + fraction);
}

}  // namespace rtp

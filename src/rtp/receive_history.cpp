// SPDX-License-Identifier: Apache-2.0
// The first viewer's pictures: packets are kept only while somebody is sent them, but what was recorded since the last
// key frame is as good.
#include "codecs/h264_nal.hpp"
#include "rtp/receiver_impl.hpp"
#include "rtp/sender.hpp"

namespace rtp {
namespace {

// A new viewer is sent them all at once: 20 s of 700 kbit/s, or 3 s of a fast camera.
constexpr std::size_t kMostBytes = 2'000'000;
constexpr std::size_t kMostPackets = PacketHistory::kMaxPackets / 2;

// Headers and all, with the frames' own timestamps.
std::vector<base::Bytes> cut(std::span<const EarlierFrame> frames) {
  SenderOptions options;
  options.leading_padding_packets = 0;
  Sender sender(options);
  OutgoingExtensions none;
  std::vector<base::Bytes> packets;
  codecs::Frame frame{codecs::CodecId::H264, false, {}};
  for (const EarlierFrame& each : frames) {
    frame.payload.assign(each.payload.begin(), each.payload.end());
    sender.send_frame({}, {frame, static_cast<std::uint32_t>(each.rtp_timestamp), {}}, none, packets);
  }
  return packets;
}

}  // namespace

// All that came is handed out, and the next packet begins an access unit.
bool Receiver::Impl::is_between_frames() const {
  return source_ && !skipped_ && !awaiting_key_frame_ && !source_->loss_pending && source_->delivered &&
         source_->next == source_->highest + 1 && !source_->h264.is_open();
}

bool Receiver::Impl::fill_history(base::Instant now, std::span<const EarlierFrame> frames) {
  if (!options_.history || !options_.history->is_wanted() || !is_video() || frames.empty()) return false;
  if (!is_between_frames() || frames.back().rtp_timestamp != newest_frame_ || !codecs::h264::has_idr(frames[0].payload))
    return false;
  std::size_t bytes = 0;
  for (const EarlierFrame& frame : frames) bytes += frame.payload.size();
  if (bytes > kMostBytes) return false;
  const std::vector<base::Bytes> cut_anew = cut(frames);
  if (cut_anew.empty() || cut_anew.size() > kMostPackets) return false;
  std::vector<EarlierPacket> packets;
  packets.reserve(cut_anew.size());
  for (const base::Bytes& bytes_of_one : cut_anew) {
    const auto packet = parse_rtp(bytes_of_one);
    packets.push_back({packet->header.timestamp, packet->header.marker, packet->payload});
  }
  options_.history->begin_before(now, source_->next, packets);
  return true;
}

}  // namespace rtp

// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/opener.hpp"

#include <algorithm>
#include <array>

#include "webrtc/srtp/packet_cipher.hpp"
#include "webrtc/srtp/packet_layout.hpp"
#include "webrtc/srtp/replay_window.hpp"
#include "webrtc/srtp/rollover.hpp"
#include "webrtc/srtp/stream_table.hpp"

namespace webrtc::srtp {
namespace {

constexpr std::size_t kRtcpTrailerSize = 4;
constexpr std::uint32_t kEncryptedFlag = 0x8000'0000;

std::array<std::uint8_t, 4> big_endian_32(std::uint64_t value) {
  return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
          static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

// Cheap checks come before the cipher: duplicates cost nothing.
bool is_fresh(const ReplayWindow* window, std::uint64_t index, OpenStats& stats) {
  if (window == nullptr) return true;
  switch (window->check(index)) {
    case ReplayWindow::Verdict::Fresh:
      return true;
    case ReplayWindow::Verdict::Replayed:
      ++stats.replayed;
      return false;
    case ReplayWindow::Verdict::TooOld:
      ++stats.too_old;
      return false;
  }
  return false;
}

// State for an SSRC is made only once a packet of it proved authentic.
bool accept(StreamTable<ReplayWindow>& streams, ReplayWindow* window, std::uint32_t ssrc, std::uint64_t index,
            OpenStats& stats) {
  if (window == nullptr) window = streams.add(ssrc);
  if (window == nullptr) {
    ++stats.too_many_streams;
    return false;
  }
  window->accept(index);
  ++stats.opened;
  return true;
}

struct RtcpPieces {
  std::uint32_t trailer;
  base::MutableByteView body;  // without trailer and tag
  base::ByteView trailer_bytes;
  base::ByteView tag;
};

// RFC 3711 3.4: body | trailer | tag. RFC 7714 9.2: body | tag | trailer.
std::optional<RtcpPieces> split_rtcp(Profile profile, base::MutableByteView packet) {
  const std::size_t tag = tag_size(profile);
  if (packet.size() < kRtcpClearSize + tag + kRtcpTrailerSize) return std::nullopt;
  const std::size_t body = packet.size() - tag - kRtcpTrailerSize;
  const bool tag_first = profile == Profile::AeadAes128Gcm;
  const base::ByteView trailer = packet.subspan(tag_first ? body + tag : body, kRtcpTrailerSize);
  return RtcpPieces{.trailer = base::ByteReader(trailer).u32(),
                    .body = packet.first(body),
                    .trailer_bytes = trailer,
                    .tag = packet.subspan(tag_first ? body : body + kRtcpTrailerSize, tag)};
}

}  // namespace

struct Opener::State {
  PacketCipher rtp;
  PacketCipher rtcp;
  StreamTable<ReplayWindow> rtp_streams;
  StreamTable<ReplayWindow> rtcp_streams;
  OpenStats rtp_stats;
  OpenStats rtcp_stats;
};

Opener::Opener(Profile profile, base::ByteView master_key, base::ByteView master_salt)
    : state_(new State{
          .rtp = PacketCipher(profile, derive_session_keys(profile, master_key, master_salt, PacketKind::Rtp)),
          .rtcp = PacketCipher(profile, derive_session_keys(profile, master_key, master_salt, PacketKind::Rtcp)),
          .rtp_streams = {},
          .rtcp_streams = {},
          .rtp_stats = {},
          .rtcp_stats = {}}) {}
Opener::~Opener() = default;
Opener::Opener(Opener&&) noexcept = default;
Opener& Opener::operator=(Opener&&) noexcept = default;

std::optional<base::MutableByteView> Opener::open_rtp(base::MutableByteView packet) {
  State& state = *state_;
  const Profile profile = state.rtp.profile();
  const auto layout = find_rtp_layout(packet);
  if (!layout || packet.size() < layout->header_size + tag_size(profile)) {
    ++state.rtp_stats.malformed;
    return std::nullopt;
  }
  ReplayWindow* window = state.rtp_streams.find(layout->ssrc);
  const auto index =
      estimate_index(window == nullptr ? std::nullopt : std::optional(window->highest()), layout->sequence);
  if (!index) {
    ++state.rtp_stats.too_old;
    return std::nullopt;
  }
  if (!is_fresh(window, *index, state.rtp_stats)) return std::nullopt;

  const auto rollover = big_endian_32(*index >> 16);
  const auto plain = packet.first(packet.size() - tag_size(profile));
  const PacketPieces pieces{.ssrc = layout->ssrc,
                            .index = *index,
                            .clear = plain.first(layout->header_size),
                            .secret = plain.subspan(layout->header_size),
                            .trailer = profile == Profile::AeadAes128Gcm ? base::ByteView() : rollover};
  if (!state.rtp.open(pieces, packet.subspan(plain.size()))) {
    ++state.rtp_stats.not_authentic;
    return std::nullopt;
  }
  if (!accept(state.rtp_streams, window, layout->ssrc, *index, state.rtp_stats)) return std::nullopt;
  return plain;
}

std::optional<base::MutableByteView> Opener::open_rtcp(base::MutableByteView packet) {
  State& state = *state_;
  const auto ssrc = find_rtcp_ssrc(packet);
  const auto split = split_rtcp(state.rtcp.profile(), packet);
  if (!ssrc || !split) {
    ++state.rtcp_stats.malformed;
    return std::nullopt;
  }
  const std::uint64_t index = split->trailer & ~kEncryptedFlag;
  ReplayWindow* window = state.rtcp_streams.find(*ssrc);
  if (!is_fresh(window, index, state.rtcp_stats)) return std::nullopt;

  const bool encrypted = (split->trailer & kEncryptedFlag) != 0;
  const std::size_t clear = encrypted ? kRtcpClearSize : split->body.size();
  const PacketPieces pieces{.ssrc = *ssrc,
                            .index = index,
                            .clear = split->body.first(clear),
                            .secret = split->body.subspan(clear),
                            .trailer = split->trailer_bytes};
  if (!state.rtcp.open(pieces, split->tag)) {
    ++state.rtcp_stats.not_authentic;
    return std::nullopt;
  }
  if (!accept(state.rtcp_streams, window, *ssrc, index, state.rtcp_stats)) return std::nullopt;
  return split->body;
}

void Opener::open_rtp_batch(std::span<base::MutableByteView> packets) {
  for (base::MutableByteView& packet : packets) packet = open_rtp(packet).value_or(base::MutableByteView());
}

const OpenStats& Opener::rtp_stats() const {
  return state_->rtp_stats;
}
const OpenStats& Opener::rtcp_stats() const {
  return state_->rtcp_stats;
}

}  // namespace webrtc::srtp

// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/opener.hpp"

#include "webrtc/srtp/opener_state.hpp"
#include "webrtc/srtp/packet_layout.hpp"
#include "webrtc/srtp/rollover.hpp"

namespace webrtc::srtp {
namespace {

constexpr std::size_t kRtcpTrailerSize = 4;
constexpr std::uint32_t kEncryptedFlag = 0x8000'0000;

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

Opener::Opener(Profile profile, base::ByteView master_key, base::ByteView master_salt, Engine engine)
    : state_(new State{
          .rtp = PacketCipher(profile, derive_session_keys(profile, master_key, master_salt, PacketKind::Rtp), engine),
          .rtp_streams = {},
          .rtp_stats = {},
          .rtcp =
              PacketCipher(profile, derive_session_keys(profile, master_key, master_salt, PacketKind::Rtcp), engine),
          .rtcp_streams = {},
          .rtcp_stats = {}}) {}
Opener::~Opener() = default;
Opener::Opener(Opener&&) noexcept = default;
Opener& Opener::operator=(Opener&&) noexcept = default;

std::optional<Opener::State::Claim> Opener::State::read_claim(base::ByteView packet) {
  const auto layout = find_rtp_layout(packet);
  if (!layout || packet.size() < layout->header_size + tag_size(rtp.profile())) {
    ++rtp_stats.malformed;
    return std::nullopt;
  }
  const ReplayWindow* window = rtp_streams.find(layout->ssrc);
  const auto index =
      estimate_index(window == nullptr ? std::nullopt : std::optional(window->highest()), layout->sequence);
  if (!index) {
    ++rtp_stats.too_old;
    return std::nullopt;
  }
  if (!is_fresh(window, *index, rtp_stats)) return std::nullopt;
  return Claim{layout->ssrc, *index, layout->header_size, window != nullptr};
}

PacketPieces Opener::State::pieces_of(const Claim& claim, base::MutableByteView packet, base::ByteView rollover) const {
  const base::MutableByteView plain = packet.first(packet.size() - tag_size(rtp.profile()));
  return {.ssrc = claim.ssrc,
          .index = claim.index,
          .clear = plain.first(claim.header_size),
          .secret = plain.subspan(claim.header_size),
          .trailer = rollover};
}

bool Opener::State::accept(const Claim& claim) {
  ReplayWindow* window = rtp_streams.find(claim.ssrc);
  return is_fresh(window, claim.index, rtp_stats) &&
         srtp::accept(rtp_streams, window, claim.ssrc, claim.index, rtp_stats);
}

std::optional<base::MutableByteView> Opener::State::open(const Claim& claim, base::MutableByteView packet) {
  const auto rollover = rollover_of(claim.index);
  const bool covers_rollover = rtp.profile() == Profile::Aes128CmSha1_80;
  const PacketPieces pieces = pieces_of(claim, packet, covers_rollover ? base::ByteView(rollover) : base::ByteView());
  if (!rtp.open(pieces, packet.last(tag_size(rtp.profile())))) {
    ++rtp_stats.not_authentic;
    return std::nullopt;
  }
  if (!accept(claim)) return std::nullopt;
  return packet.first(packet.size() - tag_size(rtp.profile()));
}

std::optional<base::MutableByteView> Opener::open_rtp(base::MutableByteView packet) {
  const auto claim = state_->read_claim(packet);
  if (!claim) return std::nullopt;
  return state_->open(*claim, packet);
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

void Opener::prefetch_state() const {
  prefetch_lines(state_.get(), 2);
}

void Opener::prefetch_keys() const {
  state_->rtp.prefetch();
  state_->rtp_streams.prefetch();
}

void Opener::prefetch_windows() const {
  state_->rtp_streams.prefetch_states();
}

std::span<const std::uint32_t> Opener::rtp_ssrcs() const {
  return state_->rtp_streams.ssrcs();
}
const OpenStats& Opener::rtp_stats() const {
  return state_->rtp_stats;
}
const OpenStats& Opener::rtcp_stats() const {
  return state_->rtcp_stats;
}

}  // namespace webrtc::srtp

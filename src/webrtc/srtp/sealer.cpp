// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/sealer.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "webrtc/srtp/packet_cipher.hpp"
#include "webrtc/srtp/packet_layout.hpp"
#include "webrtc/srtp/rollover.hpp"
#include "webrtc/srtp/stream_table.hpp"

namespace webrtc::srtp {
namespace {

constexpr std::uint64_t kEncryptedFlag = 0x8000'0000;
constexpr std::uint64_t kMaxRtcpIndex = 0x7fff'ffff;

}  // namespace

struct Sealer::State {
  PacketCipher rtp;
  StreamTable<std::optional<std::uint64_t>> rtp_highest;  // index of the newest packet
  PacketCipher rtcp;
  StreamTable<std::uint64_t> rtcp_last;  // index of the last packet; the first has 1
};

Sealer::Sealer(Profile profile, base::ByteView master_key, base::ByteView master_salt, Engine engine)
    : state_(new State{
          .rtp = PacketCipher(profile, derive_session_keys(profile, master_key, master_salt, PacketKind::Rtp), engine),
          .rtp_highest = {},
          .rtcp =
              PacketCipher(profile, derive_session_keys(profile, master_key, master_salt, PacketKind::Rtcp), engine),
          .rtcp_last = {}}) {}
Sealer::~Sealer() = default;
Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;

Profile Sealer::profile() const {
  return state_->rtp.profile();
}

void Sealer::prefetch_state() const {
  prefetch_lines(state_.get(), 2);
}

void Sealer::prefetch_keys() const {
  state_->rtp.prefetch();
  state_->rtp_highest.prefetch();
}

bool Sealer::seal_rtp(base::Bytes& packet) {
  const std::size_t plain_size = packet.size();
  packet.resize(plain_size + tag_size(profile()));
  if (seal_rtp_in_place(packet)) return true;
  packet.resize(plain_size);
  return false;
}

bool Sealer::seal_rtp_in_place(base::MutableByteView packet) {
  State& state = *state_;
  const Profile profile = state.rtp.profile();
  if (packet.size() < tag_size(profile)) return false;
  const base::MutableByteView plain = packet.first(packet.size() - tag_size(profile));
  const auto layout = find_rtp_layout(plain);
  if (!layout) return false;
  auto* highest = state.rtp_highest.find(layout->ssrc);
  if (highest == nullptr) highest = state.rtp_highest.add(layout->ssrc);
  if (highest == nullptr) return false;
  const auto index = estimate_index(*highest, layout->sequence);
  if (!index) return false;
  *highest = std::max(highest->value_or(0), *index);

  const auto rollover = rollover_of(*index);
  const bool covers_rollover = profile == Profile::Aes128CmSha1_80;
  const PacketPieces pieces{.ssrc = layout->ssrc,
                            .index = *index,
                            .clear = plain.first(layout->header_size),
                            .secret = plain.subspan(layout->header_size),
                            .trailer = covers_rollover ? base::ByteView(rollover) : base::ByteView()};
  state.rtp.seal(pieces, packet.subspan(plain.size()));
  return true;
}

bool Sealer::seal_rtcp(base::Bytes& packet) {
  State& state = *state_;
  const auto ssrc = find_rtcp_ssrc(packet);
  if (!ssrc) return false;
  auto* last = state.rtcp_last.find(*ssrc);
  if (last == nullptr) last = state.rtcp_last.add(*ssrc);
  if (last == nullptr || *last == kMaxRtcpIndex) return false;
  ++*last;

  const std::array<std::uint8_t, 4> trailer = big_endian_32(kEncryptedFlag | *last);
  std::array<std::uint8_t, 16> tag_room;
  const base::MutableByteView tag = base::MutableByteView(tag_room).first(tag_size(state.rtcp.profile()));
  const base::MutableByteView plain(packet);
  const PacketPieces pieces{.ssrc = *ssrc,
                            .index = *last,
                            .clear = plain.first(kRtcpClearSize),
                            .secret = plain.subspan(kRtcpClearSize),
                            .trailer = trailer};
  state.rtcp.seal(pieces, tag);
  const bool tag_first = state.rtcp.profile() == Profile::AeadAes128Gcm;  // RFC 7714 9.2
  packet.reserve(packet.size() + kMaxExpansion);
  base::append(packet, tag_first ? base::ByteView(tag) : trailer);
  base::append(packet, tag_first ? base::ByteView(trailer) : tag);
  return true;
}

}  // namespace webrtc::srtp

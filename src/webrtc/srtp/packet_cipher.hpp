// SPDX-License-Identifier: Apache-2.0
#pragma once
// The cryptographic transform of one packet, for both profiles and for RTP and RTCP alike.

#include <cstdint>
#include <variant>

#include "base/bytes.hpp"
#include "webrtc/srtp/cm_lanes.hpp"
#include "webrtc/srtp/evp_handles.hpp"
#include "webrtc/srtp/fast_gcm.hpp"
#include "webrtc/srtp/key_derivation.hpp"
#include "webrtc/srtp/profile.hpp"

namespace webrtc::srtp {

// Where the pieces of a packet lie. `secret` follows `clear` directly.
struct PacketPieces {
  std::uint32_t ssrc = 0;
  std::uint64_t index = 0;       // 48 bits: ROC and sequence number, or the SRTCP index
  base::MutableByteView clear;   // authenticated only
  base::MutableByteView secret;  // authenticated and encrypted
  base::ByteView trailer;        // authenticated after them: the ROC (CM only), or E and the SRTCP index
};

// Asks for the first lines of what a packet needs; null asks for nothing.
inline void prefetch_lines(const void* from, std::size_t count) {
  for (std::size_t i = 0; from != nullptr && i < count; ++i) {
    __builtin_prefetch(static_cast<const std::uint8_t*>(from) + 64 * i);
  }
}

// RFC 3711: AES-128 in counter mode, HMAC-SHA1 cut to 80 bits.
class CounterModeCipher {
 public:
  explicit CounterModeCipher(const SessionKeys& keys, Engine engine = Engine::Best);
  bool open(const PacketPieces& pieces, base::ByteView tag);
  void seal(const PacketPieces& pieces, base::MutableByteView tag);
  std::array<std::uint8_t, 16> counter_of(const PacketPieces& pieces) const;
  // For opening many packets at once; null: this machine cannot.
  const CmLaneKeys* lane_keys() const { return lanes_.get(); }
  void prefetch() const { prefetch_lines(lanes_.get(), 3); }

 private:
  void apply_key_stream(const PacketPieces& pieces);
  void authenticate(const PacketPieces& pieces, base::MutableByteView tag);

  std::array<std::uint8_t, 14> salt_;
  CipherContext cipher_;
  MacContext mac_;
  CmLaneKey lanes_;
};

// RFC 7714: AES-128-GCM with a 16-byte tag.
class GcmCipher {
 public:
  explicit GcmCipher(const SessionKeys& keys, Engine engine = Engine::Best);
  bool open(const PacketPieces& pieces, base::ByteView tag);
  void seal(const PacketPieces& pieces, base::MutableByteView tag);
  void prefetch() const {
    if (fast_ != nullptr) prefetch_fast_gcm(*fast_);
  }

 private:
  std::array<std::uint8_t, 12> nonce_of(const PacketPieces& pieces) const;
  void seal_by_openssl(const PacketPieces& pieces, base::MutableByteView tag);
  bool open_by_openssl(const PacketPieces& pieces, base::ByteView tag);

  std::array<std::uint8_t, 12> salt_;
  FastGcmKey fast_;        // null: this machine has OpenSSL's only
  CipherContext encrypt_;  // null: not needed
  CipherContext decrypt_;
};

// Keyed once; serves every SSRC of one direction and kind. Tags have tag_size(profile) bytes.
class PacketCipher {
 public:
  PacketCipher(Profile profile, const SessionKeys& keys, Engine engine = Engine::Best);
  Profile profile() const { return profile_; }
  // False if the tag is wrong; `secret` is undefined then.
  bool open(const PacketPieces& pieces, base::ByteView tag);
  void seal(const PacketPieces& pieces, base::MutableByteView tag);
  // As CounterModeCipher's; null for AES-GCM.
  const CmLaneKeys* lane_keys() const;
  std::array<std::uint8_t, 16> counter_of(const PacketPieces& pieces) const;
  void prefetch() const;

 private:
  Profile profile_;
  std::variant<CounterModeCipher, GcmCipher> cipher_;
};

}  // namespace webrtc::srtp

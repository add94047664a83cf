// SPDX-License-Identifier: Apache-2.0
#pragma once
// The cryptographic transform of one packet, for both profiles and for RTP and RTCP alike.

#include <cstdint>
#include <variant>

#include "base/bytes.hpp"
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

// RFC 3711: AES-128 in counter mode, HMAC-SHA1 cut to 80 bits.
class CounterModeCipher {
 public:
  explicit CounterModeCipher(const SessionKeys& keys);
  bool open(const PacketPieces& pieces, base::ByteView tag);
  void seal(const PacketPieces& pieces, base::MutableByteView tag);

 private:
  void apply_key_stream(const PacketPieces& pieces);
  void authenticate(const PacketPieces& pieces, base::MutableByteView tag);

  std::array<std::uint8_t, 14> salt_;
  CipherContext cipher_;
  MacContext mac_;
};

// RFC 7714: AES-128-GCM with a 16-byte tag.
class GcmCipher {
 public:
  explicit GcmCipher(const SessionKeys& keys);
  bool open(const PacketPieces& pieces, base::ByteView tag);
  void seal(const PacketPieces& pieces, base::MutableByteView tag);

 private:
  std::array<std::uint8_t, 12> nonce_of(const PacketPieces& pieces) const;

  std::array<std::uint8_t, 12> salt_;
  CipherContext encrypt_;
  CipherContext decrypt_;
  FastGcmKey fast_;  // null: this machine has OpenSSL's only
};

// Keyed once; serves every SSRC of one direction and kind. Tags have tag_size(profile) bytes.
class PacketCipher {
 public:
  PacketCipher(Profile profile, const SessionKeys& keys);
  Profile profile() const { return profile_; }
  // False if the tag is wrong; `secret` is undefined then.
  bool open(const PacketPieces& pieces, base::ByteView tag);
  void seal(const PacketPieces& pieces, base::MutableByteView tag);

 private:
  Profile profile_;
  std::variant<CounterModeCipher, GcmCipher> cipher_;
};

}  // namespace webrtc::srtp

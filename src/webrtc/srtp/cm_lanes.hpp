// SPDX-License-Identifier: Apache-2.0
#pragma once
// AES-128 in counter mode and HMAC-SHA1 for many packets at once, by Intel's IPsec-MB, where the build and the
// processor have it: SHA-1 of one packet is a chain of steps that wait for each other, of sixteen packets it is not.

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.hpp"

namespace webrtc::srtp {

// The expanded keys of one direction; wiped when they go.
struct CmLaneKeys;
struct FreeCmLaneKeys {
  void operator()(CmLaneKeys* keys) const;
};
using CmLaneKey = std::unique_ptr<CmLaneKeys, FreeCmLaneKeys>;

// Null where there is no such implementation.
CmLaneKey make_cm_lane_key(base::ByteView cipher_key, base::ByteView authentication_key);

// How many go together; more gain nothing.
inline constexpr std::size_t kMaxLaneJobs = 64;

struct CmLaneJob {
  const CmLaneKeys* keys = nullptr;
  base::ByteView authenticated;  // in one piece: the packet and the ROC behind it
  base::MutableByteView secret;
  std::array<std::uint8_t, 16> iv{};
  std::array<std::uint8_t, 20> digest{};
};

// Writes the digest of each job; at most kMaxLaneJobs.
void authenticate_in_lanes(std::span<CmLaneJob> jobs);
// Decrypts the secret of each job in place; at most kMaxLaneJobs.
void decrypt_in_lanes(std::span<CmLaneJob> jobs);

}  // namespace webrtc::srtp

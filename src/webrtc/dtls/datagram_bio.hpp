// SPDX-License-Identifier: Apache-2.0
#pragma once
// An OpenSSL BIO that keeps datagram boundaries, in memory: reads see one datagram each, each write is one datagram.

#include <deque>

#include "base/bytes.hpp"
#include "webrtc/dtls/openssl_handles.hpp"

namespace webrtc::dtls {

// What the BIO reads from and writes to. Outlives the BIO and does not move.
struct DatagramQueues {
  base::ByteView incoming;           // the datagram that is being handled; empty once it was read
  std::deque<base::Bytes> outgoing;  // bounded by OpenSSL: a flight, repeated at most 12 times
};

BioHandle make_datagram_bio(DatagramQueues& queues);

}  // namespace webrtc::dtls

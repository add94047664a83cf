// SPDX-License-Identifier: Apache-2.0
#include "webrtc/dtls/datagram_bio.hpp"

#include <algorithm>

namespace webrtc::dtls {
namespace {

// A peer that makes us answer without draining is cut off here; a flight has at most five datagrams.
constexpr std::size_t kMaxOutgoing = 64;

DatagramQueues& queues_of(BIO* bio) {
  return *static_cast<DatagramQueues*>(BIO_get_data(bio));
}

int read_datagram(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  base::ByteView& incoming = queues_of(bio).incoming;
  if (incoming.empty() || size <= 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  // As a socket does: what does not fit is lost.
  const std::size_t count = std::min(incoming.size(), static_cast<std::size_t>(size));
  std::copy_n(incoming.begin(), count, reinterpret_cast<std::uint8_t*>(out));
  incoming = {};
  return static_cast<int>(count);
}

int write_datagram(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  auto& outgoing = queues_of(bio).outgoing;
  if (outgoing.size() < kMaxOutgoing) {
    const auto* first = reinterpret_cast<const std::uint8_t*>(bytes);
    outgoing.emplace_back(first, first + size);
  }
  return size;
}

long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* datagram_method() {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram queues");
    BIO_meth_set_read(made, read_datagram);
    BIO_meth_set_write(made, write_datagram);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return kMethod;
}

}  // namespace

BioHandle make_datagram_bio(DatagramQueues& queues) {
  BioHandle bio(BIO_new(datagram_method()));
  if (bio != nullptr) {
    BIO_set_data(bio.get(), &queues);
    BIO_set_init(bio.get(), 1);
  }
  return bio;
}

}  // namespace webrtc::dtls

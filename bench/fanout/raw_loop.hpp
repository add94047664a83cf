// SPDX-License-Identifier: Apache-2.0
#pragma once
// What forwarding costs at least: for each viewer the packets of a frame copied, sealed with OpenSSL's AES-128-GCM and
// handed to the kernel as one segmented datagram (UDP_SEGMENT), 64 viewers a system call. Nothing else.

#include <netinet/in.h>
#include <openssl/evp.h>

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace fanout {

class RawLoop {
 public:
  // One viewer for each port of 127.0.0.1.
  explicit RawLoop(const std::vector<std::uint16_t>& ports);
  ~RawLoop();
  RawLoop(const RawLoop&) = delete;
  RawLoop& operator=(const RawLoop&) = delete;

  void send_frame(const std::vector<base::Bytes>& payloads);
  std::uint64_t sent() const { return sent_; }  // packets
  std::uint64_t failed() const { return failed_; }

 private:
  struct Viewer {
    sockaddr_in address{};
    EVP_CIPHER_CTX* cipher = nullptr;
    std::uint16_t sequence = 0;
  };
  std::size_t write(Viewer& viewer, const std::vector<base::Bytes>& payloads, std::uint8_t* out);
  void send_batch(std::size_t first, std::size_t count, const std::vector<base::Bytes>& payloads);

  int socket_;
  std::vector<Viewer> viewers_;
  base::Bytes arena_;
  std::uint64_t sent_ = 0;
  std::uint64_t failed_ = 0;
};

}  // namespace fanout

// SPDX-License-Identifier: Apache-2.0
#include "fanout/raw_loop.hpp"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace fanout {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kHeader = 12 + 12;  // RTP with one block of extensions (mid and a transport-wide number)
constexpr std::size_t kTag = 16;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

RawLoop::RawLoop(const std::vector<std::uint16_t>& ports) : socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
  require(socket_ >= 0);
  for (const std::uint16_t port : ports) {
    Viewer& viewer = viewers_.emplace_back();
    viewer.address.sin_family = AF_INET;
    viewer.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    viewer.address.sin_port = htons(port);
    viewer.cipher = EVP_CIPHER_CTX_new();
    std::array<std::uint8_t, 16> key{};
    std::memcpy(key.data(), &port, sizeof port);
    require(EVP_EncryptInit_ex(viewer.cipher, EVP_aes_128_gcm(), nullptr, key.data(), nullptr) == 1);
  }
}

RawLoop::~RawLoop() {
  close(socket_);
  for (Viewer& viewer : viewers_) EVP_CIPHER_CTX_free(viewer.cipher);
}

std::size_t RawLoop::write(Viewer& viewer, const std::vector<base::Bytes>& payloads, std::uint8_t* out) {
  std::uint8_t* const begin = out;
  for (const base::Bytes& payload : payloads) {
    std::array<std::uint8_t, kHeader> header{0x90, 0x60};
    const std::uint16_t sequence = htons(viewer.sequence++);
    std::memcpy(&header[2], &sequence, sizeof sequence);
    std::array<std::uint8_t, 12> nonce{};
    std::memcpy(&nonce[10], &sequence, sizeof sequence);
    std::memcpy(out, header.data(), kHeader);
    std::memcpy(out + kHeader, payload.data(), payload.size());
    int written = 0;
    const int size = static_cast<int>(payload.size());
    require(EVP_EncryptInit_ex(viewer.cipher, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
            EVP_EncryptUpdate(viewer.cipher, nullptr, &written, out, static_cast<int>(kHeader)) == 1 &&
            EVP_EncryptUpdate(viewer.cipher, out + kHeader, &written, out + kHeader, size) == 1);
    out += kHeader + payload.size();
    require(EVP_EncryptFinal_ex(viewer.cipher, out, &written) == 1 &&
            EVP_CIPHER_CTX_ctrl(viewer.cipher, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTag), out) == 1);
    out += kTag;
  }
  return static_cast<std::size_t>(out - begin);
}

void RawLoop::send_frame(const std::vector<base::Bytes>& payloads) {
  for (std::size_t first = 0; first < viewers_.size(); first += kBatch)
    send_batch(first, std::min(kBatch, viewers_.size() - first), payloads);
}

void RawLoop::send_batch(std::size_t first, std::size_t count, const std::vector<base::Bytes>& payloads) {
  struct Control {
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
  };
  static std::array<mmsghdr, kBatch> headers;
  static std::array<iovec, kBatch> vectors;
  static std::array<Control, kBatch> controls;
  std::size_t each = 0;
  for (const base::Bytes& payload : payloads) each += kHeader + payload.size() + kTag;
  arena_.resize(each * kBatch);
  for (std::size_t i = 0; i < count; ++i) {
    Viewer& viewer = viewers_[first + i];
    std::uint8_t* const place = arena_.data() + i * each;
    vectors[i] = {place, write(viewer, payloads, place)};
    msghdr& header = headers[i].msg_hdr;
    header = {};
    header.msg_name = &viewer.address;
    header.msg_namelen = sizeof viewer.address;
    header.msg_iov = &vectors[i];
    header.msg_iovlen = 1;
    if (payloads.size() < 2) continue;
    header.msg_control = controls[i].bytes.data();
    header.msg_controllen = controls[i].bytes.size();
    cmsghdr* const control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto segment = static_cast<std::uint16_t>(kHeader + payloads.front().size() + kTag);
    std::memcpy(CMSG_DATA(control), &segment, sizeof segment);
  }
  const int sent = sendmmsg(socket_, headers.data(), static_cast<unsigned>(count), 0);
  const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  sent_ += taken * payloads.size();
  failed_ += (count - taken) * payloads.size();
}

}  // namespace fanout

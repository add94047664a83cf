// SPDX-License-Identifier: Apache-2.0
// The raw pipeline: receive on a tick, open SRTP, copy into the fragment's buffer, append to a log, fdatasync. What any
// recorder of WebRTC has to do at least; no ICE, repair, reports, Matroska or index.
//
// ingest_raw_receive --log FILE [--cameras 100] [--profile aes-gcm|aes-cm] [--seconds 60]
//   prints {"port":N}, waits until every camera was heard, measures, and prints one line of JSON.
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <cstring>

#include "base/check.hpp"
#include "ingest/raw_keys.hpp"
#include "ingest/raw_log.hpp"
#include "ingest/raw_open.hpp"

namespace {

using ingest::RawOpener;
using webrtc::srtp::Profile;

constexpr std::size_t kBatch = 128;
constexpr std::size_t kSize = 2048;
constexpr long kTickNs = 2'000'000;
constexpr std::uint32_t kFragmentTicks = 2 * 90'000;

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::uint32_t u32(base::ByteView bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24 | static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

class Pipeline {
 public:
  Pipeline(const std::string& log, Profile profile, std::uint32_t cameras, int fd)
      : log_(log),
        opener_(ingest::make_raw_opener(profile, cameras)),
        tag_(tag_size(profile)),
        fd_(fd),
        cameras_(cameras) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors_[i] = {buffers_.data() + i * kSize, kSize};
      headers_[i] = {};
      headers_[i].msg_hdr.msg_iov = &vectors_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  void drain() {
    for (;;) {
      for (std::size_t i = 0; i < kBatch; ++i) {
        headers_[i].msg_hdr.msg_control = controls_[i].data();
        headers_[i].msg_hdr.msg_controllen = controls_[i].size();
        headers_[i].msg_hdr.msg_name = &sources_[i];
        headers_[i].msg_hdr.msg_namelen = sizeof sources_[i];
      }
      const int count = recvmmsg(fd_, headers_.data(), kBatch, MSG_DONTWAIT, nullptr);
      if (count <= 0) return;
      take(static_cast<std::size_t>(count));
      if (count < static_cast<int>(kBatch)) return;
    }
  }

  std::uint64_t packets = 0, bad = 0, drops = 0;
  std::uint32_t heard = 0;
  std::uint64_t log_bytes() const { return log_.bytes(); }

 private:
  struct Camera {
    base::Bytes fragment;
    std::uint32_t began = 0;
    bool heard = false;
  };

  void take(std::size_t count) {
    batch_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      note_drops(headers_[i].msg_hdr);
      const base::MutableByteView bytes = base::MutableByteView(buffers_).subspan(i * kSize, headers_[i].msg_len);
      const std::size_t extension =
          12 + (bytes.size() > 16 && (bytes[0] & 0x10) != 0 ? 4 + 4 * std::size_t{bytes[15]} : 0);
      const std::uint32_t camera = bytes.size() > extension + tag_ ? ingest::camera_of(u32(bytes, 8)) : UINT32_MAX;
      if (camera >= cameras_.size()) {
        ++bad;
        continue;
      }
      batch_.push_back({camera, extension, bytes});
    }
    opener_->open(batch_);
    packets += count;
    for (const RawOpener::Packet& packet : batch_) {
      if (packet.opened) {
        store(packet);
      } else {
        ++bad;
      }
    }
  }

  void note_drops(msghdr& header) {
    for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
      std::uint32_t total = 0;
      if (control->cmsg_type == SO_RXQ_OVFL) std::memcpy(&total, CMSG_DATA(control), sizeof total);
      if (total != 0) drops = total;
    }
  }

  void store(const RawOpener::Packet& packet) {
    Camera& camera = cameras_[packet.camera];
    const bool video = (packet.bytes[1] & 0x7f) == ingest::kVideoType;
    const std::uint32_t time = u32(packet.bytes, 4);
    if (!camera.heard) {
      camera.heard = true;
      ++heard;
    }
    if (video && !camera.fragment.empty() && time - camera.began >= kFragmentTicks) {
      const std::size_t size = camera.fragment.size();
      camera.fragment = log_.append(std::move(camera.fragment));
      camera.fragment.reserve(size + size / 8);
    }
    if (video && camera.fragment.empty()) camera.began = time;
    base::append(camera.fragment, packet.bytes.first(12));
    base::append(camera.fragment,
                 packet.bytes.subspan(packet.header_size, packet.bytes.size() - packet.header_size - tag_));
  }

  ingest::RawLog log_;
  std::unique_ptr<RawOpener> opener_;
  const std::size_t tag_;
  const int fd_;
  std::vector<Camera> cameras_;
  std::vector<RawOpener::Packet> batch_;
  base::Bytes buffers_ = base::Bytes(kBatch * kSize);
  std::array<iovec, kBatch> vectors_;
  std::array<mmsghdr, kBatch> headers_;
  std::array<sockaddr_in, kBatch> sources_;
  struct Control {
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(4)> bytes;
    void* data() { return bytes.data(); }
    std::size_t size() const { return bytes.size(); }
  };
  std::array<Control, kBatch> controls_;
};

int open_socket(std::uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  CHECK(fd >= 0);
  const int bytes = 32 << 20;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The raw pipeline.");
  std::string log, profile = "aes-gcm";
  std::uint32_t cameras = 100;
  double seconds = 60, patience = 60;
  app.add_option("--log", log, "file to write")->required();
  app.add_option("--cameras", cameras);
  app.add_option("--seconds", seconds);
  app.add_option("--profile", profile)->check(CLI::IsMember({"aes-gcm", "aes-cm"}));
  CLI11_PARSE(app, argc, argv);
  std::uint16_t port = 0;
  const int fd = open_socket(port);
  Pipeline pipeline(log, profile == "aes-cm" ? Profile::Aes128CmSha1_80 : Profile::AeadAes128Gcm, cameras, fd);
  fmt::print("{{\"port\":{}}}\n", port);
  std::fflush(stdout);

  const auto run_for = [&](double length, auto&& until) {
    const double end = seconds_of(CLOCK_MONOTONIC) + length;
    while (seconds_of(CLOCK_MONOTONIC) < end && !until()) {
      pipeline.drain();
      const timespec tick{0, kTickNs};
      nanosleep(&tick, nullptr);
    }
  };
  run_for(patience, [&] { return pipeline.heard == cameras; });
  if (pipeline.heard < cameras) {
    fmt::print(stderr, "ingest_raw_receive: heard {} of {} cameras\n", pipeline.heard, cameras);
    return 1;
  }
  run_for(3, [] { return false; });  // past the first fragments
  const std::uint64_t packets = pipeline.packets, bytes = pipeline.log_bytes(), drops = pipeline.drops;
  const double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), began = seconds_of(CLOCK_MONOTONIC);
  run_for(seconds, [] { return false; });
  const double used = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu, elapsed = seconds_of(CLOCK_MONOTONIC) - began;
  fmt::print(R"({{"packets":{},"seconds":{:.3f},"cpu_seconds":{:.4f},"bad":{},"kernel_drops":{},"log_bytes":{}}})"
             "\n",
             pipeline.packets - packets, elapsed, used, pipeline.bad, pipeline.drops - drops,
             pipeline.log_bytes() - bytes);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#pragma once
// For test binaries only: replaces gettimeofday(), the clock behind OpenSSL's DTLS retransmission timer, so that a
// simulation owns it. Include it from exactly ONE file of a test binary (it defines the function), and move the clock
// along with the virtual time. libssl.so binds to the definition in the executable.

#include <sys/time.h>

#include <chrono>

#include "base/time.hpp"

namespace webrtc::dtls {

inline base::Instant g_fake_wall_clock{};
inline void set_fake_wall_clock(base::Instant now) {
  g_fake_wall_clock = now;
}

}  // namespace webrtc::dtls

extern "C" [[gnu::used, gnu::visibility("default")]] int gettimeofday(struct timeval* out, void* /*zone*/) noexcept {
  const auto since_start =
      std::chrono::duration_cast<std::chrono::microseconds>(webrtc::dtls::g_fake_wall_clock.time_since_epoch());
  out->tv_sec = 1'700'000'000 + since_start.count() / 1'000'000;
  out->tv_usec = since_start.count() % 1'000'000;
  return 0;
}

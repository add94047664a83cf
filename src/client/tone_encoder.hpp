// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.hpp"
#include "base/result.hpp"

struct OpusEncoder;

namespace client {

// A soft 440 Hz tone with a beep of 1 kHz in the first tenth of every second, as Opus packets of 20 ms.
class ToneEncoder {
 public:
  static base::Result<ToneEncoder> open();

  base::Bytes encode_packet();

 private:
  struct Free {
    void operator()(OpusEncoder* encoder) const;
  };
  explicit ToneEncoder(OpusEncoder* encoder) : encoder_(encoder) {}
  std::unique_ptr<OpusEncoder, Free> encoder_;
  std::int64_t sample_ = 0;
};

}  // namespace client

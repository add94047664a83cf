// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include "base/check.hpp"
#include "codecs/h264_nal.hpp"
#include "rtp/h264_depacketizer.hpp"

// The input is a list of payloads: one byte of flags (marker, new timestamp, loss before it), one of length, the
// payload. Every access unit that comes out is a whole list of NAL units with a slice among them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  base::ByteReader reader({bytes, size});
  rtp::H264Depacketizer depacketizer;
  std::vector<rtp::DepacketizedFrame> frames;
  std::int64_t timestamp = 0;
  while (reader.remaining() > 1) {
    const std::uint8_t flags = reader.u8();
    const std::size_t length = reader.u8();
    if ((flags & 4) != 0) depacketizer.lose();
    if ((flags & 2) != 0) ++timestamp;
    depacketizer.push({timestamp, (flags & 1) != 0, reader.take(std::min(length, reader.remaining())), {}}, frames);
  }
  depacketizer.finish(frames);
  for (const rtp::DepacketizedFrame& frame : frames) {
    if (!frame.whole) continue;
    bool has_slice = false;
    CHECK(codecs::h264::for_each_nal(frame.frame.payload, [&](base::ByteView nal) {
      has_slice |= codecs::h264::is_slice(codecs::h264::nal_type(nal));
    }));
    CHECK(has_slice);
    CHECK(frame.frame.key_frame == codecs::h264::has_idr(frame.frame.payload));
  }
  return 0;
}

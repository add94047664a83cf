// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include "base/check.hpp"
#include "rtp/session.hpp"

// The input is a list of datagrams, each after a byte of milliseconds to wait and one of length, as an authenticated
// but hostile sender might send them: nothing may break, and time must always go on.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  base::ByteReader reader({bytes, size});
  base::SeededRandom random(1);
  base::Instant now(std::chrono::seconds(1));
  rtp::SessionOptions options;
  options.receivers = {{.kind = codecs::MediaKind::Video, .formats = {{96, codecs::CodecId::H264, 97}}},
                       {.kind = codecs::MediaKind::Audio, .formats = {{111, codecs::CodecId::Opus, std::nullopt}}}};
  rtp::SenderOptions audio;
  audio.kind = codecs::MediaKind::Audio;
  audio.ssrc = 7;
  options.senders = {audio};
  options.transport_cc = true;
  options.transport_cc_extension = 3;
  rtp::Session session(now, random, options);
  session.send_frame(now, {codecs::CodecId::Opus, true, {0xf8, 1, 2}}, 0, {});
  while (reader.remaining() > 1) {
    now += std::chrono::milliseconds(reader.u8());
    const std::size_t length = reader.u8();
    session.handle_packet(now, reader.take(std::min(length, reader.remaining())));
    if (session.next_timeout() <= now) session.handle_timeout(now);
    CHECK(session.next_timeout() > now);
    while (session.poll_packet()) {
    }
    while (session.poll_event()) {
    }
  }
  session.finish(now);
  return 0;
}

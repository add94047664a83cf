// SPDX-License-Identifier: Apache-2.0
// The input is a row of datagrams, each behind a two-byte length, fed to a server and to a client.
#include <cstddef>
#include <cstdint>

#include "webrtc/dtls/transport.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace webrtc::dtls;
  static const auto certificate = Certificate::make(base::WallTime(std::chrono::seconds(1'795'000'000))).value();
  TransportOptions options;
  options.certificate = certificate;
  options.remote_fingerprints = {{"sha-256", certificate->fingerprint()}};
  Transport server(options);
  options.role = Role::Client;
  Transport client(options);
  const base::Instant now{};
  server.start(now);
  client.start(now);
  base::ByteReader reader({bytes, size});
  while (reader.ok() && reader.remaining() > 0) {
    const base::ByteView datagram = reader.take(reader.u16());
    server.handle_datagram(now, datagram);
    client.handle_datagram(now, datagram);
    while (server.poll_transmit() || client.poll_transmit()) {
    }
    while (server.poll_event() || client.poll_event()) {
    }
  }
  return 0;
}

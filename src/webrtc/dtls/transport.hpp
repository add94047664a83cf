// SPDX-License-Identifier: Apache-2.0
#pragma once
// A DTLS 1.2 association that exists to agree on SRTP keys (RFC 5764).

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "webrtc/dtls/certificate.hpp"
#include "webrtc/dtls/fingerprint.hpp"

namespace webrtc::dtls {

enum class Role { Client, Server };

// IANA "DTLS-SRTP Protection Profiles". Aes128CmSha1_32 may be offered (webrtc-sdk-c does) but is never selected.
enum class SrtpProfile : std::uint16_t { Aes128CmSha1_80 = 0x0001, Aes128CmSha1_32 = 0x0002, AeadAes128Gcm = 0x0007 };
std::string_view name(SrtpProfile profile);

struct TransportOptions {
  Role role = Role::Server;
  std::shared_ptr<const Certificate> certificate;
  // Any one of these must match. Empty, or only unknown hashes: the handshake fails.
  std::vector<Fingerprint> remote_fingerprints;
  // Order of preference. As server the first of ours that the client offers wins, whatever the client's order.
  std::vector<SrtpProfile> srtp_profiles = {SrtpProfile::AeadAes128Gcm, SrtpProfile::Aes128CmSha1_80};
  std::size_t mtu = 1200;                                     // of a datagram, UDP payload
  base::Duration handshake_limit = std::chrono::seconds(30);  // from start()
};

// The handshake is done and the peer's certificate has a fingerprint of the SDP. Local keys protect what we send.
struct KeysReady {
  SrtpProfile profile;
  base::Bytes local_key, local_salt;
  base::Bytes remote_key, remote_salt;
};
struct Closed {};  // the peer sent close_notify
struct Failed {
  std::string why;
  bool wrong_certificate = false;  // it has none of the expected fingerprints
};

struct TransportStats {
  std::uint64_t datagrams_received = 0;
  std::uint64_t datagrams_dropped = 0;  // not well-formed DTLS, too large, or after the end
  std::uint64_t retransmissions = 0;    // flights sent again by our timer
};

// Owned by one peer; no thread of its own. Sans-IO, except that OpenSSL reads gettimeofday() for its retransmission
// timer: simulations own that clock through webrtc/dtls/fake_wall_clock.hpp.
class Transport {
 public:
  using Event = std::variant<KeysReady, Closed, Failed>;

  explicit Transport(TransportOptions options);
  ~Transport();
  Transport(Transport&&) noexcept;
  Transport& operator=(Transport&&) noexcept;

  // A client sends its first flight; a server only starts its handshake limit. Call once, when a path exists.
  void start(base::Instant now);
  void handle_datagram(base::Instant now, base::ByteView datagram);
  void handle_timeout(base::Instant now);
  std::optional<base::Bytes> poll_transmit();
  std::optional<Event> poll_event();
  base::Instant next_timeout() const;

  // Sends close_notify (if there is somebody to tell); afterwards everything is dropped. No event follows.
  void close(base::Instant now);
  bool connected() const;
  const TransportStats& stats() const;

 private:
  struct Session;  // the OpenSSL objects
  std::unique_ptr<Session> session_;
};

}  // namespace webrtc::dtls

// SPDX-License-Identifier: Apache-2.0
#include "webrtc/dtls/transport.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/check.hpp"
#include "webrtc/dtls/certificate_parts.hpp"
#include "webrtc/dtls/datagram_bio.hpp"
#include "webrtc/dtls/keying_material.hpp"
#include "webrtc/dtls/record_shape.hpp"
#include "webrtc/dtls/ssl_context.hpp"

namespace webrtc::dtls {
namespace {

constexpr std::size_t kMaxDatagram = 1 << 14;  // far above any path's MTU
// RFC 6347 4.2.4.1 wants 1 s; over an ICE-checked path a lost flight should not cost that much (RFC 8261, and every
// browser does the same).
constexpr unsigned kFirstRetransmission = 200'000;  // microseconds
constexpr unsigned kMaxRetransmission = 4'000'000;

unsigned next_retransmission(SSL* /*ssl*/, unsigned previous) {
  return previous == 0 ? kFirstRetransmission : std::min(previous * 2, kMaxRetransmission);
}

}  // namespace

std::string_view name(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::Aes128CmSha1_80:
      return "SRTP_AES128_CM_SHA1_80";
    case SrtpProfile::Aes128CmSha1_32:
      return "SRTP_AES128_CM_SHA1_32";
    case SrtpProfile::AeadAes128Gcm:
      return "SRTP_AEAD_AES_128_GCM";
  }
  return "unknown";
}

struct Transport::Session {
  enum class Phase { Idle, Handshake, Connected, Over };

  TransportOptions options;
  DatagramQueues queues;
  SslHandle ssl;
  std::deque<Event> events;
  TransportStats stats;
  Phase phase = Phase::Idle;
  base::Instant handshake_deadline = base::kNever;
  base::Instant retransmission = base::kNever;

  bool prepare();
  void advance_handshake();
  void read_records();
  void finish_handshake();
  void fail(std::string why, bool wrong_certificate = false);
  void settle(base::Instant now);
  void release_buffers();
};

bool Transport::Session::prepare() {
  ssl.reset(SSL_new(options.certificate->parts_->context.get()));
  BioHandle bio = make_datagram_bio(queues);
  if (ssl == nullptr || bio == nullptr) return false;
  BIO* raw = bio.release();
  SSL_set_bio(ssl.get(), raw, raw);  // takes the one reference for both directions
  std::string profiles;
  for (const SrtpProfile profile : options.srtp_profiles) {
    if (!profiles.empty()) profiles += ':';
    profiles += name(profile);
  }
  // Unlike most of OpenSSL this returns 0 for success.
  if (SSL_set_tlsext_use_srtp(ssl.get(), profiles.c_str()) != 0) return false;
  if (!set_expected_fingerprints(*ssl, options.remote_fingerprints)) return false;
  SSL_set_mtu(ssl.get(), static_cast<long>(options.mtu));
  DTLS_set_timer_cb(ssl.get(), next_retransmission);
  options.role == Role::Server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
  return true;
}

void Transport::Session::fail(std::string why, bool wrong_certificate) {
  if (phase == Phase::Over) return;
  phase = Phase::Over;
  events.emplace_back(Failed{std::move(why), wrong_certificate});
}

void Transport::Session::advance_handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl.get());
  if (result == 1) return finish_handshake();
  const int error = SSL_get_error(ssl.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
  if (SSL_get_verify_result(ssl.get()) == X509_V_ERR_CERT_UNTRUSTED) {
    ERR_clear_error();
    return fail("the peer's certificate has none of the fingerprints in its SDP", true);
  }
  fail("DTLS handshake: " + take_openssl_error("the peer broke it off"));
}

void Transport::Session::finish_handshake() {
  auto keys = export_srtp_keys(*ssl, options.role);
  if (!keys) return fail("DTLS handshake: no SRTP protection profile in common");
  phase = Phase::Connected;
  events.emplace_back(std::move(*keys));
}

// Application data is not for us; reading is what makes OpenSSL see alerts and repeat a lost last flight.
void Transport::Session::read_records() {
  std::uint8_t scratch[512];
  for (;;) {
    ERR_clear_error();
    const int count = SSL_read(ssl.get(), scratch, sizeof scratch);
    if (count > 0) continue;
    const int error = SSL_get_error(ssl.get(), count);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
    if (error == SSL_ERROR_ZERO_RETURN) {
      phase = Phase::Over;
      events.emplace_back(Closed{});
      return;
    }
    return fail("DTLS: " + take_openssl_error("the peer broke it off"));
  }
}

// OpenSSL tells how long until its timer; the instant is kept, because next_timeout() has no `now`.
void Transport::Session::settle(base::Instant now) {
  retransmission = base::kNever;
  if (phase == Phase::Idle || phase == Phase::Over) {
    handshake_deadline = base::kNever;
    return;
  }
  if (phase == Phase::Connected) handshake_deadline = base::kNever;
  timeval left{};
  if (DTLSv1_get_timeout(ssl.get(), &left) == 1) {
    retransmission = now + std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  } else {
    release_buffers();
  }
}

// The record buffers are 35 KB, and after the handshake hardly anything comes. Reading takes new ones, writing does not
// (SSL_MODE_RELEASE_BUFFERS does nothing for DTLS): read_records() goes before whatever writes.
void Transport::Session::release_buffers() {
  if (phase == Phase::Connected) SSL_free_buffers(ssl.get());
}

Transport::Transport(TransportOptions options) : session_(std::make_unique<Session>()) {
  CHECK(options.certificate != nullptr);
  session_->options = std::move(options);
}
Transport::~Transport() = default;
Transport::Transport(Transport&&) noexcept = default;
Transport& Transport::operator=(Transport&&) noexcept = default;

void Transport::start(base::Instant now) {
  Session& session = *session_;
  if (session.phase != Session::Phase::Idle) return;
  if (!session.prepare()) return session.fail("DTLS: " + take_openssl_error("OpenSSL failed"));
  session.phase = Session::Phase::Handshake;
  session.handshake_deadline = now + session.options.handshake_limit;
  if (session.options.role == Role::Client) session.advance_handshake();
  session.settle(now);
}

void Transport::handle_datagram(base::Instant now, base::ByteView datagram) {
  Session& session = *session_;
  ++session.stats.datagrams_received;
  const bool running = session.phase == Session::Phase::Handshake || session.phase == Session::Phase::Connected;
  if (!running || datagram.size() > kMaxDatagram || !is_well_formed(datagram, shortest_sealed_record(*session.ssl))) {
    ++session.stats.datagrams_dropped;
    return;
  }
  session.queues.incoming = datagram;
  if (session.phase == Session::Phase::Handshake) session.advance_handshake();
  if (session.phase == Session::Phase::Connected) session.read_records();
  session.queues.incoming = {};
  session.settle(now);
}

void Transport::handle_timeout(base::Instant now) {
  Session& session = *session_;
  if (session.phase == Session::Phase::Handshake && now >= session.handshake_deadline) {
    session.fail("DTLS handshake: not finished in time");
  } else if (now >= session.retransmission) {
    ERR_clear_error();
    const int result = static_cast<int>(DTLSv1_handle_timeout(session.ssl.get()));
    if (result < 0) session.fail("DTLS handshake: the peer does not answer");
    if (result > 0) ++session.stats.retransmissions;
  }
  session.settle(now);
}

std::optional<base::Bytes> Transport::poll_transmit() {
  auto& outgoing = session_->queues.outgoing;
  if (outgoing.empty()) return std::nullopt;
  base::Bytes front = std::move(outgoing.front());
  outgoing.pop_front();
  return front;
}

std::optional<Transport::Event> Transport::poll_event() {
  auto& events = session_->events;
  if (events.empty()) return std::nullopt;
  Event front = std::move(events.front());
  events.pop_front();
  return front;
}

base::Instant Transport::next_timeout() const {
  return std::min(session_->handshake_deadline, session_->retransmission);
}

void Transport::close(base::Instant now) {
  Session& session = *session_;
  if (session.phase == Session::Phase::Connected) session.read_records();  // takes the buffers that writing needs
  if (session.phase == Session::Phase::Connected) {
    ERR_clear_error();
    SSL_shutdown(session.ssl.get());
    ERR_clear_error();
  }
  session.phase = Session::Phase::Over;
  session.settle(now);
}

bool Transport::connected() const {
  return session_->phase == Session::Phase::Connected;
}
const TransportStats& Transport::stats() const {
  return session_->stats;
}

}  // namespace webrtc::dtls

// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/secure_path.hpp"

#include <utility>

#include "base/sans_io.hpp"

namespace webrtc {
namespace {

// A split ClientHello, three times over.
constexpr std::size_t kMaxHeld = 8;
constexpr std::size_t kMaxHeldSize = 2048;

srtp::Profile to_srtp(dtls::SrtpProfile profile) {
  return profile == dtls::SrtpProfile::AeadAes128Gcm ? srtp::Profile::AeadAes128Gcm : srtp::Profile::Aes128CmSha1_80;
}

}  // namespace

SecurePath::SecurePath(std::shared_ptr<const dtls::Certificate> certificate, std::vector<dtls::SrtpProfile> profiles)
    : certificate_(std::move(certificate)), profiles_(std::move(profiles)) {}

void SecurePath::describe(dtls::Role role, std::vector<dtls::Fingerprint> remote_fingerprints) {
  dtls::TransportOptions options;
  options.role = role;
  options.certificate = certificate_;
  options.remote_fingerprints = std::move(remote_fingerprints);
  options.srtp_profiles = profiles_;
  described_ = std::move(options);
}

void SecurePath::start(base::Instant now, base::Duration limit) {
  if (!described_) return;
  described_->handshake_limit = limit;
  transport_.emplace(*std::move(described_));
  described_.reset();
  transport_->start(now);
  for (const base::Bytes& datagram : std::exchange(held_, {})) transport_->handle_datagram(now, datagram);
  drain_transport();
}

SecurePath::Fate SecurePath::handle_dtls(base::Instant now, base::ByteView datagram) {
  if (transport_) {
    transport_->handle_datagram(now, datagram);
    drain_transport();
    return Fate::Handled;
  }
  if (held_.size() == kMaxHeld || datagram.size() > kMaxHeldSize) return Fate::Dropped;
  held_.emplace_back(datagram.begin(), datagram.end());
  return Fate::Held;
}

void SecurePath::handle_timeout(base::Instant now) {
  if (!transport_) return;
  transport_->handle_timeout(now);
  drain_transport();
}

base::Instant SecurePath::next_timeout() const {
  return transport_ ? transport_->next_timeout() : base::kNever;
}

std::optional<base::Bytes> SecurePath::poll_transmit() {
  if (!transport_) return std::nullopt;
  return transport_->poll_transmit();
}

std::optional<SecurePath::Event> SecurePath::poll_event() {
  return base::pop_front(events_);
}

void SecurePath::close(base::Instant now) {
  if (transport_) transport_->close(now);
  described_.reset();
  held_.clear();
}

void SecurePath::drain_transport() {
  while (auto event = transport_->poll_event()) {
    if (auto* keys = std::get_if<dtls::KeysReady>(&*event)) {
      take_keys(*keys);
    } else if (auto* failed = std::get_if<dtls::Failed>(&*event)) {
      events_.emplace_back(std::move(*failed));
    } else {
      events_.emplace_back(dtls::Closed{});
    }
  }
}

void SecurePath::take_keys(const dtls::KeysReady& keys) {
  opener_.emplace(to_srtp(keys.profile), keys.remote_key, keys.remote_salt);
  sealer_.emplace(to_srtp(keys.profile), keys.local_key, keys.local_salt);
  events_.emplace_back(Ready{keys.profile});
}

dtls::TransportStats SecurePath::dtls_stats() const {
  return transport_ ? transport_->stats() : dtls::TransportStats{};
}
std::span<const std::uint32_t> SecurePath::rtp_ssrcs() const {
  return opener_ ? opener_->rtp_ssrcs() : std::span<const std::uint32_t>();
}
srtp::OpenStats SecurePath::rtp_stats() const {
  return opener_ ? opener_->rtp_stats() : srtp::OpenStats{};
}
srtp::OpenStats SecurePath::rtcp_stats() const {
  return opener_ ? opener_->rtcp_stats() : srtp::OpenStats{};
}

}  // namespace webrtc

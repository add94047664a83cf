// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "webrtc/dtls/transport.hpp"
#include "webrtc/srtp/open_batch.hpp"
#include "webrtc/srtp/opener.hpp"
#include "webrtc/srtp/sealer.hpp"

namespace webrtc {

// DTLS, and SRTP with the keys that it agrees on: the protected half of a Peer, which owns it. Knows no addresses.
//
// Life: made -> describe() once the remote's fingerprint is known -> start() once there is a path -> Ready.
class SecurePath {
 public:
  struct Ready {
    dtls::SrtpProfile profile;
  };
  using Event = std::variant<Ready, dtls::Closed, dtls::Failed>;

  SecurePath(std::shared_ptr<const dtls::Certificate> certificate, std::vector<dtls::SrtpProfile> profiles);

  void describe(dtls::Role role, std::vector<dtls::Fingerprint> remote_fingerprints);
  bool described() const { return transport_.has_value() || described_.has_value(); }
  // Does nothing before describe() and after the first time. Handles what was held.
  void start(base::Instant now, base::Duration limit);

  enum class Fate { Handled, Held, Dropped };
  // Before start() a few datagrams are held: the remote may have our description and a path before we have its.
  Fate handle_dtls(base::Instant now, base::ByteView datagram);
  void handle_timeout(base::Instant now);
  base::Instant next_timeout() const;
  std::optional<base::Bytes> poll_transmit();
  std::optional<Event> poll_event();
  // Sends close_notify.
  void close(base::Instant now);

  bool ready() const { return opener_.has_value(); }
  // Once ready(); in place.
  void add_rtp(srtp::OpenBatch& batch, base::MutableByteView packet) { batch.add(*opener_, packet); }
  std::optional<base::MutableByteView> open_rtcp(base::MutableByteView packet) { return opener_->open_rtcp(packet); }
  [[nodiscard]] bool seal_rtp(base::Bytes& packet) { return sealer_->seal_rtp(packet); }
  // The packet is followed by rtp_room() bytes, which are part of `packet`.
  [[nodiscard]] bool seal_rtp_in_place(base::MutableByteView packet) { return sealer_->seal_rtp_in_place(packet); }
  std::size_t rtp_room() const { return srtp::tag_size(sealer_->profile()); }
  [[nodiscard]] bool seal_rtcp(base::Bytes& packet) { return sealer_->seal_rtcp(packet); }

  // Null before ready().
  const srtp::Opener* opener() const { return opener_ ? &*opener_ : nullptr; }

  // What sealing the next packet looks at, once ready(): first the state, then what it points to.
  void prefetch_to_seal(int step) const {
    if (step == 0) return sealer_->prefetch_state();
    sealer_->prefetch_keys();
  }

  dtls::TransportStats dtls_stats() const;
  std::span<const std::uint32_t> rtp_ssrcs() const;
  srtp::OpenStats rtp_stats() const;
  srtp::OpenStats rtcp_stats() const;

 private:
  void drain_transport();
  void take_keys(const dtls::KeysReady& keys);

  // What media needs comes first.
  std::optional<srtp::Opener> opener_;
  std::optional<srtp::Sealer> sealer_;
  std::optional<dtls::TransportOptions> described_;  // until start()
  std::shared_ptr<const dtls::Certificate> certificate_;
  std::vector<dtls::SrtpProfile> profiles_;
  std::optional<dtls::Transport> transport_;
  std::vector<base::Bytes> held_;
  std::deque<Event> events_;
};

}  // namespace webrtc

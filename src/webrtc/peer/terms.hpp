// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a peer brings to a negotiation, and what the agreed terms mean for RTP: plain translation between PeerOptions,
// sdp and rtp.

#include <cstdint>

#include "base/random.hpp"
#include "rtp/session.hpp"
#include "webrtc/ice/agent.hpp"
#include "webrtc/peer/peer_options.hpp"
#include "webrtc/sdp/negotiation.hpp"

namespace webrtc {

// The sources that this end sends from, if it sends.
struct LocalSources {
  std::uint32_t video = 0;
  std::uint32_t video_rtx = 0;
  std::uint32_t audio = 0;
};
// Distinct and none of them 0.
LocalSources make_sources(base::Random& random);

sdp::LocalTransport make_local_transport(const PeerOptions& options, const ice::Agent& agent);
sdp::OfferOptions make_offer_options(const PeerOptions& options, sdp::LocalTransport transport,
                                     const LocalSources& sources, base::Random& random);
sdp::AnswerOptions make_answer_options(const PeerOptions& options, sdp::LocalTransport transport,
                                       const LocalSources& sources, base::Random& random);
rtp::SessionOptions make_rtp_options(const PeerOptions& options, const sdp::Session& agreed,
                                     const LocalSources& sources, base::Random& random);

}  // namespace webrtc

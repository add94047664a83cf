// SPDX-License-Identifier: Apache-2.0
#include "webrtc/srtp/open_batch.hpp"

#include <algorithm>

#include "webrtc/srtp/opener_state.hpp"
#include "webrtc/srtp/rollover.hpp"

namespace webrtc::srtp {
namespace {

constexpr std::size_t kTagSize = tag_size(Profile::Aes128CmSha1_80);
constexpr std::size_t kRolloverSize = 4;

}  // namespace

// Where a packet waits for the others.
struct OpenBatch::Waiting {
  Opener::State* opener;
  Opener::State::Claim claim;
  base::MutableByteView packet;
  std::size_t at;  // in packets_
};

OpenBatch::OpenBatch() = default;
OpenBatch::~OpenBatch() = default;

void OpenBatch::add(Opener& opener, base::MutableByteView packet) {
  Opener::State& state = *opener.state_;
  packets_.emplace_back();
  const auto claim = state.read_claim(packet);
  if (!claim) return;
  // The first packet of a stream is what the indices of the next ones are estimated from: it does not wait.
  if (state.rtp.lane_keys() != nullptr && claim->known_stream) {
    waiting_.push_back({&state, *claim, packet, packets_.size() - 1});
  } else {
    packets_.back() = state.open(*claim, packet).value_or(base::MutableByteView());
  }
}

void OpenBatch::open() {
  for (std::span<const Waiting> rest = waiting_; !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), kMaxLaneJobs));
    open_some(some);
    rest = rest.subspan(some.size());
  }
  waiting_.clear();
}

// First every tag is computed and compared; only what proved authentic is decrypted and counted as seen.
void OpenBatch::open_some(std::span<const Waiting> some) {
  std::array<std::array<std::uint8_t, kTagSize>, kMaxLaneJobs> tags;
  jobs_.resize(some.size());
  for (std::size_t i = 0; i < some.size(); ++i) {
    const base::MutableByteView packet = some[i].packet;
    const base::MutableByteView tag = packet.last(kTagSize);
    const PacketPieces pieces = some[i].opener->pieces_of(some[i].claim, packet, {});
    std::ranges::copy(tag, tags[i].begin());
    // RFC 3711 4.2: the tag covers the packet and the ROC, which takes the tag's place.
    std::ranges::copy(rollover_of(some[i].claim.index), tag.begin());
    jobs_[i].keys = some[i].opener->rtp.lane_keys();
    jobs_[i].iv = some[i].opener->rtp.counter_of(pieces);
    jobs_[i].authenticated = packet.first(packet.size() - kTagSize + kRolloverSize);
    jobs_[i].secret = pieces.secret;
  }
  authenticate_in_lanes(jobs_);
  std::size_t authentic = 0;
  for (std::size_t i = 0; i < some.size(); ++i) {
    const Waiting& one = some[i];
    if (!base::equal_in_constant_time(tags[i], base::ByteView(jobs_[i].digest).first(kTagSize))) {
      ++one.opener->rtp_stats.not_authentic;
    } else if (one.opener->accept(one.claim)) {
      packets_[one.at] = one.packet.first(one.packet.size() - kTagSize);
      jobs_[authentic++] = jobs_[i];
    }
  }
  decrypt_in_lanes(std::span(jobs_).first(authentic));
}

void OpenBatch::clear() {
  packets_.clear();
  waiting_.clear();
}

}  // namespace webrtc::srtp

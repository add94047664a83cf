// SPDX-License-Identifier: Apache-2.0
#include "webrtc/sdp/remote_transport.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace webrtc::sdp {
namespace {

using base::Errc;
using base::fail;

base::Result<void> check_credentials(const Section& section, std::string_view who) {
  if (section.ufrag.empty() || section.password.empty())
    return fail(Errc::InvalidArgument, fmt::format("{} has no a=ice-ufrag or a=ice-pwd", who));
  if (section.fingerprint.empty()) return fail(Errc::InvalidArgument, fmt::format("{} has no a=fingerprint", who));
  if (section.fingerprint_algorithm != "sha-256" || section.fingerprint.size() != 95)
    return fail(Errc::InvalidArgument,
                fmt::format("{} has a fingerprint of {:.16}: sha-256 is needed", who, section.fingerprint_algorithm));
  return {};
}

void add_candidates(const Section& section, RemoteTransport& transport) {
  for (const std::string& candidate : section.candidates) {
    auto& known = transport.candidates;
    if (known.size() >= kMaxOfAKind) return;
    if (std::find(known.begin(), known.end(), candidate) == known.end()) known.push_back(candidate);
  }
}

}  // namespace

std::optional<MediaKind> kind_of(const Section& section) {
  if (section.media == "video") return MediaKind::Video;
  if (section.media == "audio") return MediaKind::Audio;
  return std::nullopt;
}

bool remote_sends(Direction direction) {
  return direction == Direction::SendRecv || direction == Direction::SendOnly;
}
bool remote_receives(Direction direction) {
  return direction == Direction::SendRecv || direction == Direction::RecvOnly;
}

base::Result<RemoteTransport> read_transport(const Description& description, std::string_view who) {
  const Section* first = nullptr;
  RemoteTransport transport;
  for (const Section& section : description.sections) {
    if (section.is_rejected() || !kind_of(section)) continue;
    // A bundle-only section has no transport lines of its own.
    if (section.bundle_only && section.ufrag.empty()) continue;
    if (first == nullptr) {
      first = &section;
    } else if (section.ufrag != first->ufrag || section.password != first->password) {
      return fail(Errc::InvalidArgument,
                  fmt::format("{} has separate transports for its sections: BUNDLE is needed", who));
    }
    if (!section.rtcp_mux) return fail(Errc::InvalidArgument, fmt::format("{} has no a=rtcp-mux", who));
    add_candidates(section, transport);
  }
  if (first == nullptr) return fail(Errc::InvalidArgument, fmt::format("{} rejects every section", who));
  TRY_VOID(check_credentials(*first, who));
  transport.ufrag = first->ufrag;
  transport.password = first->password;
  transport.fingerprint_algorithm = first->fingerprint_algorithm;
  transport.fingerprint = first->fingerprint;
  transport.setup = first->setup.value_or(Setup::ActPass);
  transport.trickle = description.trickle;
  transport.ice_lite = description.ice_lite;
  return transport;
}

void read_sources(const Section& section, Track& track) {
  const auto is_repair = [&](std::uint32_t ssrc) {
    return std::any_of(section.rtx_sources.begin(), section.rtx_sources.end(),
                       [&](const auto& group) { return group.second == ssrc; });
  };
  for (const Source& source : section.sources) {
    if (!is_repair(source.ssrc)) track.remote_ssrcs.push_back(source.ssrc);
  }
  if (!section.rtx_sources.empty()) track.remote_rtx_ssrc = section.rtx_sources.front().second;
}

}  // namespace webrtc::sdp

// SPDX-License-Identifier: Apache-2.0
// What an answer to our offer agrees to.
#include <fmt/format.h>

#include <algorithm>

#include "webrtc/sdp/codec_choice.hpp"
#include "webrtc/sdp/negotiation.hpp"
#include "webrtc/sdp/offer_rows.hpp"
#include "webrtc/sdp/remote_transport.hpp"
#include "webrtc/sdp/writer.hpp"

namespace webrtc::sdp {
namespace {

using base::Errc;
using base::fail;

base::Result<void> check_sections(const Description& answer, const OfferOptions& offer) {
  const std::size_t offered = offer.with_audio ? 2 : 1;
  if (answer.sections.size() != offered)
    return fail(Errc::InvalidArgument, fmt::format("the answer has {} media sections where the offer has {}",
                                                   answer.sections.size(), offered));
  for (std::size_t i = 0; i < offered; ++i) {
    const MediaKind expected = i == 0 ? MediaKind::Video : MediaKind::Audio;
    if (kind_of(answer.sections[i]) != expected)
      return fail(Errc::InvalidArgument,
                  fmt::format("section {} of the answer is not {} as in the offer", i + 1, to_text(expected)));
  }
  return {};
}

Direction allowed_answer(Direction offered) {
  switch (offered) {
    case Direction::SendOnly:
      return Direction::RecvOnly;
    case Direction::RecvOnly:
      return Direction::SendOnly;
    case Direction::SendRecv:
      return Direction::SendRecv;
    case Direction::Inactive:
      break;
  }
  return Direction::Inactive;
}

// Directions of the track, seen from us. A remote may do less than we offered, not more.
base::Result<void> read_directions(const Section& section, Direction offered, Track& track) {
  const bool remote_may_send = offered == Direction::SendRecv || offered == Direction::RecvOnly;
  const bool remote_may_receive = offered == Direction::SendRecv || offered == Direction::SendOnly;
  if ((remote_sends(section.direction) && !remote_may_send) ||
      (remote_receives(section.direction) && !remote_may_receive))
    return fail(Errc::InvalidArgument,
                fmt::format("the answer's {} is {} where the offer is {}: answer {}", to_text(track.kind),
                            to_text(section.direction), to_text(offered), to_text(allowed_answer(offered))));
  track.receives = remote_sends(section.direction);
  track.sends = remote_receives(section.direction);
  return {};
}

base::Result<void> read_codecs(const Section& section, const OfferOptions& offer, Track& track) {
  const auto formats = find_our_formats(section, track.kind);
  if (formats.empty())
    return fail(Errc::InvalidArgument,
                fmt::format("the answer{} offers {}: offer {}", track.kind == MediaKind::Video ? "" : "'s audio",
                            name_codecs(section), track.kind == MediaKind::Video ? "H.264" : "Opus"));
  for (const Format* format : formats) {
    const auto rtx = offer.features.rtx ? find_rtx(section, format->payload_type) : std::nullopt;
    track.payload_types.push_back({format->payload_type, rtx});
    for (auto& set : parameter_sets_of(*format)) track.parameter_sets.push_back(std::move(set));
  }
  const Format& preferred = *formats.front();
  track.features = features_of(preferred, offer.features);
  track.features.rtx = track.payload_types.front().rtx.has_value();
  track.h264_profile = std::string(preferred.parameter("profile-level-id").value_or(""));
  return {};
}

void read_extensions(const Section& section, const OfferOptions& offer, Track& track) {
  track.extensions = {};
  if (!offer.features.extensions) return;
  track.extensions = extensions_of(section);
  // webrtc-sdk-c answers without any extmap line and sends the transport-wide number under the offered id all the same.
  if (section.extensions.empty() && track.features.transport_cc) track.extensions.transport_cc = kTransportCcExtension;
  track.features.extensions =
      (track.extensions.mid | track.extensions.abs_send_time | track.extensions.transport_cc) != 0;
}

base::Result<Track> read_track(const Section& section, const OfferOptions& offer, MediaKind kind) {
  Track track;
  track.kind = kind;
  track.mid = section.mid.empty() ? std::string(mid_of(kind)) : section.mid;
  if (section.is_rejected() || section.direction == Direction::Inactive) return track;
  TRY_VOID(read_codecs(section, offer, track));
  TRY_VOID(read_directions(section, kind == MediaKind::Video ? offer.video : offer.audio, track));
  read_extensions(section, offer, track);
  read_sources(section, track);
  return track;
}

base::Result<void> check_video(const Description& answer, const Session& session, const OfferOptions& offer) {
  if (offer.video == Direction::Inactive || session.find(MediaKind::Video) != nullptr) return {};
  const Section& section = answer.sections.front();
  return fail(
      Errc::InvalidArgument,
      fmt::format("the answer has no usable video: its section is {}: answer it with H.264 and a={}",
                  section.is_rejected() ? "rejected (port 0)" : "inactive", to_text(allowed_answer(offer.video))));
}

base::Result<Session> read_session(std::string_view text, const OfferOptions& offer) {
  TRY(const Description answer, parse_description(text));
  TRY_VOID(check_sections(answer, offer));
  Session session;
  for (const Section& section : answer.sections) {
    TRY(Track track, read_track(section, offer, *kind_of(section)));
    session.tracks.push_back(std::move(track));
  }
  TRY_VOID(check_video(answer, session, offer));
  TRY(session.remote, read_transport(answer, "the answer"));
  // We offered actpass; an answer that says nothing, or actpass against the rule, means the usual.
  if (session.remote.setup == Setup::ActPass) session.remote.setup = Setup::Active;
  return session;
}

}  // namespace

base::Result<Session> read_answer(std::string_view answer, const OfferOptions& offer) {
  auto session = read_session(answer, offer);
  // Errors of the text itself say "it"; the others name the answer already.
  if (!session && session.error().message.find("the answer") == std::string::npos)
    return fail(std::move(session).error().with_context("the answer is no session description"));
  return session;
}

}  // namespace webrtc::sdp

// SPDX-License-Identifier: Apache-2.0
#include "webrtc/peer/terms.hpp"

#include <algorithm>

namespace webrtc {
namespace {

constexpr std::uint32_t kVideoClock = 90'000;
constexpr std::uint32_t kOpusClock = 48'000;

sdp::Direction to_sdp(Direction direction) {
  switch (direction) {
    case Direction::Inactive:
      return sdp::Direction::Inactive;
    case Direction::SendOnly:
      return sdp::Direction::SendOnly;
    case Direction::RecvOnly:
      return sdp::Direction::RecvOnly;
    case Direction::SendRecv:
      return sdp::Direction::SendRecv;
  }
  return sdp::Direction::Inactive;
}

codecs::MediaKind to_kind(sdp::MediaKind kind) {
  return kind == sdp::MediaKind::Video ? codecs::MediaKind::Video : codecs::MediaKind::Audio;
}

sdp::MediaFeatures make_features(const PeerOptions& options) {
  sdp::MediaFeatures features;
  features.rtx = options.rtx;
  features.transport_cc = options.transport_cc && options.header_extensions;
  features.remb = options.remb;
  features.extensions = options.header_extensions;
  return features;
}

sdp::LocalSource make_source(std::uint32_t ssrc, std::uint32_t rtx_ssrc, const std::string& cname) {
  sdp::LocalSource source;
  source.ssrc = ssrc;
  source.rtx_ssrc = rtx_ssrc;
  source.cname = cname;
  return source;
}

sdp::LocalSource video_source(const PeerOptions& options, const LocalSources& sources) {
  return make_source(sources.video, options.rtx ? sources.video_rtx : 0, options.cname);
}

rtp::ReceiverOptions make_receiver(const PeerOptions& options, const sdp::Track& track) {
  rtp::ReceiverOptions receiver;
  receiver.kind = to_kind(track.kind);
  for (const sdp::PayloadType& type : track.payload_types) {
    rtp::PayloadFormat format;
    format.payload_type = type.media;
    format.codec = track.kind == sdp::MediaKind::Video ? codecs::CodecId::H264 : codecs::CodecId::Opus;
    format.rtx_payload_type = type.rtx;
    receiver.formats.push_back(format);
  }
  receiver.nack = track.features.nack;
  receiver.pli = track.features.pli;
  receiver.repair_deadline = options.repair_deadline;
  return receiver;
}

rtp::SenderOptions make_sender(const PeerOptions& options, const sdp::Track& track, const LocalSources& sources,
                               base::Random& random) {
  const bool video = track.kind == sdp::MediaKind::Video;
  rtp::SenderOptions sender;
  sender.kind = to_kind(track.kind);
  sender.payload_type = track.payload_types.front().media;
  sender.clock_rate = video ? kVideoClock : kOpusClock;
  sender.ssrc = video ? sources.video : sources.audio;
  if (video && options.rtx) {
    sender.rtx_payload_type = track.payload_types.front().rtx;
    sender.rtx_ssrc = sources.video_rtx;
  }
  sender.mid = track.mid;
  sender.prepared = video ? options.prepared_video : options.prepared_audio;
  sender.keep = options.repair_history;
  // The lower half: a receiver that misses the first packets must not meet a roll-over before it knows the stream
  // (RFC 3711 3.3.1 gives a first packet ROC 0).
  sender.first_sequence = options.like_c_sdk ? 0 : random.u16() & 0x7fff;
  if (options.like_c_sdk) {
    sender.aggregate_parameter_sets = false;
    sender.leading_padding_packets = 0;
  }
  return sender;
}

// With BUNDLE an id means the same in every section, so that the first section that has it decides.
std::uint8_t first_id(const sdp::Session& agreed, std::uint8_t sdp::ExtensionIds::* id) {
  for (const sdp::Track& track : agreed.tracks) {
    if (track.extensions.*id != 0) return track.extensions.*id;
  }
  return 0;
}

bool any_track(const sdp::Session& agreed, bool sdp::MediaFeatures::* feature) {
  return std::ranges::any_of(agreed.tracks, [&](const sdp::Track& track) { return track.features.*feature; });
}

}  // namespace

void play_c_sdk(PeerOptions& options) {
  options.like_c_sdk = true;
  options.rtx = false;
  options.header_extensions = false;
  options.transport_cc = false;
  options.heed_key_frame_requests = false;
  options.srtp_profiles = {SrtpProfile::Aes128CmSha1_32, SrtpProfile::Aes128CmSha1_80};
}

LocalSources make_sources(base::Random& random) {
  const std::uint32_t first = random.u32() % 0xffff'fff0U + 1;
  return {.video = first, .video_rtx = first + 1, .audio = first + 2};
}

sdp::LocalTransport make_local_transport(const PeerOptions& options, const ice::Agent& agent) {
  sdp::LocalTransport transport;
  transport.ufrag = agent.local_credentials().ufrag;
  transport.password = agent.local_credentials().password;
  transport.fingerprint = options.certificate->fingerprint();
  if (options.candidates_in_description) {
    for (const ice::Candidate& candidate : agent.local_candidates()) {
      transport.candidates.push_back(ice::write_candidate(candidate));
    }
  }
  return transport;
}

sdp::OfferOptions make_offer_options(const PeerOptions& options, sdp::LocalTransport transport,
                                     const LocalSources& sources, base::Random& random) {
  sdp::OfferOptions offer;
  offer.transport = std::move(transport);
  offer.session_id = random.u64() >> 2;
  offer.video = to_sdp(options.video);
  offer.audio = to_sdp(options.audio);
  offer.with_audio = options.audio != Direction::Inactive;
  offer.features = make_features(options);
  if (sends(options.video)) offer.video_source = video_source(options, sources);
  if (sends(options.audio)) offer.audio_source = make_source(sources.audio, 0, options.cname);
  return offer;
}

sdp::AnswerOptions make_answer_options(const PeerOptions& options, sdp::LocalTransport transport,
                                       const LocalSources& sources, base::Random& random) {
  sdp::AnswerOptions answer;
  answer.transport = std::move(transport);
  answer.session_id = random.u64() >> 2;
  answer.send_video = sends(options.video);
  answer.send_audio = sends(options.audio);
  answer.receive_video = receives(options.video);
  answer.receive_audio = receives(options.audio);
  answer.features = make_features(options);
  answer.video_source = video_source(options, sources);
  answer.audio_source = make_source(sources.audio, 0, options.cname);
  answer.like_c_sdk = options.like_c_sdk;
  return answer;
}

rtp::SessionOptions make_rtp_options(const PeerOptions& options, const sdp::Session& agreed,
                                     const LocalSources& sources, base::Random& random) {
  rtp::SessionOptions session;
  for (const auto kind : {sdp::MediaKind::Video, sdp::MediaKind::Audio}) {
    const sdp::Track* track = agreed.find(kind);
    if (track == nullptr || track->payload_types.empty()) continue;
    const bool video = kind == sdp::MediaKind::Video;
    if (track->receives) session.receivers.push_back(make_receiver(options, *track));
    if (track->receives) {
      session.receivers.back().history = video ? options.video_history : options.audio_history;
      session.receivers.back().frame_buffers = options.frame_buffers;
    }
    if (!track->sends) continue;
    rtp::SenderOptions sender = make_sender(options, *track, sources, random);
    if (video && options.forwarded_video) {
      session.forwarding = {std::move(sender), options.forwarded_video};
    } else {
      session.senders.push_back(std::move(sender));
    }
  }
  session.feedback_ssrc = sources.audio;
  session.cname = options.cname;
  session.mid_extension = first_id(agreed, &sdp::ExtensionIds::mid);
  session.transport_cc_extension = first_id(agreed, &sdp::ExtensionIds::transport_cc);
  session.transport_cc = session.transport_cc_extension != 0 && any_track(agreed, &sdp::MediaFeatures::transport_cc);
  session.remb = any_track(agreed, &sdp::MediaFeatures::remb);
  session.start_bitrate = options.start_bitrate;
  session.max_bitrate = options.max_bitrate;
  return session;
}

}  // namespace webrtc

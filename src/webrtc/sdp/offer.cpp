// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "webrtc/sdp/codec_choice.hpp"
#include "webrtc/sdp/negotiation.hpp"
#include "webrtc/sdp/offer_rows.hpp"
#include "webrtc/sdp/writer.hpp"

namespace webrtc::sdp {
namespace {

std::vector<std::string_view> feedback_lines(const MediaFeatures& features, MediaKind kind) {
  std::vector<std::string_view> lines;
  if (features.nack) lines.push_back("nack");
  if (kind == MediaKind::Video && features.pli) lines.push_back("nack pli");
  if (kind == MediaKind::Video && features.fir) lines.push_back("ccm fir");
  if (features.transport_cc) lines.push_back("transport-cc");
  if (features.remb) lines.push_back("goog-remb");
  return lines;
}

void add_video_formats(const OfferOptions& options, std::vector<WrittenFormat>& out) {
  unsigned payload_type = kFirstVideoPayloadType;
  for (const std::string& profile : options.h264_profiles) {
    std::string parameters = fmt::format("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={}", profile);
    if (options.start_bitrate_kbps)
      parameters += fmt::format(";x-google-start-bitrate={}", *options.start_bitrate_kbps);
    out.push_back({static_cast<std::uint8_t>(payload_type), "H264/90000", std::move(parameters),
                   feedback_lines(options.features, MediaKind::Video)});
    if (options.features.rtx)
      out.push_back(
          {static_cast<std::uint8_t>(payload_type + 1), "rtx/90000", fmt::format("apt={}", payload_type), {}});
    payload_type += 2;
  }
}

bool sends(Direction direction) {
  return direction == Direction::SendRecv || direction == Direction::SendOnly;
}

WrittenSection make_section(const OfferOptions& options, MediaKind kind) {
  WrittenSection section;
  section.kind = kind;
  section.mid = mid_of(kind);
  section.direction = kind == MediaKind::Video ? options.video : options.audio;
  section.extensions = offered_extensions(options.features);
  if (sends(section.direction))
    section.source = kind == MediaKind::Video ? &options.video_source : &options.audio_source;
  if (kind == MediaKind::Video) {
    add_video_formats(options, section.formats);
  } else {
    section.formats.push_back({kAudioPayloadType, "opus/48000/2", "minptime=10;useinbandfec=1",
                               feedback_lines(options.features, MediaKind::Audio)});
  }
  return section;
}

}  // namespace

std::string_view mid_of(MediaKind kind) {
  return kind == MediaKind::Video ? "0" : "1";
}

std::vector<Extension> offered_extensions(const MediaFeatures& features) {
  if (!features.extensions) return {};
  std::vector<Extension> rows = {{kMidExtension, std::string(kMidUri)}};
  if (features.remb) rows.push_back({kAbsSendTimeExtension, std::string(kAbsSendTimeUri)});
  if (features.transport_cc) rows.push_back({kTransportCcExtension, std::string(kTransportCcUri)});
  return rows;
}

// Video comes first: the first section carries the bundle, and video is the one that is never rejected.
std::string write_offer(const OfferOptions& options) {
  std::vector<std::string> mids = {std::string(mid_of(MediaKind::Video))};
  if (options.with_audio) mids.emplace_back(mid_of(MediaKind::Audio));
  std::string out;
  write_session_lines(out, options.session_id, mids, {}, false);
  write_section(out, make_section(options, MediaKind::Video), options.transport);
  if (options.with_audio) write_section(out, make_section(options, MediaKind::Audio), options.transport);
  return out;
}

const Track* Session::find(MediaKind kind) const {
  for (const Track& track : tracks) {
    if (track.kind == kind && (track.sends || track.receives)) return &track;
  }
  return nullptr;
}

}  // namespace webrtc::sdp

// SPDX-License-Identifier: Apache-2.0
// Answering somebody's offer: our camera's side.
#include <fmt/format.h>

#include <algorithm>

#include "webrtc/sdp/codec_choice.hpp"
#include "webrtc/sdp/negotiation.hpp"
#include "webrtc/sdp/remote_transport.hpp"
#include "webrtc/sdp/writer.hpp"

namespace webrtc::sdp {
namespace {

using base::Errc;
using base::fail;

Direction direction_of(const Track& track) {
  if (track.sends && track.receives) return Direction::SendRecv;
  if (track.sends) return Direction::SendOnly;
  return track.receives ? Direction::RecvOnly : Direction::Inactive;
}

void settle_directions(const Section& section, const AnswerOptions& options, Track& track) {
  const bool video = track.kind == MediaKind::Video;
  track.sends = remote_receives(section.direction) && (video ? options.send_video : options.send_audio);
  track.receives = remote_sends(section.direction) && (video ? options.receive_video : options.receive_audio);
}

void settle_codec(const Section& section, const Format& format, const AnswerOptions& options, Track& track) {
  const bool may_repair = options.features.rtx && !options.like_c_sdk;
  track.payload_types = {{format.payload_type, may_repair ? find_rtx(section, format.payload_type) : std::nullopt}};
  track.features = features_of(format, options.features);
  track.features.rtx = track.payload_types.front().rtx.has_value();
  track.h264_profile = std::string(format.parameter("profile-level-id").value_or(""));
  track.parameter_sets = parameter_sets_of(format);
  if (options.features.extensions) track.extensions = extensions_of(section);
  if (options.like_c_sdk) {  // it knows the transport-wide number only
    track.features.fir = false;
    track.extensions = {0, 0, track.features.transport_cc ? extensions_of(section).transport_cc : std::uint8_t{0}};
  }
  if (!options.features.transport_cc) track.extensions.transport_cc = 0;
  track.features.extensions =
      (track.extensions.mid | track.extensions.abs_send_time | track.extensions.transport_cc) != 0;
}

std::vector<std::string_view> feedback_lines(const Track& track) {
  std::vector<std::string_view> lines;
  if (track.features.nack) lines.push_back("nack");
  if (track.features.pli) lines.push_back("nack pli");
  if (track.features.fir) lines.push_back("ccm fir");
  if (track.features.remb) lines.push_back("goog-remb");
  if (track.features.transport_cc) lines.push_back("transport-cc");
  return lines;
}

std::vector<Extension> extension_lines(const Track& track) {
  std::vector<Extension> lines;
  if (track.extensions.mid != 0) lines.push_back({track.extensions.mid, std::string(kMidUri)});
  if (track.extensions.abs_send_time != 0)
    lines.push_back({track.extensions.abs_send_time, std::string(kAbsSendTimeUri)});
  if (track.extensions.transport_cc != 0)
    lines.push_back({track.extensions.transport_cc, std::string(kTransportCcUri)});
  return lines;
}

// The offered fmtp is echoed, less what only its sender means (start bit rates, parameter sets).
std::string echo_parameters(const Format& format, MediaKind kind) {
  if (kind == MediaKind::Audio) return format.parameters;
  return fmt::format("level-asymmetry-allowed=1;packetization-mode={};profile-level-id={}",
                     format.parameter("packetization-mode").value_or("0"),
                     format.parameter("profile-level-id").value_or("42e01f"));
}

class Answerer {
 public:
  Answerer(const Description& offer, const AnswerOptions& options) : offer_(offer), options_(options) {}

  base::Result<Answer> answer() {
    TRY(answer_.session.remote, read_transport(offer_, "the offer"));
    settle_setup();
    for (const Section& section : offer_.sections) answer_section(section);
    TRY_VOID(check_video());
    std::vector<std::string> bundle;
    for (const Section& section : offer_.sections) {
      if (is_accepted(section)) bundle.push_back(section.mid);
    }
    write_session_lines(answer_.text, options_.session_id, bundle, options_.video_source.stream_label,
                        options_.like_c_sdk);
    answer_.text += sections_;
    return std::move(answer_);
  }

 private:
  // RFC 5763: who answers actpass chooses to be the client, so that DTLS starts with the answer's first packet.
  void settle_setup() {
    Setup& remote = answer_.session.remote.setup;
    setup_ = remote == Setup::Active ? Setup::Passive : Setup::Active;
    if (remote == Setup::ActPass) remote = Setup::Passive;
  }

  bool is_accepted(const Section& section) const {
    return std::find(accepted_.begin(), accepted_.end(), &section) != accepted_.end();
  }

  void answer_section(const Section& section) {
    const auto kind = kind_of(section);
    const auto formats = kind ? find_our_formats(section, *kind) : std::vector<const Format*>();
    const bool second = kind && std::any_of(accepted_.begin(), accepted_.end(),
                                            [&](const Section* other) { return kind_of(*other) == kind; });
    if (kind) {
      Track& track = answer_.session.tracks.emplace_back();
      track.kind = *kind;
      track.mid = section.mid;
    }
    if (section.is_rejected() || formats.empty() || second) return reject(section);
    accepted_.push_back(&section);
    Track& track = answer_.session.tracks.back();
    settle_directions(section, options_, track);
    settle_codec(section, *formats.front(), options_, track);
    read_sources(section, track);
    write(section, *formats.front(), track);
  }

  void write(const Section& section, const Format& format, const Track& track) {
    const bool video = track.kind == MediaKind::Video;
    WrittenSection out;
    out.kind = track.kind;
    out.mid = track.mid;
    out.direction = direction_of(track);
    out.setup = setup_;
    out.rtcp_rsize = section.rtcp_rsize && (!options_.like_c_sdk || sections_written_ > 0);
    out.like_c_sdk = options_.like_c_sdk;
    if (!options_.like_c_sdk) out.extensions = extension_lines(track);
    if (track.sends) out.source = video ? &options_.video_source : &options_.audio_source;
    LocalSource without_repair;
    if (out.source != nullptr && !track.features.rtx) {
      without_repair = *out.source;
      without_repair.rtx_ssrc = 0;
      out.source = &without_repair;
    }
    out.formats.push_back({format.payload_type, video ? "H264/90000" : "opus/48000/2",
                           echo_parameters(format, track.kind), feedback_lines(track)});
    if (const auto rtx = track.payload_types.front().rtx)
      out.formats.push_back({*rtx, "rtx/90000", fmt::format("apt={}", format.payload_type), {}});
    write_section(sections_, out, options_.transport);
    ++sections_written_;
  }

  // RFC 3264 6: port 0, and the formats as offered, because there must be one.
  void reject(const Section& section) {
    std::string formats;
    for (const Format& format : section.formats) formats += fmt::format(" {}", format.payload_type);
    if (formats.empty()) formats = kind_of(section) ? " 0" : " webrtc-datachannel";
    sections_ += fmt::format("m={} 0 {}{}\r\nc=IN IP4 0.0.0.0\r\n", section.media, section.protocol, formats);
    if (!section.mid.empty()) sections_ += fmt::format("a=mid:{}\r\n", section.mid);
    sections_ += "a=inactive\r\n";
    ++sections_written_;
  }

  base::Result<void> check_video() const {
    if (!options_.send_video && !options_.receive_video) return {};
    if (answer_.session.find(MediaKind::Video) != nullptr) return {};
    for (const Section& section : offer_.sections) {
      if (kind_of(section) != MediaKind::Video) continue;
      if (find_our_formats(section, MediaKind::Video).empty())
        return fail(Errc::Unsupported,
                    fmt::format("the offer has {} for video: H.264 is needed", name_codecs(section)));
      return fail(Errc::Unsupported,
                  fmt::format("the offer's video is {}: nothing can flow", to_text(section.direction)));
    }
    return fail(Errc::Unsupported, "the offer has no video");
  }

  const Description& offer_;
  const AnswerOptions& options_;
  Answer answer_;
  Setup setup_ = Setup::Active;
  std::vector<const Section*> accepted_;
  std::string sections_;
  std::size_t sections_written_ = 0;
};

}  // namespace

base::Result<Answer> answer_offer(std::string_view offer, const AnswerOptions& options) {
  const auto description = parse_description(offer);
  if (!description) return fail(base::Error(description.error()).with_context("the offer is no session description"));
  return Answerer(*description, options).answer();
}

}  // namespace webrtc::sdp

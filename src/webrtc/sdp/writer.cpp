// SPDX-License-Identifier: Apache-2.0
#include "webrtc/sdp/writer.hpp"

#include <fmt/format.h>

#include <iterator>

namespace webrtc::sdp {
namespace {

template <class... Args>
void line(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
  out += "\r\n";
}

// The same credentials, fingerprint and candidates in every section: webrtc-sdk-c reads those of the last one.
void write_transport(std::string& out, const WrittenSection& section, const LocalTransport& transport) {
  line(out, "a=rtcp:9 IN IP4 0.0.0.0");
  for (const std::string& candidate : transport.candidates) line(out, "a={}", candidate);
  line(out, "a=ice-ufrag:{}", transport.ufrag);
  line(out, "a=ice-pwd:{}", transport.password);
  line(out, "a=ice-options:trickle");
  line(out, "a=fingerprint:sha-256 {}", transport.fingerprint);
  line(out, "a=setup:{}", to_text(section.setup));
}

void write_formats(std::string& out, const WrittenSection& section) {
  for (const WrittenFormat& format : section.formats) {
    line(out, "a=rtpmap:{} {}", format.payload_type, format.name);
    for (const std::string_view what : format.feedback) line(out, "a=rtcp-fb:{} {}", format.payload_type, what);
    if (!format.parameters.empty()) line(out, "a=fmtp:{} {}", format.payload_type, format.parameters);
  }
}

void write_source_lines(std::string& out, std::uint32_t ssrc, const LocalSource& source, std::string_view track) {
  line(out, "a=ssrc:{} cname:{}", ssrc, source.cname);
  line(out, "a=ssrc:{} msid:{} {}", ssrc, source.stream_label, track);
}

void write_source(std::string& out, const WrittenSection& section) {
  const LocalSource& source = *section.source;
  const std::string track = fmt::format("{}-{}", source.stream_label, to_text(section.kind));
  if (source.rtx_ssrc != 0) line(out, "a=ssrc-group:FID {} {}", source.ssrc, source.rtx_ssrc);
  line(out, "a=msid:{} {}", source.stream_label, track);
  write_source_lines(out, source.ssrc, source, track);
  if (source.rtx_ssrc != 0) write_source_lines(out, source.rtx_ssrc, source, track);
  if (!section.like_c_sdk) return;
  line(out, "a=ssrc:{} mslabel:{}", source.ssrc, source.stream_label);
  line(out, "a=ssrc:{} label:{}", source.ssrc, track);
}

}  // namespace

std::string_view to_text(Direction direction) {
  switch (direction) {
    case Direction::SendRecv:
      return "sendrecv";
    case Direction::SendOnly:
      return "sendonly";
    case Direction::RecvOnly:
      return "recvonly";
    case Direction::Inactive:
      break;
  }
  return "inactive";
}

std::string_view to_text(Setup setup) {
  return setup == Setup::ActPass ? "actpass" : setup == Setup::Active ? "active" : "passive";
}

std::string_view to_text(MediaKind kind) {
  return kind == MediaKind::Video ? "video" : "audio";
}

void write_session_lines(std::string& out, std::uint64_t session_id, std::span<const std::string> bundle,
                         std::string_view stream_label, bool like_c_sdk) {
  line(out, "v=0");
  line(out, "o=- {} 2 IN IP4 127.0.0.1", session_id);
  line(out, "s=-");
  line(out, "t=0 0");
  out += "a=group:BUNDLE";
  for (const std::string& mid : bundle) out += " " + mid;
  out += "\r\n";
  if (like_c_sdk) line(out, "a=ice-options:trickle");
  line(out, "a=msid-semantic: WMS{}{}", stream_label.empty() ? "" : " ", stream_label);
}

void write_section(std::string& out, const WrittenSection& section, const LocalTransport& transport) {
  fmt::format_to(std::back_inserter(out), "m={} 9 UDP/TLS/RTP/SAVPF", to_text(section.kind));
  for (const WrittenFormat& format : section.formats)
    fmt::format_to(std::back_inserter(out), " {}", format.payload_type);
  out += "\r\n";
  line(out, "c=IN IP4 {}", section.like_c_sdk ? "127.0.0.1" : "0.0.0.0");
  write_transport(out, section, transport);
  if (!section.mid.empty()) line(out, "a=mid:{}", section.mid);
  for (const Extension& extension : section.extensions) line(out, "a=extmap:{} {}", extension.id, extension.uri);
  line(out, "a={}", to_text(section.direction));
  line(out, "a=rtcp-mux");
  if (section.rtcp_rsize) line(out, "a=rtcp-rsize");
  write_formats(out, section);
  if (section.source != nullptr && section.source->ssrc != 0) write_source(out, section);
}

}  // namespace webrtc::sdp

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The lines that offers and answers of ours share.

#include <span>
#include <string>
#include <string_view>

#include "webrtc/sdp/negotiation.hpp"

namespace webrtc::sdp {

std::string_view to_text(Direction direction);
std::string_view to_text(Setup setup);
std::string_view to_text(MediaKind kind);

// One format of a section as we write it.
struct WrittenFormat {
  std::uint8_t payload_type = 0;
  std::string name;  // "H264/90000"
  std::string parameters;
  std::vector<std::string_view> feedback;
};

struct WrittenSection {
  MediaKind kind = MediaKind::Video;
  std::string mid;
  Direction direction = Direction::Inactive;
  Setup setup = Setup::ActPass;
  std::vector<WrittenFormat> formats;
  std::vector<Extension> extensions;
  const LocalSource* source = nullptr;  // written if not null and its ssrc is not 0
  bool rtcp_rsize = true;
  bool like_c_sdk = false;
};

// Every line written ends with CRLF.
void write_session_lines(std::string& out, std::uint64_t session_id, std::span<const std::string> bundle,
                         std::string_view stream_label, bool like_c_sdk);
void write_section(std::string& out, const WrittenSection& section, const LocalTransport& transport);

}  // namespace webrtc::sdp

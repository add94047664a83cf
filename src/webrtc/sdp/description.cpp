// SPDX-License-Identifier: Apache-2.0
#include "webrtc/sdp/description.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace webrtc::sdp {
namespace {

using base::Errc;
using base::fail;

constexpr std::size_t kMaxTokenBytes = 256;
constexpr std::size_t kMaxFeedback = 16;
constexpr std::size_t kMaxParameterBytes = 4096;  // of one a=fmtp: parameter sets are in it

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Takes what comes before `separator` and drops both from the front.
std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view word = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return word;
}
std::string_view take_word(std::string_view& rest) {
  rest = trim(rest);
  return take_until(rest, ' ');
}

template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

std::string to_case(std::string_view text, int (*convert)(int)) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(convert(static_cast<unsigned char>(c)));
  return out;
}

bool is_fingerprint(std::string_view text) {
  if (text.size() % 3 != 2 || text.size() > 3 * 64) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool right = i % 3 == 2 ? text[i] == ':' : std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    if (!right) return false;
  }
  return true;
}

Format* find_format(Section& section, unsigned payload_type) {
  for (Format& format : section.formats) {
    if (format.payload_type == payload_type) return &format;
  }
  return nullptr;
}

// "99 H264/90000" -> the format 99 and the rest; nothing for a payload type that the m= line does not name.
Format* take_format(Section& section, std::string_view& value) {
  unsigned payload_type = 0;
  return parse_number(take_word(value), payload_type) ? find_format(section, payload_type) : nullptr;
}

// Each reader gets the section that the line belongs to (or the session's values, kept in a Section too) and the
// text after the colon. False: the line is malformed in a way that matters.
using Reader = bool (*)(Section&, std::string_view);

bool read_ufrag(Section& section, std::string_view value) {
  section.ufrag = std::string(value);
  return value.size() >= 4 && value.size() <= 256;  // RFC 8839 5.4
}
bool read_password(Section& section, std::string_view value) {
  section.password = std::string(value);
  return value.size() >= 22 && value.size() <= 256;
}

bool read_fingerprint(Section& section, std::string_view value) {
  const std::string algorithm = to_case(take_word(value), std::tolower);
  value = trim(value);
  if (!is_fingerprint(value)) return false;
  if (!section.fingerprint.empty() && algorithm != "sha-256") return true;  // of several, SHA-256 is kept
  section.fingerprint_algorithm = algorithm;
  section.fingerprint = to_case(value, std::toupper);
  return true;
}

bool read_setup(Section& section, std::string_view value) {
  if (value == "active") section.setup = Setup::Active;
  if (value == "passive") section.setup = Setup::Passive;
  if (value == "actpass") section.setup = Setup::ActPass;
  return section.setup.has_value();
}

bool read_mid(Section& section, std::string_view value) {
  section.mid = std::string(value);
  return !value.empty() && value.size() <= kMaxTokenBytes;
}

bool read_candidate(Section& section, std::string_view value) {
  if (section.candidates.size() < kMaxOfAKind && value.size() <= 512)
    section.candidates.push_back(fmt::format("candidate:{}", value));
  return true;
}

bool read_rtpmap(Section& section, std::string_view value) {
  Format* format = take_format(section, value);
  if (format == nullptr) return true;
  value = trim(value);
  const std::string_view name = take_until(value, '/');
  const std::string_view clock_rate = take_until(value, '/');
  if (name.empty() || name.size() > kMaxTokenBytes || !parse_number(clock_rate, format->clock_rate)) return false;
  format->name = std::string(name);
  return value.empty() || parse_number(value, format->channels);
}

bool read_fmtp(Section& section, std::string_view value) {
  Format* format = take_format(section, value);
  if (format == nullptr) return true;
  format->parameters = std::string(trim(value));
  return format->parameters.size() <= kMaxParameterBytes;
}

void add_feedback(Format& format, std::string_view what) {
  if (format.feedback.size() < kMaxFeedback && what.size() <= kMaxTokenBytes) format.feedback.emplace_back(what);
}

bool read_feedback(Section& section, std::string_view value) {
  if (value.starts_with("* ")) {
    for (Format& format : section.formats) add_feedback(format, trim(value.substr(2)));
    return true;
  }
  if (Format* format = take_format(section, value)) add_feedback(*format, trim(value));
  return true;
}

// "3 urn:...", "3/sendonly urn:... attributes".
bool read_extmap(Section& section, std::string_view value) {
  std::string_view id = take_word(value);
  Extension extension;
  if (!parse_number(take_until(id, '/'), extension.id)) return true;  // two-byte and virtual ids are not for us
  extension.uri = std::string(take_word(value));
  if (extension.uri.size() > kMaxTokenBytes) return false;
  if (section.extensions.size() < kMaxOfAKind) section.extensions.push_back(std::move(extension));
  return true;
}

// "123 cname:xyz", "123 msid:a b".
bool read_source(Section& section, std::string_view value) {
  std::uint32_t ssrc = 0;
  if (!parse_number(take_word(value), ssrc)) return false;
  auto source = std::find_if(section.sources.begin(), section.sources.end(),
                             [&](const Source& known) { return known.ssrc == ssrc; });
  if (source == section.sources.end()) {
    if (section.sources.size() >= kMaxOfAKind) return true;
    source = section.sources.insert(source, Source{ssrc, {}});
  }
  if (value.starts_with("cname:") && value.size() <= kMaxTokenBytes) source->cname = std::string(value.substr(6));
  return true;
}

// "FID 1 2": 2 repairs 1.
bool read_source_group(Section& section, std::string_view value) {
  if (take_word(value) != "FID") return true;
  std::pair<std::uint32_t, std::uint32_t> group;
  if (!parse_number(take_word(value), group.first) || !parse_number(take_word(value), group.second)) return false;
  if (section.rtx_sources.size() < kMaxOfAKind) section.rtx_sources.push_back(group);
  return true;
}

template <Direction Which>
bool read_direction(Section& section, std::string_view) {
  section.direction = Which;
  return true;
}
template <bool Section::* Flag>
bool read_flag(Section& section, std::string_view) {
  section.*Flag = true;
  return true;
}

struct Row {
  std::string_view name;
  Reader read;
};
constexpr std::array kRows = {
    Row{"ice-ufrag", read_ufrag},
    Row{"ice-pwd", read_password},
    Row{"fingerprint", read_fingerprint},
    Row{"setup", read_setup},
    Row{"mid", read_mid},
    Row{"candidate", read_candidate},
    Row{"rtpmap", read_rtpmap},
    Row{"fmtp", read_fmtp},
    Row{"rtcp-fb", read_feedback},
    Row{"extmap", read_extmap},
    Row{"ssrc", read_source},
    Row{"ssrc-group", read_source_group},
    Row{"sendrecv", read_direction<Direction::SendRecv>},
    Row{"sendonly", read_direction<Direction::SendOnly>},
    Row{"recvonly", read_direction<Direction::RecvOnly>},
    Row{"inactive", read_direction<Direction::Inactive>},
    Row{"rtcp-mux", read_flag<&Section::rtcp_mux>},
    Row{"rtcp-rsize", read_flag<&Section::rtcp_rsize>},
    Row{"bundle-only", read_flag<&Section::bundle_only>},
};

// "video 9 UDP/TLS/RTP/SAVPF 99 101".
bool read_media(std::string_view value, Section& section) {
  section.media = std::string(take_word(value));
  std::string_view port = take_word(value);
  section.protocol = std::string(take_word(value));
  if (section.media.empty() || section.media.size() > kMaxTokenBytes || section.protocol.size() > kMaxTokenBytes ||
      !parse_number(take_until(port, '/'), section.port))
    return false;
  if (section.media != "video" && section.media != "audio") return true;  // formats of others are not numbers
  while (!(value = trim(value)).empty() && section.formats.size() < kMaxFormats) {
    Format format;
    if (!parse_number(take_word(value), format.payload_type) || format.payload_type > 127) return false;
    if (find_format(section, format.payload_type) == nullptr) section.formats.push_back(std::move(format));
  }
  return true;
}

class Parser {
 public:
  base::Result<Description> parse(std::string_view text) {
    if (text.size() > kMaxTextBytes)
      return fail(Errc::InvalidArgument, fmt::format("it has {} bytes: {} are the limit", text.size(), kMaxTextBytes));
    if (!text.starts_with("v=0")) return fail(Errc::InvalidArgument, "it does not start with v=0");
    for (std::size_t number = 1; !text.empty(); ++number) {
      std::string_view line = take_until(text, '\n');
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (number > kMaxLines) return fail(Errc::InvalidArgument, fmt::format("it has more than {} lines", kMaxLines));
      if (!read_line(line))
        return fail(Errc::InvalidArgument, fmt::format("line {} is malformed: {:.80}", number, printable(line)));
    }
    for (Section& section : description_.sections) inherit(section);
    return std::move(description_);
  }

 private:
  static std::string printable(std::string_view line) {
    std::string out(line.substr(0, 80));
    for (char& c : out) c = std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '?';
    return out;
  }

  bool read_line(std::string_view line) {
    if (line.size() < 2 || line[1] != '=') return line.empty();
    std::string_view value = line.substr(2);
    if (line[0] == 'm') {
      if (description_.sections.size() >= kMaxSections) return false;
      Section& section = description_.sections.emplace_back();
      section.direction = session_.direction;
      return read_media(value, section);
    }
    if (line[0] != 'a') return true;
    const std::string_view name = take_until(value, ':');
    if (name == "ice-options") description_.trickle |= value.find("trickle") != std::string_view::npos;
    if (description_.sections.empty()) read_session_attribute(name, value);
    const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.name == name; });
    if (row == kRows.end()) return true;
    return row->read(description_.sections.empty() ? session_ : description_.sections.back(), value);
  }

  void read_session_attribute(std::string_view name, std::string_view value) {
    if (name == "ice-lite") description_.ice_lite = true;
    if (name != "group" || take_word(value) != "BUNDLE" || !description_.bundle.empty()) return;
    while (!(value = trim(value)).empty() && description_.bundle.size() < kMaxSections)
      description_.bundle.emplace_back(take_word(value));
  }

  void inherit(Section& section) const {
    if (section.ufrag.empty()) section.ufrag = session_.ufrag;
    if (section.password.empty()) section.password = session_.password;
    if (!section.setup) section.setup = session_.setup;
    if (section.fingerprint.empty()) {
      section.fingerprint = session_.fingerprint;
      section.fingerprint_algorithm = session_.fingerprint_algorithm;
    }
    section.candidates.insert(section.candidates.end(), session_.candidates.begin(), session_.candidates.end());
  }

  Description description_;
  Section session_;
};

}  // namespace

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<std::string_view> Format::parameter(std::string_view key) const {
  for (std::string_view rest = parameters; !rest.empty();) {
    std::string_view pair = trim(take_until(rest, ';'));
    if (equal_without_case(trim(take_until(pair, '=')), key)) return trim(pair);
  }
  return std::nullopt;
}

bool Format::is_named(std::string_view other) const {
  return equal_without_case(name, other);
}

bool Format::has_feedback(std::string_view what) const {
  return std::find(feedback.begin(), feedback.end(), what) != feedback.end();
}

base::Result<Description> parse_description(std::string_view text) {
  return Parser().parse(text);
}

}  // namespace webrtc::sdp

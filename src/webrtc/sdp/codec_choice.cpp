// SPDX-License-Identifier: Apache-2.0
#include "webrtc/sdp/codec_choice.hpp"

#include <algorithm>
#include <charconv>

namespace webrtc::sdp {
namespace {

constexpr std::size_t kMaxParameterSets = 16;

// RFC 6184 8.1: profile_idc, constraint flags, level_idc in hexadecimal.
int score(const Format& format) {
  int points = 0;  // Opus formats all have none
  if (format.parameter("packetization-mode") == "1") points += 4;
  const auto profile = format.parameter("profile-level-id");
  if (profile && profile->size() == 6) {
    if (equal_without_case(profile->substr(0, 4), "42e0")) points += 2;
    if (base::parse_hex(profile->substr(4)).value_or(base::Bytes{255}).at(0) <= 0x1f) points += 1;
  }
  return points;
}

bool is_repair(const Format& format) {
  return format.is_named("rtx") || format.is_named("red") || format.is_named("ulpfec") ||
         format.is_named("flexfec-03") || format.is_named("telephone-event") || format.is_named("CN");
}

}  // namespace

bool is_our_codec(const Format& format, MediaKind kind) {
  return kind == MediaKind::Video ? format.is_named("H264") && format.clock_rate == 90000
                                  : format.is_named("opus") && format.clock_rate == 48000;
}

std::vector<const Format*> find_our_formats(const Section& section, MediaKind kind) {
  std::vector<const Format*> found;
  const auto is_better = [](const Format* a, const Format* b) { return score(*a) > score(*b); };
  for (const Format& format : section.formats) {
    if (is_our_codec(format, kind))
      found.insert(std::upper_bound(found.begin(), found.end(), &format, is_better), &format);
  }
  return found;
}

std::optional<std::uint8_t> find_rtx(const Section& section, std::uint8_t payload_type) {
  for (const Format& format : section.formats) {
    const auto apt = format.is_named("rtx") ? format.parameter("apt") : std::nullopt;
    if (apt == std::to_string(payload_type)) return format.payload_type;
  }
  return std::nullopt;
}

std::string name_codecs(const Section& section) {
  std::vector<std::string> names;
  for (const Format& format : section.formats) {
    const std::string name = format.name.empty() ? "payload type " + std::to_string(format.payload_type) : format.name;
    const bool known = std::find(names.begin(), names.end(), name) != names.end();
    if (!is_repair(format) && !known && names.size() < 5) names.push_back(name.substr(0, 32));
  }
  if (names.empty()) return "no codec";
  if (names.size() == 1) return names.front() + " only";
  std::string text = names.front();
  for (std::size_t i = 1; i < names.size(); ++i) text += (i + 1 == names.size() ? " and " : ", ") + names[i];
  return text;
}

MediaFeatures features_of(const Format& format, const MediaFeatures& ours) {
  MediaFeatures both;
  both.nack = ours.nack && format.has_feedback("nack");
  both.pli = ours.pli && format.has_feedback("nack pli");
  both.fir = ours.fir && format.has_feedback("ccm fir");
  both.transport_cc = ours.transport_cc && format.has_feedback("transport-cc");
  both.remb = ours.remb && format.has_feedback("goog-remb");
  both.rtx = ours.rtx;
  both.extensions = ours.extensions;
  return both;
}

ExtensionIds extensions_of(const Section& section) {
  ExtensionIds ids;
  for (const Extension& extension : section.extensions) {
    if (extension.id == 0 || extension.id > 14) continue;  // one-byte headers (RFC 8285 4.2)
    if (extension.uri == kMidUri) ids.mid = extension.id;
    if (extension.uri == kAbsSendTimeUri) ids.abs_send_time = extension.id;
    if (extension.uri == kTransportCcUri) ids.transport_cc = extension.id;
  }
  return ids;
}

std::vector<base::Bytes> parameter_sets_of(const Format& format) {
  std::vector<base::Bytes> sets;
  std::string_view rest = format.parameter("sprop-parameter-sets").value_or("");
  while (!rest.empty() && sets.size() < kMaxParameterSets) {
    const std::size_t comma = rest.find(',');
    auto set = base::parse_base64(rest.substr(0, comma));
    if (set && !set->empty()) sets.push_back(std::move(*set));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  return sets;
}

}  // namespace webrtc::sdp

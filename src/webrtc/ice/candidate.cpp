// SPDX-License-Identifier: Apache-2.0
#include "webrtc/ice/candidate.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <optional>

namespace webrtc::ice {
namespace {

constexpr std::size_t kMaxLineBytes = 512;
constexpr std::size_t kMaxFoundationCharacters = 32;  // RFC 8839 5.1
// Over TCP: type preferences as Chromium's, below all of UDP's but the relayed one; direction preference of RFC
// 6544 4.2.
constexpr std::uint32_t kTcpHost = 90, kTcpReflexive = 80, kTcpPassive = 4;

struct TypeRow {
  CandidateType type;
  std::string_view name;
  std::uint32_t preference;  // RFC 8445 5.1.2.2
};
constexpr std::array<TypeRow, 4> kTypes = {{
    {CandidateType::Host, "host", 126},
    {CandidateType::ServerReflexive, "srflx", 100},
    {CandidateType::PeerReflexive, "prflx", 110},
    {CandidateType::Relayed, "relay", 0},
}};

bool equal_without_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(a[i])) != std::tolower(static_cast<unsigned char>(b[i]))) return false;
  }
  return true;
}

// Takes the next word; words are separated by single or repeated spaces.
std::string_view take_word(std::string_view& rest) {
  const std::size_t start = rest.find_first_not_of(' ');
  if (start == std::string_view::npos) return rest = {};
  rest.remove_prefix(start);
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::string_view strip(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n' || line.back() == ' ')) line.remove_suffix(1);
  if (line.starts_with("a=")) line.remove_prefix(2);
  if (line.starts_with("candidate:")) line.remove_prefix(10);
  return line;
}

std::optional<CandidateType> find_type(std::string_view name) {
  for (const TypeRow& row : kTypes) {
    if (equal_without_case(row.name, name)) return row.type;
  }
  return std::nullopt;
}

const TypeRow& get_row(CandidateType type) {
  return kTypes.at(static_cast<std::size_t>(type));
}

}  // namespace

// RFC 8839 5.1: foundation component transport priority address port "typ" type *(name value)
std::expected<Candidate, CandidateRefusal> parse_candidate(std::string_view line) {
  if (line.size() > kMaxLineBytes) return std::unexpected(CandidateRefusal::Malformed);
  std::string_view rest = strip(line);
  Candidate candidate;
  const std::string_view foundation = take_word(rest);
  const std::string_view component_text = take_word(rest);
  const std::string_view transport = take_word(rest);
  const std::string_view priority = take_word(rest);
  const std::string_view host = take_word(rest);
  const std::string_view port = take_word(rest);
  const std::string_view typ = take_word(rest);
  const auto type = find_type(take_word(rest));
  std::uint32_t component = 0;
  if (foundation.empty() || foundation.size() > kMaxFoundationCharacters || typ != "typ" || !type ||
      !parse_number(component_text, component) || !parse_number(priority, candidate.priority) ||
      !parse_number(port, candidate.address.port))
    return std::unexpected(CandidateRefusal::Malformed);
  if (!equal_without_case(transport, "udp")) return std::unexpected(CandidateRefusal::NotUdp);
  if (component != 1) return std::unexpected(CandidateRefusal::OtherComponent);
  const auto ip = base::IpAddress::parse(host);
  if (!ip || ip->is_unspecified()) return std::unexpected(CandidateRefusal::NotAnAddress);
  if (candidate.address.port == 0) return std::unexpected(CandidateRefusal::Malformed);
  candidate.foundation = std::string(foundation);
  candidate.address.ip = *ip;
  candidate.type = *type;
  return candidate;
}

std::string write_candidate(const Candidate& candidate) {
  const bool is_tcp = candidate.transport == base::Transport::Tcp;
  std::string line =
      fmt::format("candidate:{} 1 {} {} {} {} typ {}", candidate.foundation, is_tcp ? "tcp" : "udp", candidate.priority,
                  candidate.address.ip.text(), candidate.address.port, get_row(candidate.type).name);
  // RFC 8839: reflexive and relayed candidates name a related address; a hidden one is written as zeros.
  if (candidate.type != CandidateType::Host)
    line += candidate.address.ip.family == base::IpAddress::Family::V4 ? " raddr 0.0.0.0 rport 0" : " raddr :: rport 0";
  if (is_tcp) line += " tcptype passive";
  return line;
}

std::uint32_t candidate_priority(CandidateType type, std::uint16_t local_preference) {
  return get_row(type).preference << 24 | std::uint32_t{local_preference} << 8 | 255U;
}

std::uint32_t tcp_candidate_priority(CandidateType type, std::uint16_t index) {
  const std::uint32_t preference = type == CandidateType::Host ? kTcpHost : kTcpReflexive;
  const std::uint32_t other = 8191U - (index & 8191U);
  return preference << 24 | (kTcpPassive << 13 | other) << 8 | 255U;
}

}  // namespace webrtc::ice

// SPDX-License-Identifier: Apache-2.0
#include "codecs/h264_parameter_sets.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "codecs/h264_nal.hpp"

namespace codecs::h264 {
namespace {

constexpr std::size_t kMaxParameterSetBytes = 65535;  // its length is 16 bits in the record

bool has_extension_fields(std::uint8_t profile) {
  return profile != 66 && profile != 77 && profile != 88;  // 14496-15 5.3.3.1.2
}

}  // namespace

//  configurationVersion=1 | profile | compatibility | level | 111111 lengthSizeMinusOne | 111 numSPS
//  (u16 length, SPS)* | numPPS | (u16 length, PPS)*
//  profile 100 and above: 111111 chroma_format | 11111 luma depth-8 | 11111 chroma depth-8 | numSPSExt
base::Bytes make_avcc(const std::vector<base::Bytes>& sps, const std::vector<base::Bytes>& pps) {
  if (sps.empty() || pps.empty() || sps.size() > 31 || pps.size() > 255) return {};
  const auto first = parse_sps(sps.front());
  if (!first) return {};
  base::Bytes out;
  base::ByteWriter writer(out);
  writer.u8(1);
  writer.u8(first->profile_idc);
  writer.u8(first->constraint_flags);
  writer.u8(first->level_idc);
  writer.u8(0xff);
  writer.u8(0xe0 | sps.size());
  for (const auto& set : sps) {
    if (set.size() > kMaxParameterSetBytes) return {};
    writer.u16(set.size());
    writer.bytes(set);
  }
  writer.u8(pps.size());
  for (const auto& set : pps) {
    if (set.size() > kMaxParameterSetBytes) return {};
    writer.u16(set.size());
    writer.bytes(set);
  }
  if (has_extension_fields(first->profile_idc)) {
    writer.u8(0xfc | first->chroma_format_idc);
    writer.u8(0xf8 | (first->bit_depth_luma - 8));
    writer.u8(0xf8 | (first->bit_depth_chroma - 8));
    writer.u8(0);
  }
  return out;
}

std::optional<Avcc> parse_avcc(base::ByteView record) {
  base::ByteReader reader(record);
  if (reader.u8() != 1) return std::nullopt;
  reader.skip(3);
  Avcc avcc;
  avcc.length_size = static_cast<std::uint8_t>((reader.u8() & 3) + 1);
  const unsigned sps_count = reader.u8() & 31;
  for (unsigned i = 0; i < sps_count && reader.ok(); ++i) {
    const base::ByteView set = reader.take(reader.u16());
    avcc.sps.emplace_back(set.begin(), set.end());
  }
  const unsigned pps_count = reader.u8();
  for (unsigned i = 0; i < pps_count && reader.ok(); ++i) {
    const base::ByteView set = reader.take(reader.u16());
    avcc.pps.emplace_back(set.begin(), set.end());
  }
  if (!reader.ok() || avcc.length_size == 3) return std::nullopt;
  return avcc;
}

std::string codec_string_of_avcc(base::ByteView record) {
  if (record.size() < 4) return {};
  return fmt::format("avc1.{:02X}{:02X}{:02X}", record[1], record[2], record[3]);
}

ParameterSets::Change ParameterSets::observe(base::ByteView access_unit) {
  Change change;
  const std::uint8_t before = latest_sps_;
  for_each_nal(access_unit, [&](base::ByteView nal) {
    const Change one = add(nal);
    change.sps_changed |= one.sps_changed;
    change.pps_changed |= one.pps_changed;
  });
  change.sps_changed |= latest_sps_ != before;  // back to an SPS that was sent earlier under another id
  return change;
}

ParameterSets::Change ParameterSets::add(base::ByteView nal) {
  if (nal.empty() || nal.size() > kMaxParameterSetBytes) return {};
  if (nal_type(nal) == NalType::Sps) {
    const auto sps = parse_sps(nal);
    if (!sps) return {};
    base::Bytes& held = sps_[sps->id];
    const bool changed = !std::ranges::equal(held, nal);
    if (changed) held.assign(nal.begin(), nal.end());
    latest_sps_ = sps->id;
    return {.sps_changed = changed};
  }
  if (nal_type(nal) == NalType::Pps) {
    const auto pps = parse_pps(nal);
    if (!pps) return {};
    base::Bytes& held = pps_[pps->id];
    const bool changed = !std::ranges::equal(held, nal);
    if (changed) held.assign(nal.begin(), nal.end());
    return {.pps_changed = changed};
  }
  return {};
}

void ParameterSets::add_sprop(std::string_view sprop) {
  while (!sprop.empty()) {
    const std::size_t comma = std::min(sprop.find(','), sprop.size());
    if (const auto nal = base::parse_base64(sprop.substr(0, comma))) add(*nal);
    sprop.remove_prefix(std::min(comma + 1, sprop.size()));
  }
}

base::Bytes ParameterSets::avcc() const {
  if (!complete()) return {};
  std::vector<base::Bytes> sps{sps_.at(latest_sps_)};
  sps.reserve(sps_.size());
  for (const auto& [id, set] : sps_) {
    if (id != latest_sps_) sps.push_back(set);
  }
  std::vector<base::Bytes> pps;
  pps.reserve(pps_.size());
  for (const auto& [id, set] : pps_) pps.push_back(set);
  if (sps.size() > 31) sps.resize(31);
  if (pps.size() > 255) pps.resize(255);
  return make_avcc(sps, pps);
}

std::optional<Sps> ParameterSets::active_sps() const {
  const auto found = sps_.find(latest_sps_);
  if (found == sps_.end()) return std::nullopt;
  return parse_sps(found->second);
}

}  // namespace codecs::h264

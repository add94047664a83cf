// SPDX-License-Identifier: Apache-2.0
#include "rtp/transport_feedback.hpp"

#include <algorithm>
#include <span>

namespace rtp {
namespace {

constexpr unsigned kMaxRun = 0x1fff;
constexpr std::size_t kOneBitSymbols = 14;
constexpr std::size_t kTwoBitSymbols = 7;

using Deltas = std::span<const std::optional<std::int16_t>>;

unsigned symbol_of(std::optional<std::int16_t> delta) {
  if (!delta) return 0;
  return *delta >= 0 && *delta <= 255 ? 1 : 2;
}

std::size_t run_length(Deltas deltas) {
  std::size_t run = 1;
  while (run < deltas.size() && run < kMaxRun && symbol_of(deltas[run]) == symbol_of(deltas[0])) ++run;
  return run;
}

// Writes one chunk; returns how many symbols it covers.
std::size_t write_chunk(base::ByteWriter& writer, Deltas deltas) {
  const std::size_t run = run_length(deltas);
  if (run >= kOneBitSymbols || run == deltas.size()) {
    writer.u16(symbol_of(deltas[0]) << 13 | run);
    return run;
  }
  const Deltas wide = deltas.first(std::min(deltas.size(), kOneBitSymbols));
  if (std::ranges::all_of(wide, [](auto delta) { return symbol_of(delta) < 2; })) {
    std::uint32_t chunk = 0x8000;
    for (std::size_t i = 0; i < wide.size(); ++i) chunk |= symbol_of(wide[i]) << (kOneBitSymbols - 1 - i);
    writer.u16(chunk);
    return wide.size();
  }
  const Deltas narrow = deltas.first(std::min(deltas.size(), kTwoBitSymbols));
  std::uint32_t chunk = 0xc000;
  for (std::size_t i = 0; i < narrow.size(); ++i) chunk |= symbol_of(narrow[i]) << (2 * (kTwoBitSymbols - 1 - i));
  writer.u16(chunk);
  return narrow.size();
}

// Appends the symbols of one chunk, at most `wanted`.
void read_chunk(std::uint16_t chunk, std::size_t wanted, std::vector<std::uint8_t>& symbols) {
  const auto add = [&](std::size_t count, auto symbol) {
    for (std::size_t i = 0; i < std::min(count, wanted); ++i) symbols.push_back(static_cast<std::uint8_t>(symbol(i)));
  };
  if ((chunk & 0x8000) == 0) {
    add(chunk & kMaxRun, [&](std::size_t) { return chunk >> 13 & 3; });
  } else if ((chunk & 0x4000) == 0) {
    add(kOneBitSymbols, [&](std::size_t i) { return chunk >> (kOneBitSymbols - 1 - i) & 1; });
  } else {
    add(kTwoBitSymbols, [&](std::size_t i) { return chunk >> (2 * (kTwoBitSymbols - 1 - i)) & 3; });
  }
}

}  // namespace

//  sender SSRC | media SSRC | base sequence 16, status count 16 | reference time 24, feedback count 8 | chunks | deltas
std::optional<TransportFeedback> parse_transport_feedback(base::ByteView body) {
  base::ByteReader reader(body);
  TransportFeedback feedback;
  feedback.sender_ssrc = reader.u32();
  feedback.media_ssrc = reader.u32();
  feedback.base_sequence = reader.u16();
  const std::size_t count = reader.u16();
  feedback.reference_time = static_cast<std::int32_t>(reader.u24() << 8) >> 8;
  feedback.feedback_count = reader.u8();
  if (!reader.ok() || count == 0) return std::nullopt;
  std::vector<std::uint8_t> symbols;
  while (symbols.size() < count) {
    const std::uint16_t chunk = reader.u16();
    if (!reader.ok()) return std::nullopt;
    read_chunk(chunk, count - symbols.size(), symbols);
  }
  feedback.deltas.reserve(count);
  for (const std::uint8_t symbol : symbols) {
    if (symbol == 0 || symbol == 3) {  // 3 is reserved; some write it for "received, time unknown"
      feedback.deltas.emplace_back();
    } else if (symbol == 1) {
      feedback.deltas.emplace_back(reader.u8());
    } else {
      feedback.deltas.emplace_back(static_cast<std::int16_t>(reader.u16()));
    }
  }
  if (!reader.ok()) return std::nullopt;
  return feedback;
}

void write_transport_feedback(base::ByteWriter& writer, const TransportFeedback& feedback) {
  const std::size_t count = std::min<std::size_t>(feedback.deltas.size(), 0xffff);
  writer.u32(feedback.sender_ssrc);
  writer.u32(feedback.media_ssrc);
  writer.u16(feedback.base_sequence);
  writer.u16(count);
  writer.u24(static_cast<std::uint32_t>(feedback.reference_time) & 0xffffff);
  writer.u8(feedback.feedback_count);
  Deltas rest = Deltas(feedback.deltas).first(count);
  while (!rest.empty()) rest = rest.subspan(write_chunk(writer, rest));
  for (const auto delta : Deltas(feedback.deltas).first(count)) {
    if (symbol_of(delta) == 1) writer.u8(static_cast<std::uint64_t>(*delta));
    if (symbol_of(delta) == 2) writer.u16(static_cast<std::uint16_t>(*delta));
  }
}

}  // namespace rtp

// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/encoder.hpp"

#include <algorithm>

namespace aac_encoder {

base::Result<std::unique_ptr<Encoder>> Encoder::open(const Rate& rate) {
  std::unique_ptr<Encoder> encoder(new Encoder(rate));
  TRY_VOID(encoder->transform_.open());
  return encoder;
}

std::optional<base::ByteView> Encoder::encode(std::span<const float, kLines> left,
                                              std::span<const float, kLines> right) {
  take(left, right);
  if (taken_ < 2) {
    ++taken_;
    if (taken_ < 2) return std::nullopt;
  }
  return encode_unit();
}

void Encoder::take(std::span<const float, kLines> left, std::span<const float, kLines> right) {
  newest_ = (newest_ + 1) % 3;
  Frame& own = frames_[newest_];
  std::ranges::copy(left, own.samples[0].begin());
  std::ranges::copy(right, own.samples[1].begin());
  own.equal = own.samples[0] == own.samples[1];
  own.energies[0] = measure_energies(own.samples[0]);
  own.energies[1] = own.equal ? own.energies[0] : measure_energies(own.samples[1]);
  own.silent = own.equal && std::ranges::all_of(own.samples[0], [](float x) { return x == 0; });
  attacks_ = {attacks_[1], attacks_[2], false};
  for (std::size_t c = 0; c < 2; ++c) {
    if (has_attack(frame(2).energies[c], frame(1).energies[c], own.energies[c])) attacks_[2] = true;
  }
}

base::ByteView Encoder::encode_unit() {
  const WindowSequence sequence = choose_sequence(attacks_[0], attacks_[1], attacks_[2]);
  if (frame(2).silent && frame(1).silent) {
    before_ = {.masks = {}, .valid = true};
    write_silence(sequence, writer_);
    return writer_.finish();
  }
  const std::size_t used = frame(2).equal && frame(1).equal ? 1 : 2;
  const BandLayout layout = transform(sequence, used);
  bool sudden = attacks_[1] && !attacks_[0];
  for (std::size_t c = 0; c < used; ++c) {
    Masking& masking = channels_[c].masking;
    measure_masking(layout, channels_[c].lines, masking);
    if (!layout.is_short() && before_.valid && limit_rise(layout, before_.masks[c], masking)) sudden = true;
    before_.masks[c] = masking.masked;
  }
  if (used == 1) before_.masks[1] = before_.masks[0];
  before_.valid = !layout.is_short();
  const StereoMask mask =
      used == 1 ? join_equal_channels(channels_[1]) : join_channels(layout, channels_[0], channels_[1]);
  write_unit(layout, mask, rate_.encode(layout, channels_, used, sudden), writer_);
  return writer_.finish();
}

// Fills the lines of `channels_` in coded order.
BandLayout Encoder::transform(WindowSequence sequence, std::size_t channels_used) {
  const bool is_short = sequence == WindowSequence::EightShort;
  for (std::size_t c = 0; c < channels_used; ++c) {
    transform_.run(sequence, frame(2).samples[c], frame(1).samples[c], is_short ? windows_[c] : channels_[c].lines);
  }
  if (!is_short) return make_layout(sequence, {});
  const BandLayout layout = make_layout(sequence, choose_grouping(windows_[0], windows_[channels_used - 1]));
  for (std::size_t c = 0; c < channels_used; ++c) sort_into_groups(layout, windows_[c], channels_[c].lines);
  return layout;
}

}  // namespace aac_encoder

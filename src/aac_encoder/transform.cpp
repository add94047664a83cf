// SPDX-License-Identifier: Apache-2.0
#include "aac_encoder/transform.hpp"

extern "C" {
#include <libavutil/tx.h>
}

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace aac_encoder {
namespace {

constexpr std::size_t kFlat = (kLines - kShortLines) / 2;  // 448: ones (or zeros) beside a short slope
// Lines are those of samples of 16 bits and of a transform that is twice the sum (4.6.11.3.1).
constexpr float kScale = 65'536.0F;

double bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; k < 60; ++k) {
    term *= x / 2 / k;
    sum += term * term;
  }
  return sum;
}

// The rising half of a Kaiser-Bessel derived window (4.6.11.3.2).
std::vector<float> kaiser_bessel_slope(std::size_t size, double alpha) {
  std::vector<double> sums(size + 1);
  double sum = 0;
  for (std::size_t i = 0; i <= size; ++i) {
    const double x = 2 * static_cast<double>(i) / static_cast<double>(size) - 1;
    sum += bessel(std::numbers::pi * alpha * std::sqrt(std::max(0.0, 1 - x * x)));
    sums[i] = sum;
  }
  std::vector<float> slope(size);
  for (std::size_t i = 0; i < size; ++i) slope[i] = static_cast<float>(std::sqrt(sums[i] / sum));
  return slope;
}

// A window over two frames, from one of its slopes to the other.
struct Windows {
  std::array<float, 2 * kLines> only_long{};
  std::array<float, 2 * kLines> start{};
  std::array<float, 2 * kLines> stop{};
  std::array<float, 2 * kShortLines> brief{};

  Windows() {
    const std::vector<float> slope = kaiser_bessel_slope(kLines, 4), short_slope = kaiser_bessel_slope(kShortLines, 6);
    for (std::size_t i = 0; i < kShortLines; ++i) brief[i] = brief[2 * kShortLines - 1 - i] = short_slope[i];
    for (std::size_t i = 0; i < kLines; ++i) only_long[i] = only_long[2 * kLines - 1 - i] = slope[i];
    for (std::size_t i = 0; i < kLines; ++i) {
      const float rising = i < kFlat ? 0 : i < kFlat + kShortLines ? brief[i - kFlat] : 1;
      start[i] = only_long[i];
      stop[i] = rising;
      start[2 * kLines - 1 - i] = rising;
      stop[2 * kLines - 1 - i] = only_long[i];
    }
  }
};

const Windows& windows() {
  static const Windows kWindows;
  return kWindows;
}

const std::array<float, 2 * kLines>& long_window(WindowSequence sequence) {
  if (sequence == WindowSequence::LongStart) return windows().start;
  if (sequence == WindowSequence::LongStop) return windows().stop;
  return windows().only_long;
}

}  // namespace

void Transform::Free::operator()(AVTXContext* context) const {
  av_tx_uninit(&context);
}

base::Result<Transform::Mdct> Transform::make_mdct(int lines) {
  Mdct mdct;
  AVTXContext* context = nullptr;
  const float scale = kScale;
  const int status = av_tx_init(&context, &mdct.run, AV_TX_FLOAT_MDCT, 0, lines, &scale, 0);
  if (status < 0) return base::fail(base::Errc::Internal, fmt::format("AAC encoder: no transform ({})", status));
  mdct.context.reset(context);
  return mdct;
}

base::Result<void> Transform::open() {
  TRY(long_, make_mdct(static_cast<int>(kLines)));
  TRY(short_, make_mdct(static_cast<int>(kShortLines)));
  return {};
}

void Transform::run(WindowSequence sequence, std::span<const float, kLines> first,
                    std::span<const float, kLines> second, std::span<float, kLines> lines) {
  std::ranges::copy(first, samples_.begin());
  std::ranges::copy(second, samples_.begin() + kLines);
  if (sequence != WindowSequence::EightShort) {
    const auto& window = long_window(sequence);
    for (std::size_t i = 0; i < 2 * kLines; ++i) windowed_[i] = samples_[i] * window[i];
    long_.run(long_.context.get(), out_.data(), windowed_.data(), sizeof(float));
  } else {
    for (std::size_t w = 0; w < kShortWindows; ++w) {
      const float* from = samples_.data() + kFlat + w * kShortLines;
      for (std::size_t i = 0; i < 2 * kShortLines; ++i) windowed_[i] = from[i] * windows().brief[i];
      short_.run(short_.context.get(), out_.data() + w * kShortLines, windowed_.data(), sizeof(float));
    }
  }
  std::ranges::copy(out_, lines.begin());
}

}  // namespace aac_encoder

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Window and MDCT: 2048 samples to 1024 lines, or to 8 times 128 (ISO/IEC 14496-3 4.6.11). Kaiser-Bessel derived
// windows: their far slopes keep a loud tone out of distant bands, which at these rates is worth more than the sine
// window's nearer ones.

#include <array>
#include <memory>
#include <span>

#include "aac_encoder/layout.hpp"
#include "base/result.hpp"

struct AVTXContext;

namespace aac_encoder {

// Owned by one encoder, one thread: the transforms have scratch memory.
class Transform {
 public:
  // Fails when the library has no memory.
  base::Result<void> open();

  // `first` and `second` are neighbouring frames, samples in -1..1. Short windows come one after the other.
  void run(WindowSequence sequence, std::span<const float, kLines> first, std::span<const float, kLines> second,
           std::span<float, kLines> lines);

 private:
  struct Free {
    void operator()(AVTXContext* context) const;
  };
  struct Mdct {
    std::unique_ptr<AVTXContext, Free> context;
    void (*run)(AVTXContext*, void* out, void* in, std::ptrdiff_t stride) = nullptr;
  };
  static base::Result<Mdct> make_mdct(int lines);

  Mdct long_;
  Mdct short_;
  alignas(64) std::array<float, 2 * kLines> samples_{};
  alignas(64) std::array<float, 2 * kLines> windowed_{};
  alignas(64) std::array<float, kLines> out_{};
};

}  // namespace aac_encoder

// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the simulated camera sees and hears: real H.264 and real Opus.

#include <opus/opus.h>

#include <memory>

#include "cell.hpp"
#include "client/picture.hpp"
#include "client/picture_encoder.hpp"
#include "codecs/frame.hpp"

namespace impairments {

// A key frame every two seconds and when it is asked for. The picture has its number burnt in and never stands still,
// so no two coded pictures are alike.
class PictureSource {
 public:
  PictureSource();

  codecs::Frame next();
  void request_key_frame() { key_frame_wanted_ = true; }
  // From the next picture on.
  void change_size();

 private:
  void open(int width, int height);

  std::unique_ptr<client::Picture> picture_;
  std::unique_ptr<client::PictureEncoder> encoder_;
  std::int64_t number_ = 0;
  std::int64_t last_key_frame_ = 0;
  bool key_frame_wanted_ = true;
};

// A wandering tone; with DTX silence for 3 of every 5 seconds.
class SoundSource {
 public:
  static constexpr std::int64_t kSamples = 960;  // of a packet: 20 ms

  explicit SoundSource(bool dtx);

  // Nothing: DTX leaves this one out.
  std::optional<codecs::Frame> next();

 private:
  struct Free {
    void operator()(OpusEncoder* encoder) const { opus_encoder_destroy(encoder); }
  };
  std::unique_ptr<OpusEncoder, Free> encoder_;
  bool dtx_;
  std::int64_t sample_ = 0;
  double phase_ = 0;
};

}  // namespace impairments

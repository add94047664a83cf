// SPDX-License-Identifier: Apache-2.0
#include "streams/aac/encoder.hpp"

#include "aac_encoder/encoder.hpp"
#include "streams/aac/ffmpeg_encoder.hpp"

namespace streams::aac {
namespace {

class OwnEncoder final : public Encoder {
 public:
  explicit OwnEncoder(std::unique_ptr<aac_encoder::Encoder> encoder) : encoder_(std::move(encoder)) {}

  base::Result<std::optional<base::Bytes>> encode(const Pcm& frame) override {
    const std::optional<base::ByteView> unit = encoder_->encode(frame[0], frame[1]);
    if (!unit) return std::optional<base::Bytes>{};
    return std::optional<base::Bytes>(std::in_place, unit->begin(), unit->end());
  }

 private:
  std::unique_ptr<aac_encoder::Encoder> encoder_;
};

}  // namespace

base::Result<std::unique_ptr<Encoder>> open_encoder(AacChoice choice) {
  if (choice == AacChoice::Ffmpeg) return open_ffmpeg_encoder();
  TRY(std::unique_ptr<aac_encoder::Encoder> encoder, aac_encoder::Encoder::open());
  return std::unique_ptr<Encoder>(std::make_unique<OwnEncoder>(std::move(encoder)));
}

}  // namespace streams::aac

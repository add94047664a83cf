// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rendered sound as bytes, for the cache on disk: docs/formats/derived.md.

#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "streams/audio_renderer.hpp"
#include "streams/fragment.hpp"

namespace streams {

// To be raised with every change after which the same packets render to other bytes: of `audio_renderer`,
// `audio_timeline`, the look-back, room `aac_encoder`, and of the form below.
inline constexpr int kRenderingVersion = 2;

// Everything but the packets that the bytes depend on: version, encoder, the libraries and what of the processor they
// use; and the fragment's own bytes, by their checksum.
std::string sound_tag(AacChoice encoder, const StoredFragment& fragment);

base::Bytes write_sound(const RenderedAudio& audio);
// Nothing unless it is the sound of just these units.
std::optional<RenderedAudio> parse_sound(base::ByteView bytes, const AacUnits& units);

}  // namespace streams

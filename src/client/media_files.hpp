// SPDX-License-Identifier: Apache-2.0
#pragma once
// Recorded media from files.

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "client/media_source.hpp"

namespace client {

struct FileOptions {
  std::string h264_file;  // Annex B
  std::string opus_file;  // Ogg; empty: no sound
  double frame_rate = 0;  // 0: as the SPS says, else 25
  // For a loop that will be repeated: sound past the end of the pictures is left out, or the tracks would drift apart.
  bool cut_sound_to_picture = false;
};

// Reads everything into memory, at most 1 GiB a file.
base::Result<std::shared_ptr<MediaLoop>> load_media(const FileOptions& options);

// Gives the loop the pictures of another file of the same length, frame for frame, with key frames at the same places.
base::Result<void> add_low_pictures(MediaLoop& loop, const std::string& h264_file);

// The packets of the first Opus stream of an Ogg file, without its two header packets.
base::Result<std::vector<base::Bytes>> read_ogg_opus(base::ByteView file);

// Frames per second of an SPS inside an access unit; 0 when it does not say.
double frame_rate_of(base::ByteView access_unit);

}  // namespace client

// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sound to measure encoders with, 48 kHz stereo in -1..1: made here, the same in every run, or read from a WAV file.

#include <string>
#include <vector>

namespace bench {

struct Material {
  std::string name;
  std::vector<float> left;
  std::vector<float> right;
};

// Plucked strings in chords, panned; drums over a bass; castanets; applause; a tone.
std::vector<Material> make_music(double seconds);
// 16 bits, 48 kHz, mono (then both channels are the same) or stereo. Ends the program with a message otherwise.
Material read_wav(const std::string& path);
// The first material's sound in the middle, over the second's.
Material mix(const std::string& name, const Material& voice, const Material& music);

}  // namespace bench

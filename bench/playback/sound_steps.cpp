// SPDX-License-Identifier: Apache-2.0
// What the sound of an Ogg Opus file costs at least: processor time of decoding it and of encoding the samples as AAC,
// a second of sound each, as one line of JSON. The limit that `./dev bench playback` compares reading with.
#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/check.hpp"
#include "client/media_files.hpp"
#include "streams/aac/encoder.hpp"
#include "streams/opus/decoder.hpp"

namespace {

double processor_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

std::vector<float> decode(const std::vector<base::Bytes>& packets) {
  streams::opus::Decoder decoder;
  std::vector<float> samples;
  std::vector<float> one(2 * streams::opus::kMaxSamples);
  for (const base::Bytes& packet : packets) {
    const std::size_t got = decoder.decode(packet, one);
    samples.insert(samples.end(), one.begin(), one.begin() + static_cast<std::ptrdiff_t>(2 * got));
  }
  return samples;
}

void encode(const std::vector<float>& samples) {
  auto encoder = streams::aac::open_encoder(streams::AacChoice::Own);
  CHECK(encoder.has_value());
  streams::aac::Pcm frame;
  for (std::size_t at = 0; at + 2 * streams::aac::kFrameSamples <= samples.size();
       at += 2 * streams::aac::kFrameSamples) {
    for (std::size_t i = 0; i < streams::aac::kFrameSamples; ++i) {
      frame[0][i] = samples[at + 2 * i];
      frame[1][i] = samples[at + 2 * i + 1];
    }
    CHECK((*encoder)->encode(frame).has_value());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "sound_steps FILE.opus\n");
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  const base::Bytes bytes{std::istreambuf_iterator<char>(file), {}};
  const auto packets = client::read_ogg_opus(bytes);
  if (!packets || packets->empty()) {
    fmt::print(stderr, "{} is no Ogg Opus file\n", argv[1]);
    return 1;
  }
  const double began = processor_us();
  const std::vector<float> samples = decode(*packets);
  const double decoded = processor_us();
  encode(samples);
  const double encoded = processor_us();
  const double seconds = static_cast<double>(samples.size()) / 2 / 48'000;
  fmt::print("{{\"seconds\": {:.2f}, \"decode_us_per_second\": {:.1f}, \"encode_us_per_second\": {:.1f}}}\n", seconds,
             (decoded - began) / seconds, (encoded - decoded) / seconds);
  return 0;
}

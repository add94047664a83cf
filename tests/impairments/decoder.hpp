// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.hpp"

namespace impairments {

// Decodes stored fragments with the ffmpeg program, each as a file of its own, and counts the pictures that come out.
// Anything that ffmpeg complains of is an error (-xerror, and an empty error stream).
class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  void add(const base::Bytes& document);
  // Decodes what is waiting.
  void flush();
  std::uint64_t pictures() const { return pictures_; }
  const std::string& errors() const { return errors_; }

 private:
  std::filesystem::path folder_;
  std::size_t waiting_ = 0;
  std::uint64_t pictures_ = 0;
  std::string errors_;
};

}  // namespace impairments

// SPDX-License-Identifier: Apache-2.0
#pragma once
// The pixels of the test picture: planar YUV 4:2:0 with moving bars and a clock that a person or a test can read.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace client {

// One frame of pixels, reused for every picture of a source. Width and height are even.
class Picture {
 public:
  Picture(int width, int height);

  // `number` moves the pattern; `text` ("12:34:56.789") is burnt in: digits and ":.-# " only, others are blank.
  void draw(std::int64_t number, std::string_view text);

  int width() const { return width_; }
  int height() const { return height_; }
  const std::vector<std::uint8_t>& luma() const { return luma_; }
  const std::vector<std::uint8_t>& blue() const { return blue_; }
  const std::vector<std::uint8_t>& red() const { return red_; }

 private:
  struct Colour {
    std::uint8_t y, u, v;
  };
  void fill(int x, int y, int width, int height, Colour colour);
  void draw_text(int x, int y, int scale, std::string_view text);

  int width_, height_;
  std::vector<std::uint8_t> luma_, blue_, red_;
};

// The brightness of a decoded picture; rows are `stride` bytes apart.
struct LumaPlane {
  const std::uint8_t* pixels;
  std::ptrdiff_t stride;
  int width, height;
};
// What Picture::draw() burnt into a picture of this size as a text of `characters`, after a lossy codec; nothing when
// one of them is none of its characters.
std::optional<std::string> read_burnt_text(const LumaPlane& luma, int characters);

}  // namespace client

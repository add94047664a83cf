// SPDX-License-Identifier: Apache-2.0
#include "client/picture.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace client {
namespace {

constexpr int kGlyphWidth = 5;
constexpr int kGlyphHeight = 7;

struct Glyph {
  char character;
  std::array<std::uint8_t, kGlyphHeight> rows;  // the low five bits, left pixel highest
};
constexpr std::array kGlyphs = {
    Glyph{'0', {0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110}},
    Glyph{'1', {0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110}},
    Glyph{'2', {0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111}},
    Glyph{'3', {0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110}},
    Glyph{'4', {0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010}},
    Glyph{'5', {0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110}},
    Glyph{'6', {0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110}},
    Glyph{'7', {0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000}},
    Glyph{'8', {0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110}},
    Glyph{'9', {0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100}},
    Glyph{':', {0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000}},
    Glyph{'.', {0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100}},
    Glyph{'-', {0b00000, 0b00000, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000}},
    Glyph{'#', {0b01010, 0b01010, 0b11111, 0b01010, 0b11111, 0b01010, 0b01010}},
};

const Glyph* find_glyph(char character) {
  const auto found =
      std::find_if(kGlyphs.begin(), kGlyphs.end(), [&](const Glyph& glyph) { return glyph.character == character; });
  return found == kGlyphs.end() ? nullptr : &*found;
}

// Where a text stands in a picture.
struct TextPlace {
  int columns, scale, x, y;
};
TextPlace place_text(int width, int height, int characters) {
  const int columns = characters * (kGlyphWidth + 1);
  const int scale = std::max(1, width * 3 / 4 / std::max(1, columns));
  return {columns, scale, (width - columns * scale) / 2 & ~1, height / 4 & ~1};
}

constexpr std::uint8_t kBright = 126;  // between the letters' 235 and the ground's 16
constexpr int kMaxWrongDots = 2;       // of 35: two digits differ in four at least

using Dots = std::array<std::uint8_t, kGlyphHeight>;

int count_differences(const Dots& a, const Dots& b) {
  int differences = 0;
  for (std::size_t row = 0; row < a.size(); ++row) differences += std::popcount(static_cast<unsigned>(a[row] ^ b[row]));
  return differences;
}

// The middle of each dot; its edges are what a codec blurs.
Dots read_dots(const LumaPlane& luma, int x, int y, int scale) {
  Dots dots{};
  for (int row = 0; row < kGlyphHeight; ++row) {
    const std::uint8_t* pixels = luma.pixels + (y + row * scale + scale / 2) * luma.stride;
    for (int column = 0; column < kGlyphWidth; ++column) {
      const bool bright = pixels[x + column * scale + scale / 2] >= kBright;
      auto& bits = dots[static_cast<std::size_t>(row)];
      bits = static_cast<std::uint8_t>(bits << 1 | (bright ? 1 : 0));
    }
  }
  return dots;
}

}  // namespace

std::optional<std::string> read_burnt_text(const LumaPlane& luma, int characters) {
  const TextPlace place = place_text(luma.width, luma.height, characters);
  if (place.x < 0 || place.x + place.columns * place.scale > luma.width ||
      place.y + kGlyphHeight * place.scale > luma.height)
    return std::nullopt;
  std::string text;
  for (int i = 0; i < characters; ++i) {
    const Dots dots = read_dots(luma, place.x + i * (kGlyphWidth + 1) * place.scale, place.y, place.scale);
    const auto best =
        std::ranges::min_element(kGlyphs, {}, [&](const Glyph& glyph) { return count_differences(glyph.rows, dots); });
    if (count_differences(best->rows, dots) > kMaxWrongDots) return std::nullopt;
    text += best->character;
  }
  return text;
}

Picture::Picture(int width, int height)
    : width_(width),
      height_(height),
      luma_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height)),
      blue_(luma_.size() / 4),
      red_(luma_.size() / 4) {}

void Picture::draw(std::int64_t number, std::string_view text) {
  // Seven bars (75 % colours) that wander by a step each second, and a block that crosses the picture.
  static constexpr std::array<Colour, 7> kBars = {
      {{180, 128, 128}, {162, 44, 142}, {131, 156, 44}, {112, 72, 58}, {84, 184, 198}, {65, 100, 212}, {35, 212, 114}}};
  const int bar_width = width_ / 7 + 1;
  for (int bar = 0; bar < 7; ++bar) {
    const auto colour = kBars[static_cast<std::size_t>((bar + number / 25) % 7)];
    fill(bar * bar_width, 0, bar_width, height_, colour);
  }
  const int block = height_ / 6;
  const int place = static_cast<int>(number * 4 % std::max(1, width_ - block));
  fill(place, height_ - block * 2, block, block, {235, 128, 128});

  const auto [columns, scale, x, y] = place_text(width_, height_, static_cast<int>(text.size()));
  fill(x - 2 * scale, y - 2 * scale, (columns + 3) * scale, (kGlyphHeight + 4) * scale, {16, 128, 128});
  draw_text(x, y, scale, text);
}

void Picture::fill(int x, int y, int width, int height, Colour colour) {
  const int left = std::clamp(x, 0, width_) & ~1;
  const int right = std::clamp(x + width, 0, width_) & ~1;
  const int top = std::clamp(y, 0, height_) & ~1;
  const int bottom = std::clamp(y + height, 0, height_) & ~1;
  const auto fill_rows = [](std::vector<std::uint8_t>& plane, int stride, int from, int to, int first, int last,
                            std::uint8_t value) {
    for (int row = first; row < last; ++row)
      std::fill(plane.begin() + row * stride + from, plane.begin() + row * stride + std::max(from, to), value);
  };
  fill_rows(luma_, width_, left, right, top, bottom, colour.y);
  fill_rows(blue_, width_ / 2, left / 2, right / 2, top / 2, bottom / 2, colour.u);
  fill_rows(red_, width_ / 2, left / 2, right / 2, top / 2, bottom / 2, colour.v);
}

void Picture::draw_text(int x, int y, int scale, std::string_view text) {
  for (const char character : text) {
    const Glyph* glyph = find_glyph(character);
    for (int row = 0; glyph != nullptr && row < kGlyphHeight * scale; ++row) {
      const unsigned bits = glyph->rows[static_cast<std::size_t>(row / scale)];
      for (int column = 0; column < kGlyphWidth * scale; ++column) {
        const int px = x + column;
        const int py = y + row;
        if ((bits >> (kGlyphWidth - 1 - column / scale) & 1) == 0 || px < 0 || px >= width_ || py >= height_) continue;
        luma_[static_cast<std::size_t>(py) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(px)] = 235;
      }
    }
    x += (kGlyphWidth + 1) * scale;
  }
}

}  // namespace client

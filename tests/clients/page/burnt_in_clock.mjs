// SPDX-License-Identifier: Apache-2.0
// Reads the clock that `tidegate camera` burns into its test picture back from a playing video.
const glyphs = {
  0: [14, 17, 19, 21, 25, 17, 14], 1: [4, 12, 4, 4, 4, 4, 14], 2: [14, 17, 1, 6, 8, 16, 31], 3: [30, 1, 1, 14, 1, 1, 30], 4: [2, 6, 10, 18, 31, 2, 2],
  5: [31, 16, 30, 1, 1, 17, 14], 6: [6, 8, 16, 30, 17, 17, 14], 7: [31, 1, 2, 4, 8, 8, 8], 8: [14, 17, 17, 14, 17, 17, 14], 9: [14, 17, 17, 15, 1, 2, 12],
};
const places = [0, 1, 3, 4, 6, 7, 9, 10, 11];  // of the digits in "12:34:56.789"
const columns = 12 * 6;
const canvas = document.createElement('canvas');

const distance = (a, b) => a.reduce((sum, row, i) => sum + (row ^ b[i]).toString(2).replaceAll('0', '').length, 0);

/** Milliseconds since midnight, UTC; nothing when a digit cannot be told. */
export function readClock(video) {
  const {videoWidth: width, videoHeight: height} = video;
  if (!width) return undefined;
  Object.assign(canvas, {width, height});
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(video, 0, 0);
  const scale = Math.max(1, Math.floor(Math.floor(width * 3 / 4) / columns));
  const left = ((width - columns * scale) >> 1) & ~1, top = (height >> 2) & ~1;
  const {data} = context.getImageData(left, top, columns * scale, 7 * scale);
  const isLit = (x, y) => data[4 * (y * columns * scale + x) + 1] > 125;
  const middle = scale >> 1;
  const digits = places.map((place) => {
    const rows = Array.from({length: 7}, (_, row) => Array.from({length: 5}, (_, column) =>
      isLit((place * 6 + column) * scale + middle, row * scale + middle) ? 16 >> column : 0).reduce((a, b) => a | b));
    const [best, second] = Object.entries(glyphs).map(([digit, glyph]) => [distance(rows, glyph), digit]).sort((a, b) => a[0] - b[0]);
    return best[0] <= 2 && best[0] < second[0] ? best[1] : '?';
  }).join('');
  if (digits.includes('?')) return undefined;
  return ((Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2, 4))) * 60 + Number(digits.slice(4, 6))) * 1000 + Number(digits.slice(6));
}

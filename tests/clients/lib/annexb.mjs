// SPDX-License-Identifier: Apache-2.0
// An independent reader of H.264 byte streams (ITU-T H.264 Annex B) and of length-prefixed samples.

/** The NAL units of a byte stream, without start codes and without the zero bytes that may follow a unit (B.1.1). */
export function readAnnexB(bytes) {
  const starts = [];
  for (let at = bytes.indexOf('\x00\x00\x01', 0, 'latin1'); at >= 0; at = bytes.indexOf('\x00\x00\x01', at + 3, 'latin1')) starts.push(at);
  return starts.map((start, index) => {
    let end = index + 1 < starts.length ? starts[index + 1] : bytes.length;
    while (end > start + 3 && bytes[end - 1] === 0) end--;
    return bytes.subarray(start + 3, end);
  });
}

/** The NAL units of one sample with 4-byte lengths. */
export function readAvcc(sample) {
  const units = [];
  for (let at = 0; at < sample.length;) {
    const length = sample.readUInt32BE(at);
    if (length === 0 || at + 4 + length > sample.length) throw new Error(`NAL length ${length} at ${at} of ${sample.length} bytes`);
    units.push(sample.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return units;
}

export const nalType = (unit) => unit[0] & 0x1f;

/** Cuts NAL units into access units: a new one begins at an AUD, or at the first slice, SEI or parameter set after a slice
 * whose picture is over (first_mb_in_slice is 0: the exp-Golomb code starts with a one bit). */
export function accessUnits(units) {
  const pictures = [];
  let current = [];
  let hasSlice = false;
  for (const unit of units) {
    const type = nalType(unit);
    const isSlice = type === 1 || type === 5;
    const begins = hasSlice && (isSlice ? (unit[1] & 0x80) !== 0 : type >= 6 && type <= 9);
    if (begins) {
      pictures.push(current);
      current = [];
      hasSlice = false;
    }
    current.push(unit);
    hasSlice ||= isSlice;
  }
  if (current.length) pictures.push(current);
  return pictures;
}

/** The first difference between two lists of NAL units in words, or null when they are the same bit for bit. */
export function firstDifference(expected, actual) {
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    if (!expected[i]) return `${actual.length - i} unit(s) too many, the first of type ${nalType(actual[i])}`;
    if (!actual[i]) return `${expected.length - i} unit(s) missing at the end, from number ${i} of type ${nalType(expected[i])}`;
    if (!expected[i].equals(actual[i])) {
      return `unit ${i} of ${expected.length}: expected type ${nalType(expected[i])}, ${expected[i].length} bytes; ` +
        `got type ${nalType(actual[i])}, ${actual[i].length} bytes`;
    }
  }
  return null;
}

// SPDX-License-Identifier: Apache-2.0
// Whether something stays flat: the median of the slopes of all pairs of samples (Theil and Sen), which a few outliers,
// such as one slow scrape or one long write, do not move.

/** Change a second of [{at (seconds), value}]; 0 for fewer than two samples. */
export function slopeOf(samples) {
  const slopes = [];
  for (let i = 0; i < samples.length; i++) {
    for (let j = i + 1; j < samples.length; j++) {
      if (samples[j].at > samples[i].at) slopes.push((samples[j].value - samples[i].value) / (samples[j].at - samples[i].at));
    }
  }
  return slopes.length ? medianOf(slopes) : 0;
}

export const medianOf = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** {rise, bound, holds, ...}: the slope times the time from the first to the last sample, held against a bound. `falls`: a fall is as bad as a rise. */
export function judgeFlat(samples, bound, {falls = false} = {}) {
  const seconds = samples.length ? samples.at(-1).at - samples[0].at : 0;
  const rise = slopeOf(samples) * seconds;
  const values = samples.map(({value}) => value);
  const holds = samples.length > 2 && (falls ? Math.abs(rise) : rise) <= bound;
  return {rise: round(rise), bound, median: round(medianOf(values) ?? 0), least: round(Math.min(...values)), most: round(Math.max(...values)), samples: samples.length, seconds: Math.round(seconds), holds};
}

const round = (value) => Math.round(value * 100) / 100;

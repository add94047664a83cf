// SPDX-License-Identifier: Apache-2.0
// When the disk is full, and what a shorter retention deletes. Pure.
import type {Range, Storage} from '../api/own';

/**
 * Seconds until the free space is used up, if every recording goes on at its present rate; nothing when retention frees as much as
 * comes before that. A stream grows until its oldest second is as old as its retention.
 */
export function fullIn({diskFree, streams}: Storage, now: number): number | undefined {
  const growing = streams
    .filter((each) => each.bitsPerSecond && each.retentionHours > 0)
    .map((each) => ({rate: (each.bitsPerSecond ?? 0) / 8, until: Math.max(0, each.retentionHours * 3600 - (now - (each.oldest ?? now)))}))
    .sort((a, b) => a.until - b.until);
  let rate = growing.reduce((sum, each) => sum + each.rate, 0);
  let free = diskFree, at = 0;
  for (const each of growing) {
    const used = (each.until - at) * rate;
    if (used >= free) return at + free / rate;
    free -= used;
    at = each.until;
    rate -= each.rate;
  }
  return undefined;
}

export const secondsOf = (ranges: Range[]): number => ranges.reduce((sum, {start, end}) => sum + end - start, 0);

/** Recorded seconds that end before `limit`, or lie before it. */
export const secondsBefore = (ranges: Range[], limit: number): number =>
  ranges.reduce((sum, {start, end}) => sum + Math.max(0, Math.min(end, limit) - start), 0);

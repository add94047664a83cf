// SPDX-License-Identifier: Apache-2.0
// What part of time is shown, and where its marks go. Pure: seconds since the epoch in, pixels out.

export interface View { start: number; end: number }
export interface Mark { time: number; text: string; isMajor: boolean }

export const leastSpan = 10;
export const mostSpan = 400 * 86400;
const leastPinch = 8;  // pixels; two fingers side by side would else be a year apart

export const spanOf = ({start, end}: View): number => end - start;
export const xOf = (view: View, width: number, time: number): number => (time - view.start) / spanOf(view) * width;
export const timeAt = (view: View, width: number, x: number): number => view.start + x / Math.max(1, width) * spanOf(view);
export const moved = (view: View, seconds: number): View => ({start: view.start + seconds, end: view.end + seconds});

/** Wider (factor over 1) or narrower, with `around` staying where it is. */
export function zoomed(view: View, factor: number, around: number): View {
  const span = Math.min(mostSpan, Math.max(leastSpan, spanOf(view) * factor));
  const share = (around - view.start) / spanOf(view);
  const start = around - share * span;
  return {start, end: start + span};
}

/** Of two fingers that were at `before` when `view` was shown and are at `now`, pixels: what was under each stays under it. */
export function pinched(view: View, width: number, before: [number, number], now: [number, number]): View {
  const distance = ([a, b]: [number, number]) => Math.max(leastPinch, Math.abs(a - b));
  const middle = ([a, b]: [number, number]) => (a + b) / 2;
  const closer = zoomed(view, distance(before) / distance(now), timeAt(view, width, middle(before)));
  return moved(closer, (middle(before) - middle(now)) / Math.max(1, width) * spanOf(closer));
}

/** The same span with `time` in it: as it is when it is there already, else in its middle. */
export function including(view: View, time: number): View {
  if (time >= view.start && time <= view.end) return view;
  const half = spanOf(view) / 2;
  return {start: time - half, end: time + half};
}

const steps = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400, 56 * 86400, 112 * 86400];

/** Marks at round local times, `apart` pixels or more. `offset`: seconds that local time is ahead of UTC. */
export function marks(view: View, width: number, offset: number, names: {time: (s: number) => string; second: (s: number) => string; day: (s: number) => string}, apart = 84): Mark[] {
  const least = spanOf(view) * apart / Math.max(1, width);
  const step = steps.find((each) => each >= least) ?? 112 * 86400;
  const found: Mark[] = [];
  for (let local = Math.ceil((view.start + offset) / step) * step; local - offset <= view.end; local += step) {
    const time = local - offset;
    const isMidnight = local % 86400 === 0;
    found.push({time, isMajor: isMidnight, text: isMidnight ? names.day(time) : step < 60 ? names.second(time) : names.time(time)});
  }
  return found;
}

/** What share of each pixel's time lies in the ranges, which ascend. */
export function shares(view: View, width: number, ranges: {start: number; end: number}[]): Float64Array {
  const found = new Float64Array(Math.max(0, Math.ceil(width)));
  for (const range of ranges) {
    const from = Math.max(0, xOf(view, width, range.start)), to = Math.min(found.length, xOf(view, width, range.end));
    for (let x = Math.floor(from); x < to; ++x) found[x] = Math.min(1, (found[x] ?? 0) + Math.min(to, x + 1) - Math.max(from, x));
  }
  return found;
}

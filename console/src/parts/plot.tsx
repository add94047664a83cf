// SPDX-License-Identifier: Apache-2.0
// A small line of what was measured lately, with its newest value in words.

interface Props { title: string; values: number[]; text: (value: number) => string; tone?: 'accent' | 'bad' | 'warn' }

const width = 160, height = 34, top = 4, bottom = height - 2;

/** From zero to the most; where something is below zero, from the least, with zero where it belongs. */
export function scaleOf(values: number[]): {y: (value: number) => number; zero: number} {
  const most = Math.max(...values, 0), least = Math.min(...values, 0);
  const span = Math.max(most - least, 1e-9);
  const y = (value: number) => bottom - (value - least) / span * (bottom - top);
  return {y, zero: y(0)};
}

export function Plot({title, values, text, tone = 'accent'}: Props) {
  const last = values.at(-1);
  const {y, zero} = scaleOf(values);
  const points = values.map((value, i) => `${(width - (values.length - 1 - i) * (width / 59)).toFixed(1)},${y(value).toFixed(1)}`);
  const farthest = values.reduce((far, value) => (Math.abs(value) > Math.abs(far) ? value : far), 0);
  return (
    <figure class={`plot ${tone}`}>
      <figcaption><span class="faint">{title}</span> <b>{last === undefined ? '' : text(last)}</b></figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} preserveAspectRatio="none" role="img" aria-label={`${title}: now ${last === undefined ? 'unknown' : text(last)}, most ${values.length ? text(farthest) : 'unknown'}`}>
        <line x1="0" x2={width} y1={zero} y2={zero} />
        {points.length > 1 && <polyline points={points.join(' ')} />}
      </svg>
    </figure>
  );
}

// SPDX-License-Identifier: Apache-2.0
// The recording as a strip of time: wheel or two fingers zoom, drag scrubs, click plays, shift-drag (or the range mode) selects.
import {useEffect, useRef, useState} from 'preact/hooks';
import type {Coverage} from '../api/own';
import {pictureAt} from '../api/archive';
import {clockWithTenths, dayName, span, when} from '../format';
import {useSize} from '../parts/hooks';
import {draw, inkOf, timelineHeight} from './draw';
import {moved, pinched, spanOf, timeAt, type View, xOf, zoomed} from './scale';

export interface Selection { start: number; end: number }
interface Props {
  stream: string;
  view: View;
  coverage: Coverage | undefined;
  cursor: number | undefined;
  selection: Selection | undefined;
  selecting: boolean;
  onView: (view: View) => void;
  onSeek: (time: number, isFinal: boolean) => void;
  onSelect: (selection: Selection) => void;
}

/** What is there at a time, in words. */
export function explainTime(coverage: Coverage | undefined, time: number): string {
  if (coverage?.ranges.some(({start, end}) => time >= start && time <= end)) return 'recorded';
  if (coverage?.live && time > Date.now() / 1000 - 10) return 'live, not on disk yet';
  const gap = coverage?.gaps.find(({start, end}) => time >= start && time <= end);
  return gap ? `gap of ${span(gap.end - gap.start)}: ${gap.reasonText}` : 'nothing recorded';
}

/** The picture at `time`, a moment after the pointer has come to rest. */
function usePreview(stream: string, time: number | undefined, isRecorded: boolean): string | undefined {
  const [shown, setShown] = useState<{time: number; source: string}>();
  const kept = useRef(new Map<string, string>());
  const key = time?.toFixed(1) ?? '';
  useEffect(() => {
    if (time === undefined || !isRecorded) {
      setShown(undefined);
      return undefined;
    }
    const known = kept.current.get(key);
    if (known) {
      setShown({time, source: known});
      return undefined;
    }
    const gone = new AbortController();
    const timer = setTimeout(() => {
      pictureAt(stream, time, 120, gone.signal).then((source) => {
        if (!source || gone.signal.aborted) return;
        if (kept.current.size > 200) kept.current.clear();
        kept.current.set(key, source);
        setShown({time, source});
      }, () => {});
    }, 90);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [stream, key, isRecorded]);
  return shown?.source;
}

export function Timeline({stream, view, coverage, cursor, selection, selecting, onView, onSeek, onSelect}: Props) {
  const [box, {width}] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hover, setHover] = useState<number>();
  const drag = useRef<{from: number; selects: boolean}>();
  const fingers = useRef(new Map<number, number>());
  const pinch = useRef<{view: View; from: [number, number]}>();
  const [colours, setColours] = useState(0);

  useEffect(() => {
    const repaint = () => setColours((old) => old + 1);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    addEventListener('themechange', repaint);
    scheme.addEventListener('change', repaint);
    return () => {
      removeEventListener('themechange', repaint);
      scheme.removeEventListener('change', repaint);
    };
  }, []);
  useEffect(() => {
    const element = canvas.current, context = element?.getContext('2d');
    if (!element || !context || width === 0) return;
    const ratio = devicePixelRatio || 1;
    element.width = Math.round(width * ratio);
    element.height = Math.round(timelineHeight * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw(context, width, {view, coverage, cursor, hover, selection, now: Date.now() / 1000}, inkOf(element));
  }, [view, coverage, cursor, hover, selection, width, colours]);

  const placeOf = (event: MouseEvent) => event.clientX - (canvas.current?.getBoundingClientRect().left ?? 0);
  const timeOf = (event: MouseEvent) => timeAt(view, width, placeOf(event));
  const twoFingers = (): [number, number] | undefined => {
    const [a, b] = fingers.current.values();
    return a !== undefined && b !== undefined ? [a, b] : undefined;
  };
  const begin = (event: PointerEvent) => {
    if (event.button !== 0) return;
    canvas.current?.setPointerCapture(event.pointerId);
    fingers.current.set(event.pointerId, placeOf(event));
    const both = twoFingers();
    if (both) {  // what the first finger began was no scrubbing
      drag.current = undefined;
      pinch.current = {view, from: both};
      setHover(undefined);
      return;
    }
    const time = timeOf(event);
    drag.current = {from: time, selects: selecting || event.shiftKey};
    if (drag.current.selects) onSelect({start: time, end: time});
    else onSeek(time, false);
  };
  const move = (event: PointerEvent) => {
    if (fingers.current.has(event.pointerId)) fingers.current.set(event.pointerId, placeOf(event));
    if (pinch.current) {
      const both = twoFingers();
      if (both) onView(pinched(pinch.current.view, width, pinch.current.from, both));
      return;
    }
    const time = timeOf(event);
    setHover(time);
    if (!drag.current) return;
    if (drag.current.selects) onSelect({start: Math.min(drag.current.from, time), end: Math.max(drag.current.from, time)});
    else onSeek(time, false);
  };
  /** A finger that stays after the other has gone neither pinches nor scrubs. */
  const lift = (event: PointerEvent) => {
    fingers.current.delete(event.pointerId);
    if (fingers.current.size === 0) pinch.current = undefined;
  };
  const end = (event: PointerEvent) => {
    if (drag.current && !drag.current.selects) onSeek(timeOf(event), true);
    drag.current = undefined;
    lift(event);
  };
  const cancel = (event: PointerEvent) => {
    drag.current = undefined;
    lift(event);
  };
  const latest = useRef({view, width, onView, timeOf});
  latest.current = {view, width, onView, timeOf};
  useEffect(() => {
    const element = canvas.current;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const now = latest.current;
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) now.onView(moved(now.view, sideways / now.width * spanOf(now.view)));
      else now.onView(zoomed(now.view, Math.exp(event.deltaY * 0.002), now.timeOf(event)));
    };
    element?.addEventListener('wheel', wheel, {passive: false});
    return () => element?.removeEventListener('wheel', wheel);
  }, []);

  const said = hover === undefined ? '' : explainTime(coverage, hover);
  const preview = usePreview(stream, hover, said === 'recorded');
  const x = hover === undefined ? 0 : Math.min(Math.max(xOf(view, width, hover), 110), Math.max(110, width - 110));
  const shown = cursor ?? view.end;
  return (
    <div class="timeline" ref={box}>
      {hover !== undefined && (
        <div class="preview" style={{left: `${x}px`}} aria-hidden="true">
          {preview && <img src={preview} alt="" />}
          <span><b>{dayName(hover)} {clockWithTenths(hover)}</b><br />{said}</span>
        </div>
      )}
      <canvas ref={canvas} class={selecting ? 'selects' : ''} style={{height: `${timelineHeight}px`}} tabIndex={0} role="slider" aria-label="Time in the recording"
        aria-valuemin={Math.round(view.start)} aria-valuemax={Math.round(view.end)} aria-valuenow={Math.round(shown)} aria-valuetext={`${when(shown)}, ${explainTime(coverage, shown)}`}
        data-start={view.start} data-end={view.end} onPointerDown={begin} onPointerMove={move} onPointerUp={end}
        onPointerCancel={cancel} onPointerLeave={() => setHover(undefined)} />
    </div>
  );
}

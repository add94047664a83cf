// SPDX-License-Identifier: Apache-2.0
// Beside the strip: how much of time it shows, a date to jump to, and what can be taken away from a range.
import {useRef, useState} from 'preact/hooks';
import {clip, pictureAt} from '../api/archive';
import {messageOf} from '../api/clients';
import {readCoverage} from '../api/own';
import {bytes, fileStamp, fromLocalInput, span, toLocalInput} from '../format';
import type {Selection} from './timeline';
import {moved, spanOf, type View} from './scale';

interface Props {
  stream: string;
  view: View;
  onView: (view: View) => void;
  time: number | undefined;
  onJump: (time: number) => void;
  selection: Selection | undefined;
  onSelection: (selection: Selection | undefined) => void;
  selecting: boolean;
  onSelecting: (on: boolean) => void;
}

const spans: [string, number][] = [['1 min', 60], ['10 min', 600], ['1 h', 3600], ['6 h', 21600], ['1 d', 86400], ['7 d', 7 * 86400], ['30 d', 30 * 86400]];

function save(source: string, name: string): void {
  const link = document.createElement('a');
  link.href = source;
  link.download = name;
  link.click();
}

function RangeTools({stream, selection, onSelection}: {stream: string; selection: Selection; onSelection: (selection: Selection | undefined) => void}) {
  const [progress, setProgress] = useState<{done: number; all?: number}>();
  const [trouble, setTrouble] = useState<string>();
  const gone = useRef<AbortController>();
  const download = async () => {
    gone.current = new AbortController();
    setTrouble(undefined);
    setProgress({done: 0});
    try {
      const blob = await clip(stream, selection.start, selection.end, (done, all) => setProgress(all === undefined ? {done} : {done, all}), gone.current.signal);
      const url = URL.createObjectURL(blob);
      save(url, `${stream}-${fileStamp(selection.start)}.mp4`);
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    } catch (error) {
      if (!gone.current.signal.aborted) setTrouble(messageOf(error));
    }
    setProgress(undefined);
  };
  const edit = (which: 'start' | 'end') => (event: Event) => {
    const value = fromLocalInput((event.currentTarget as HTMLInputElement).value);
    if (!Number.isNaN(value)) onSelection({...selection, [which]: value});
  };
  const length = selection.end - selection.start;
  return (
    <div class="range" role="group" aria-label="Selected range">
      <label class="inline">From <input type="datetime-local" step="1" value={toLocalInput(selection.start)} onChange={edit('start')} /></label>
      <label class="inline">to <input type="datetime-local" step="1" value={toLocalInput(selection.end)} onChange={edit('end')} /></label>
      <span class="faint">{length > 0 ? span(length) : 'empty'}</span>
      {progress ? (
        <>
          <progress aria-label="Download" value={progress.all ? progress.done / progress.all : undefined} />
          <span class="faint" role="status">{bytes(progress.done)}{progress.all ? ` of ${bytes(progress.all)}` : ''}</span>
          <button onClick={() => gone.current?.abort()}>Cancel</button>
        </>
      ) : <button class="primary" disabled={length <= 0} onClick={() => void download()}>Download clip</button>}
      <button class="quiet" onClick={() => onSelection(undefined)}>Clear</button>
      {trouble && <p class="notice bad" role="alert">{trouble}</p>}
    </div>
  );
}

export function TimeTools({stream, view, onView, time, onJump, selection, onSelection, selecting, onSelecting}: Props) {
  const [trouble, setTrouble] = useState<string>();
  const show = (seconds: number) => {
    const middle = time ?? view.end - spanOf(view) / 2;
    const end = Math.min(middle + seconds / 2, Date.now() / 1000 + seconds * 0.03);
    onView({start: end - seconds, end});
  };
  const attempt = (work: () => Promise<void>) => () => {
    setTrouble(undefined);
    work().catch((error: unknown) => setTrouble(messageOf(error)));
  };
  const picture = attempt(async () => {
    if (time === undefined) return;
    const source = await pictureAt(stream, time, 0);
    if (source) save(source, `${stream}-${fileStamp(time)}.jpg`);
    else setTrouble('Nothing is recorded at this moment.');
  });
  const toFirst = attempt(async () => {
    const first = (await readCoverage(stream)).ranges[0];
    if (first) onJump(first.start);
  });
  const jump = (event: Event) => {
    const to = fromLocalInput((event.currentTarget as HTMLInputElement).value);
    if (!Number.isNaN(to)) onJump(to);
  };
  return (
    <>
      <div class="tools strip-tools">
        <span class="group" role="group" aria-label="Time shown">
          <button aria-label="Earlier" onClick={() => onView(moved(view, -spanOf(view) / 2))}><span aria-hidden="true">&lt;</span></button>
          {spans.map(([name, seconds]) => <button aria-pressed={Math.abs(spanOf(view) / seconds - 1) < 0.02} onClick={() => show(seconds)}>{name}</button>)}
          <button aria-label="Later" onClick={() => onView(moved(view, spanOf(view) / 2))}><span aria-hidden="true">&gt;</span></button>
        </span>
        <label class="inline">Jump to <input type="datetime-local" step="1" onChange={jump} /></label>
        <button onClick={toFirst}>First picture</button>
        <span class="spring" />
        <button aria-pressed={selecting} onClick={() => {
          onSelecting(!selecting);
          if (!selecting && !selection) {
            const middle = time ?? view.end - spanOf(view) / 2;
            onSelection({start: Math.floor(middle - spanOf(view) * 0.05), end: Math.floor(middle)});
          }
        }}>Select a range</button>
        <button onClick={picture} disabled={time === undefined}>Save picture</button>
      </div>
      {selection && <RangeTools stream={stream} selection={selection} onSelection={onSelection} />}
      {trouble && <p class="notice bad" role="alert">{trouble}</p>}
    </>
  );
}

// SPDX-License-Identifier: Apache-2.0
// The coverage of what is shown and one span on each side of it, asked for again when the view leaves that, and every few seconds
// while it grows.
import {useEffect, useRef, useState} from 'preact/hooks';
import {type Coverage, readCoverage} from '../api/own';
import {spanOf, type View} from './scale';

const every = 3000;

export function useCoverage(stream: string | undefined, view: View): Coverage | undefined {
  const [coverage, setCoverage] = useState<Coverage>();
  const asked = useRef<View & {stream?: string}>({start: 0, end: 0});
  const newest = useRef(view);
  newest.current = view;
  const covers = asked.current.stream === stream && asked.current.start <= view.start && asked.current.end >= view.end;
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!stream) return undefined;
    let over = false, timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      const {start, end} = newest.current;
      const wide = {start: start - spanOf(newest.current), end: end + spanOf(newest.current), stream};
      try {
        const answer = await readCoverage(stream, wide.start, wide.end);
        if (over) return;
        asked.current = wide;
        setCoverage(answer);
      } catch {
        // Asked again; the page shows what it has.
      }
      if (!over) timer = setTimeout(() => setTurn((old) => old + 1), every);
    };
    timer = setTimeout(ask, covers ? 0 : 60);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [stream, covers, turn]);
  return coverage;
}

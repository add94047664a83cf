// SPDX-License-Identifier: Apache-2.0
import {useEffect, useState} from 'preact/hooks';
import {readThumbnail} from '../api/own';

const every = 10000;
const most = 4;

// At most so many requests at once, in the order in which tiles appeared: a browser has six connections to a host.
let running = 0;
const waiting: (() => void)[] = [];
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
  ++running;
  try {
    return await work();
  } finally {
    --running;
    waiting.shift()?.();
  }
}

interface Props { stream: string | undefined; isLive: boolean; alt: string }

/** The newest key frame of a stream, asked for again every ten seconds while something is being recorded. */
export function Thumbnail({stream, isLive, alt}: Props) {
  const [source, setSource] = useState<string>();
  useEffect(() => {
    if (!stream) return undefined;
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      if (!document.hidden) {
        await inTurn(async () => {
          if (gone.signal.aborted) return;
          const {contentType, image} = await readThumbnail(stream, gone.signal);
          setSource(`data:${contentType};base64,${image}`);
        }).catch(() => {});  // the tile stays as it is; its state says what is wrong
      }
      if (isLive && !gone.signal.aborted) timer = setTimeout(ask, every);
    };
    void ask();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [stream, isLive]);
  return <span class="thumbnail">{source ? <img src={source} alt={alt} /> : <span class="no-picture">{stream ? '' : 'No picture'}</span>}</span>;
}

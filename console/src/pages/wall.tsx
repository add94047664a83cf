// SPDX-License-Identifier: Apache-2.0
// All cameras. Only the tiles that can be seen exist, so that five hundred cost what twenty do.
import {useEffect, useMemo, useState} from 'preact/hooks';
import {type CameraFacts, listCameras} from '../api/own';
import {bitRate, stateName, whenShort} from '../format';
import {usePolled, useSize, useTitle} from '../parts/hooks';
import {State} from '../parts/state';
import {Thumbnail} from '../parts/thumbnail';
import {linkTo} from '../route';

const listEvery = 4000;
const gap = 12, caption = 62, leastWidth = 232;

interface Layout { columns: number; tileHeight: number; rows: number }

function layoutOf(width: number, count: number): Layout {
  const columns = Math.max(1, Math.floor((width + gap) / (leastWidth + gap)));
  const tileWidth = (width - gap * (columns - 1)) / columns;
  return {columns, tileHeight: Math.round(tileWidth * 9 / 16) + caption, rows: Math.ceil(count / columns)};
}

/** The rows that can be seen, and one more on each side. */
function useVisibleRows(element: {current: HTMLElement | null}, {rows, tileHeight}: Layout): [number, number] {
  const [range, setRange] = useState<[number, number]>([0, 4]);
  useEffect(() => {
    const look = () => {
      const top = element.current?.getBoundingClientRect().top ?? 0;
      const step = tileHeight + gap;
      const first = Math.max(0, Math.floor(-top / step) - 1);
      const last = Math.min(rows, Math.ceil((innerHeight - top) / step) + 1);
      setRange((old) => (old[0] === first && old[1] === last ? old : [first, last]));
    };
    look();
    addEventListener('scroll', look, {passive: true});
    addEventListener('resize', look);
    return () => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
    };
  }, [element, rows, tileHeight]);
  return range;
}

function describe(camera: CameraFacts): string {
  const parts: string[] = [];
  if (camera.bitsPerSecond !== undefined) parts.push(bitRate(camera.bitsPerSecond));
  if (camera.viewers > 0) parts.push(`${camera.viewers} ${camera.viewers === 1 ? 'viewer' : 'viewers'}`);
  if (camera.recordingSince !== undefined) parts.push(`since ${whenShort(camera.recordingSince)}`);
  else if (camera.state !== 'recording' && camera.newestEnd !== undefined) parts.push(`last seen ${whenShort(camera.newestEnd)}`);
  return parts.join(' · ') || (camera.state === 'peer_to_peer' ? 'not recorded' : 'nothing recorded');
}

function Tile({camera}: {camera: CameraFacts}) {
  return (
    <a class="tile" href={linkTo('cameras', camera.name)}>
      <Thumbnail stream={camera.newestEnd !== undefined ? camera.streamName : undefined} isLive={camera.state === 'recording'} alt={`Newest picture of ${camera.name}`} />
      <span class="tile-text">
        <span class="tile-head"><strong>{camera.name}</strong><State state={camera.state} /></span>
        <span class="faint">{describe(camera)}</span>
      </span>
    </a>
  );
}

function Summary({cameras}: {cameras: CameraFacts[]}) {
  const counts = new Map<string, number>();
  for (const {state} of cameras) counts.set(state, (counts.get(state) ?? 0) + 1);
  return <p class="faint" role="status">{cameras.length} {cameras.length === 1 ? 'camera' : 'cameras'}: {[...counts].map(([state, count]) => `${count} ${stateName(state).toLowerCase()}`).join(', ')}</p>;
}

export function Wall() {
  useTitle('Cameras');
  const {value: cameras, error} = usePolled(listCameras, listEvery);
  const [wanted, setWanted] = useState('');
  const [state, setState] = useState('');
  const [element, size] = useSize<HTMLDivElement>();
  const shown = useMemo(() => (cameras ?? []).filter((each) => (!state || each.state === state) && each.name.toLowerCase().includes(wanted.trim().toLowerCase())),
    [cameras, wanted, state]);
  const layout = layoutOf(size.width || 900, shown.length);
  const [first, last] = useVisibleRows(element, layout);
  const step = layout.tileHeight + gap;
  const visible = shown.slice(first * layout.columns, last * layout.columns);
  return (
    <>
      <div class="page-head">
        <h1>Cameras</h1>
        <div class="tools">
          <input type="search" placeholder="Search" aria-label="Search cameras by name" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
          <select aria-label="Show cameras in this state" value={state} onChange={(event) => setState(event.currentTarget.value)}>
            <option value="">All states</option>
            {['recording', 'connected', 'connecting', 'offline', 'peer_to_peer'].map((each) => <option value={each}>{stateName(each)}</option>)}
          </select>
        </div>
      </div>
      {error && <p class="notice bad" role="alert">{error.message}</p>}
      {cameras && <Summary cameras={cameras} />}
      {cameras?.length === 0 && (
        <div class="empty"><h2>No cameras yet</h2><p>A camera appears here as soon as its channel or stream exists. <a href={linkTo('publish')}>Publish from this browser</a>, or
          take a ready line for a device from <a href={linkTo('access')}>Access</a>.</p></div>
      )}
      {cameras && cameras.length > 0 && shown.length === 0 && <p class="empty">No camera fits.</p>}
      <div class="wall" ref={element} style={{height: `${Math.max(0, layout.rows * step - gap)}px`}}>
        <div class="wall-rows" style={{top: `${first * step}px`, gridTemplateColumns: `repeat(${layout.columns}, minmax(0, 1fr))`, gridAutoRows: `${layout.tileHeight}px`}}>
          {visible.map((camera) => <Tile key={`${camera.name}/${camera.channelArn ?? ''}`} camera={camera} />)}
        </div>
      </div>
    </>
  );
}

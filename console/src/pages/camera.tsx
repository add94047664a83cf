// SPDX-License-Identifier: Apache-2.0
// One camera: its picture now or at any recorded second, and the strip of time below it.
import {useCallback, useEffect, useRef, useState} from 'preact/hooks';
import {type CameraFacts, findCamera} from '../api/own';
import type {PageProps} from '../app';
import {clockWithTenths, dayName} from '../format';
import {usePolled, useTitle} from '../parts/hooks';
import {State} from '../parts/state';
import {Player, type PlayerState} from '../player/player';
import {linkTo} from '../route';
import {explainTime, type Selection, Timeline} from '../timeline/timeline';
import {including, moved, spanOf, type View, zoomed} from '../timeline/scale';
import {TimeTools} from '../timeline/time_tools';
import {useCoverage} from '../timeline/use_coverage';
import {Facts} from './camera_facts';

const idle: PlayerState = {mode: 'idle', note: '', isWaiting: false, isTalking: false};

/** The last hour, or ten minutes of a recording that has just begun. */
function firstView({newestEnd, recordingSince}: CameraFacts): View {
  const now = Date.now() / 1000;
  const span = recordingSince !== undefined && recordingSince > now - 600 ? 600 : 3600;
  const end = Math.min(now, newestEnd ?? Infinity) + span / 60;
  return {start: end - span, end};
}

/** Keys that work wherever the focus is, except in fields. */
function useKeys(act: (key: string, big: boolean) => boolean): void {
  const acting = useRef(act);
  acting.current = act;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const {tagName} = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || ['INPUT', 'SELECT', 'TEXTAREA'].includes(tagName)) return;
      if (event.key === ' ' && ['BUTTON', 'A', 'SUMMARY'].includes(tagName)) return;
      if (acting.current(event.key, event.shiftKey)) event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

function Stage({camera}: {camera: CameraFacts}) {
  const video = useRef<HTMLVideoElement>(null);
  const player = useRef<Player>();
  const [state, setState] = useState<PlayerState>(idle);
  const [isPaused, setPaused] = useState(false);
  const [isMuted, setMuted] = useState(true);
  const [time, setTime] = useState<number>();
  const [view, setView] = useState<View>(() => firstView(camera));
  const [selection, setSelection] = useState<Selection>();
  const [selecting, setSelecting] = useState(false);
  const coverage = useCoverage(camera.streamName, view);

  useEffect(() => {
    if (!video.current) return undefined;
    const made = new Player(video.current, camera, setState);
    player.current = made;
    if (camera.state === 'offline') setState({...idle, note: camera.streamName ? 'Nothing is being sent now. The strip below plays what is recorded.' : 'Nothing is being sent now.'});
    else void made.live();
    return () => made.stop();
  }, [camera.name, camera.streamName, camera.channelArn]);
  // It has come back, and nobody is looking at something else meanwhile.
  useEffect(() => {
    if (camera.state !== 'offline' && state.mode === 'idle') void player.current?.live();
  }, [camera.state]);
  useEffect(() => {
    const timer = setInterval(() => {
      const now = player.current?.time();
      if (now === undefined) return;
      setTime(now);
      if (state.mode === 'recorded' && !video.current?.paused) setView((old) => including(old, now));
    }, 100);
    return () => clearInterval(timer);
  }, [state.mode]);
  // A live view moves on with time when its end is shown.
  useEffect(() => {
    const timer = setInterval(() => setView((old) => {
      const now = Date.now() / 1000;
      return state.mode === 'live' && old.end < now + spanOf(old) * 0.01 && old.end > now - 5 ? moved(old, spanOf(old) * 0.05) : old;
    }), 1000);
    return () => clearInterval(timer);
  }, [state.mode]);

  const seek = useCallback((to: number, isFinal = true) => {
    const now = Date.now() / 1000;
    setTime(Math.min(to, now));
    if (!isFinal) return;
    const end = camera.newestEnd ?? now;
    if (to >= now - 1 && camera.state !== 'offline') void player.current?.live();
    else void player.current?.recorded(Math.min(to, Math.max(end, now - 2)));
  }, [camera]);
  const jump = (to: number) => {
    setView((old) => including(old, to));
    seek(to);
  };
  const goOn = () => {
    const next = player.current?.endOfSession();
    const range = coverage?.ranges.find(({end}) => next !== undefined && end > next + 0.5);
    if (next !== undefined && range) seek(Math.max(next, range.start));
  };
  useKeys((key, big) => {
    const now = time ?? view.end;
    const leap = big ? 60 : 5;
    if (key === ' ') player.current?.toggle();
    else if (key === 'ArrowLeft') jump(now - leap);
    else if (key === 'ArrowRight') jump(now + leap);
    else if (key === ',' || key === '.') {
      if (state.mode === 'live') return false;
      player.current?.step(key === '.' ? 1 : -1);
    } else if (key === '+' || key === '=') setView((old) => zoomed(old, 0.5, now));
    else if (key === '-') setView((old) => zoomed(old, 2, now));
    else if (key === 'l') void player.current?.live();
    else return false;
    return true;
  });
  const isLive = state.mode === 'live';
  const said = time === undefined ? '' : `${dayName(time)} ${clockWithTenths(time)}`;
  return (
    <div class="stage">
      <figure class="screen" aria-busy={state.isWaiting}>
        <video ref={video} playsInline muted={isMuted} aria-label={`Picture of ${camera.name}, ${isLive ? 'live' : said}`}
          onPlay={() => setPaused(false)} onPause={() => setPaused(true)} onEnded={goOn} />
        {state.note && <p class={`screen-note ${state.isWaiting ? '' : 'still'}`} role="status">{state.note}</p>}
        <figcaption class="controls">
          <button onClick={() => player.current?.toggle()} disabled={state.mode === 'idle'}>{isPaused ? 'Play' : 'Pause'}</button>
          <span class="group">
            <button onClick={() => jump((time ?? view.end) - 5)} disabled={!camera.streamName} aria-label="-5 s, back">-5 s</button>
            <button onClick={() => player.current?.step(-1)} disabled={state.mode !== 'recorded'} aria-label="-1 picture">-1</button>
            <button onClick={() => player.current?.step(1)} disabled={state.mode !== 'recorded'} aria-label="+1 picture">+1</button>
            <button onClick={() => jump((time ?? view.end) + 5)} disabled={!camera.streamName || isLive} aria-label="+5 s, on">+5 s</button>
          </span>
          <button aria-pressed={isLive} onClick={() => void player.current?.live()} disabled={camera.state === 'offline'}>Live</button>
          <output class="mono time" data-time={time} aria-label="Time shown">{said}</output>
          <span class="spring" />
          <span class="faint via">{isLive ? state.via : state.mode === 'recorded' ? 'Recording' : ''}</span>
          <button aria-pressed={!isMuted} onClick={() => setMuted(!isMuted)}>{isMuted ? 'Sound off' : 'Sound on'}</button>
          {camera.channelArn && camera.state !== 'offline' && (
            <button aria-pressed={state.isTalking} disabled={!isLive} onClick={() => void player.current?.talk(!state.isTalking)}>{state.isTalking ? 'Stop talking' : 'Talk'}</button>
          )}
          <button onClick={() => void video.current?.requestFullscreen()} aria-label="Full screen">Full</button>
        </figcaption>
      </figure>
      <Facts camera={camera} peer={() => player.current?.peer()} coverage={coverage} />
      {camera.streamName ? (
        <section class="card strip" aria-label="Recording">
          <TimeTools stream={camera.streamName} view={view} onView={setView} time={time} onJump={jump} selection={selection} onSelection={setSelection}
            selecting={selecting} onSelecting={setSelecting} />
          <Timeline stream={camera.streamName} view={view} coverage={coverage} cursor={time} selection={selection} selecting={selecting}
            onView={setView} onSeek={seek} onSelect={setSelection} />
          <p class="faint legend">
            <span class="key recorded" />recorded <span class="key quiet" />nobody sent <span class="key fault" />lost
            <span class="spring" /><span>{time !== undefined && explainTime(coverage, time)}</span><span class="by-keys">Space plays, arrows jump, comma and period step, + and - zoom</span><span class="by-touch">Tap or drag to play from there, two fingers zoom</span>
          </p>
        </section>
      ) : <p class="notice">This channel records nothing: it has no stream. <a href={linkTo('storage')}>Map it to one</a> to keep what it sends.</p>}
    </div>
  );
}

export function CameraPage({name}: PageProps) {
  useTitle(name);
  const {value: camera, error} = usePolled(async () => (await findCamera(name)) ?? null, 3000, name);
  // The player keeps what it began with; only what is said of the camera changes.
  return (
    <>
      <div class="page-head">
        <h1><a class="quiet-link" href={linkTo('cameras')}>Cameras</a> <span class="faint" aria-hidden="true">/</span> {name} {camera && <State state={camera.state} />}</h1>
      </div>
      {error && <p class="notice bad" role="alert">{error.message}</p>}
      {camera === null ? <p class="empty">There is no camera of this name.</p> : camera ? <Stage camera={camera} /> : !error && <p class="waiting" role="status">Loading</p>}
    </>
  );
}

// SPDX-License-Identifier: Apache-2.0
// Every join: how far it came, why it ended, and how its media fares.
import {useRef, useState} from 'preact/hooks';
import type {PageProps} from '../app';
import {listSessions, type SessionFacts, type SessionNumbers} from '../api/own';
import {bitRate, clock, span, when} from '../format';
import {usePolled, useTitle} from '../parts/hooks';
import {Plot} from '../parts/plot';
import {Steps} from '../parts/steps';
import {linkTo} from '../route';

const every = 2000, kept = 60;

export interface Sample { rate: number; lost: number; nacks: number; frames: number; roundTrip?: number; videoJitter?: number; audioJitter?: number; skew?: number }

const milliseconds = (microseconds: number | undefined): number | undefined => (microseconds === undefined ? undefined : microseconds / 1000);

/** Without what is not known. */
function known<T extends Record<string, number | undefined>>(all: T): {[K in keyof T]?: number} {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {[K in keyof T]?: number};
}

/** What happened between two readings, per second; times in milliseconds as they are now. */
export function difference(before: SessionNumbers, after: SessionNumbers, seconds: number): Sample {
  const per = (name: keyof SessionNumbers) => Math.max(0, (after[name] ?? 0) - (before[name] ?? 0)) / seconds;
  return {rate: (per('videoBytes') + per('audioBytes')) * 8, lost: per('videoLost') + per('audioLost'), nacks: per('nacks'), frames: per('videoFrames'),
    ...known({roundTrip: milliseconds(after.roundTripMicroseconds), videoJitter: milliseconds(after.videoJitterMicroseconds),
      audioJitter: milliseconds(after.audioJitterMicroseconds), skew: milliseconds(after.skewMicroseconds)})};
}

class History {
  private readonly last = new Map<string, {numbers: SessionNumbers; at: number}>();
  readonly samples = new Map<string, Sample[]>();

  add(sessions: SessionFacts[]): void {
    const at = performance.now();
    for (const {sessionId, numbers, state} of sessions) {
      if (!numbers || state === 'ended') continue;
      const before = this.last.get(sessionId);
      if (before && at - before.at > 500) this.samples.set(sessionId, [...(this.samples.get(sessionId) ?? []), difference(before.numbers, numbers, (at - before.at) / 1000)].slice(-kept));
      if (!before || at - before.at > 500) this.last.set(sessionId, {numbers, at});
    }
    const alive = new Set(sessions.map(({sessionId}) => sessionId));
    for (const id of this.last.keys()) {
      if (!alive.has(id)) {
        this.last.delete(id);
        this.samples.delete(id);
      }
    }
  }
}

function Plots({session, samples}: {session: SessionFacts; samples: Sample[]}) {
  const {numbers} = session;
  if (!numbers) return null;
  const ofMaster = session.role === 'MASTER';
  const timePlot = (title: string, name: 'roundTrip' | 'videoJitter' | 'audioJitter' | 'skew', digits = 1) => {
    const values = samples.flatMap(({[name]: value}) => (value === undefined ? [] : [value]));
    return values.length > 0 && <Plot title={title} values={values} text={(value) => `${value.toFixed(digits)} ms`} />;
  };
  const perSecond = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} /s`;
  return (
    <div class="plots">
      <Plot title={ofMaster ? 'Received' : 'Sent'} values={samples.map(({rate}) => rate)} text={bitRate} />
      {ofMaster && <Plot title="Frames" values={samples.map(({frames}) => frames)} text={perSecond} />}
      <Plot title="NACK" values={samples.map(({nacks}) => nacks)} text={perSecond} tone="warn" />
      {ofMaster && <Plot title="Lost" values={samples.map(({lost}) => lost)} text={perSecond} tone="bad" />}
      {timePlot('Round trip', 'roundTrip')}
      {timePlot('Video jitter', 'videoJitter')}
      {timePlot('Audio jitter', 'audioJitter')}
      {timePlot('Sound lag', 'skew', 0)}
      <p class="faint totals">Since the beginning: {numbers.videoPackets} video packets, {numbers.videoRepaired} repaired, {numbers.nacks} asked for again, {numbers.plis} key frames asked for
        {ofMaster && `, ${numbers.videoLost} lost for good`}; {numbers.audioPackets} audio packets, {numbers.audioLost} lost.</p>
    </div>
  );
}

function Paths({session}: {session: SessionFacts}) {
  return (
    <details>
      <summary>Addresses and paths</summary>
      {session.pairs.length > 0 && (
        <table>
          <thead><tr><th>Server</th><th>Client</th><th class="number">Checks</th><th>Result</th></tr></thead>
          <tbody>{session.pairs.map((pair) => (
            <tr><td class="mono">{pair.local}</td><td class="mono">{pair.remote}</td><td class="number">{pair.checksSent}</td>
              <td>{pair.selected ? 'in use' : pair.answered ? 'answered' : pair.remoteChecked ? 'only the client is heard' : 'no answer'}</td></tr>))}</tbody>
        </table>
      )}
      <h3>The client named</h3>
      <pre>{session.remoteCandidates.join('\n') || 'nothing'}</pre>
      <h3>The server named</h3>
      <pre>{session.localCandidates.join('\n') || 'nothing'}</pre>
    </details>
  );
}

function Entry({session, samples}: {session: SessionFacts; samples: Sample[]}) {
  const isOver = session.state === 'ended';
  const isOrdinary = ['client_left', 'server_stopped', 'replaced'].includes(session.reason ?? '');
  const [open, setOpen] = useState(!isOver);
  const who = session.role === 'MASTER' ? 'camera' : `viewer ${session.clientId ?? ''}`;
  return (
    <article class="card session" aria-label={`${session.channelName}, ${who}, ${session.state}`}>
      <div class="session-head">
        <h2><a href={linkTo('cameras', session.channelName)}>{session.channelName}</a> <span class="faint">{who}</span></h2>
        <span class={`state ${isOver ? (isOrdinary ? 'idle' : 'bad') : session.state === 'connected' ? 'good' : 'warn'}`}><i aria-hidden="true" />{session.state}</span>
        <span class="faint">{isOver ? `${when(session.joinedAt)}, for ${span((session.endedAt ?? session.joinedAt) - session.joinedAt)}` : `since ${clock(session.joinedAt)}`}{isOrdinary && session.reasonText ? `: ${session.reasonText}` : ''}</span>
        <span class="spring" />
        <button class="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? 'Less' : 'More'}</button>
      </div>
      {session.reasonText && !isOrdinary && <p class="notice bad">{session.reasonText}</p>}
      {open && (
        <div class="session-body">
          <Steps session={session} />
          <div><Plots session={session} samples={samples} /><Paths session={session} /></div>
        </div>
      )}
    </article>
  );
}

export function SessionsPage({query}: PageProps) {
  useTitle('Sessions');
  const channel = query.get('channel') ?? '';
  const history = useRef(new History());
  const {value: sessions, error} = usePolled(async () => {
    const all = await listSessions(channel || undefined);
    history.current.add(all);
    return all;
  }, every, channel);
  const [only, setOnly] = useState('all');
  const shown = (sessions ?? []).filter(({state}) => only === 'all' || (only === 'live') === (state !== 'ended'))
    .sort((a, b) => Number(a.state === 'ended') - Number(b.state === 'ended') || b.joinedAt - a.joinedAt);
  return (
    <>
      <div class="page-head">
        <h1>Sessions{channel && <> <span class="faint">of</span> {channel}</>}</h1>
        <div class="tools">
          {channel && <a class="button" href={linkTo('sessions')}>All channels</a>}
          <span class="group" role="group" aria-label="Which sessions">{['all', 'live', 'ended'].map((each) => <button aria-pressed={only === each} onClick={() => setOnly(each)}>{each}</button>)}</span>
        </div>
      </div>
      {error && <p class="notice bad" role="alert">{error.message}</p>}
      {!sessions && !error && <p class="waiting" role="status">Loading</p>}
      {sessions && shown.length === 0 && <p class="empty">No sessions. Each join of a camera or a viewer appears here, with what became of it.</p>}
      <div class="sessions">{shown.map((session) => <Entry key={session.sessionId} session={session} samples={history.current.samples.get(session.sessionId) ?? []} />)}</div>
    </>
  );
}

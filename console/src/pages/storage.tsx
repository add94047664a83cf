// SPDX-License-Identifier: Apache-2.0
// Streams and what they take of the disk.
import {useEffect, useState} from 'preact/hooks';
import {changeRetention, createStream, deleteStream, ensureChannel, mapChannel} from '../api/control';
import {type CameraFacts, listCameras, type Range, readCoverage, readStorage, type Storage, type StreamUse} from '../api/own';
import {bitRate, bytes, span, when} from '../format';
import {Dialog} from '../parts/dialog';
import {usePolled, useTitle} from '../parts/hooks';
import {linkTo} from '../route';
import {fullIn, secondsBefore, secondsOf} from './forecast';

type Open = {kind: 'create'} | {kind: 'retention' | 'delete' | 'map'; stream: StreamUse; channel?: CameraFacts};

function Disk({storage}: {storage: Storage}) {
  const used = storage.diskCapacity - storage.diskFree;
  const ours = storage.streams.reduce((sum, each) => sum + each.bytes, 0);
  const rate = storage.streams.reduce((sum, each) => sum + (each.bitsPerSecond ?? 0), 0);
  const full = fullIn(storage, Date.now() / 1000);
  return (
    <section class="card disk" aria-label="Disk">
      <p class="big">{full === undefined ? (rate > 0 ? 'The disk does not fill: retention frees as much as comes' : 'Nothing is being recorded') : `The disk is full in ${span(full)} at this rate`}</p>
      <meter min={0} max={storage.diskCapacity} value={used} aria-label="Disk used" />
      <p class="faint">{bytes(storage.diskFree)} free of {bytes(storage.diskCapacity)}; recordings take {bytes(ours)}, and {bitRate(rate)} come in.</p>
    </section>
  );
}

const retentionText = (hours: number) => (hours === 0 ? 'not kept' : span(hours * 3600));

/** How many seconds are recorded; asked for once a row, since a bad camera has thousands of gaps. */
function Recorded({stream}: {stream: StreamUse}) {
  const [seconds, setSeconds] = useState<number>();
  useEffect(() => {
    let over = false;
    if (stream.oldest !== undefined) readCoverage(stream.streamName).then(({ranges}) => { if (!over) setSeconds(secondsOf(ranges)); }, () => {});
    return () => { over = true; };
  }, [stream.streamName, stream.oldest === undefined]);
  return <>{stream.oldest === undefined ? '' : seconds === undefined ? '...' : span(seconds)}</>;
}

function RetentionDialog({stream, onClose}: {stream: StreamUse; onClose: () => void}) {
  const [hours, setHours] = useState(stream.retentionHours);
  const [ranges, setRanges] = useState<Range[]>();
  useEffect(() => {
    readCoverage(stream.streamName).then((coverage) => setRanges(coverage.ranges), () => {});
  }, []);
  const isShorter = hours < stream.retentionHours;
  const all = ranges ? secondsOf(ranges) : 0;
  const lost = ranges && isShorter ? secondsBefore(ranges, Date.now() / 1000 - hours * 3600) : 0;
  return (
    <Dialog title={`Retention of ${stream.streamName}`} action={lost > 0 ? 'Change and delete' : 'Change'} isDangerous={lost > 0} isReady={Number.isFinite(hours) && (!isShorter || ranges !== undefined)}
      onClose={onClose} onAct={() => changeRetention(stream.streamArn, hours)}>
      <label>Hours to keep<input type="number" min={0} max={87600} value={hours} onInput={(event) => setHours(event.currentTarget.valueAsNumber)} /></label>
      <p class="faint">That is {retentionText(hours || 0)}. 0 keeps nothing.</p>
      {isShorter && <p class={`notice ${lost > 0 ? 'bad' : ''}`} role="status" data-lost={lost}>{ranges === undefined ? 'Looking for what this deletes' : lost > 0
        ? `This deletes ${span(lost)} of recording, about ${bytes(stream.bytes * lost / Math.max(1, all))}: everything before ${when(Date.now() / 1000 - hours * 3600)}.`
        : 'Nothing that is recorded now is deleted by this.'}</p>}
    </Dialog>
  );
}

function DeleteDialog({stream, channel, onClose}: {stream: StreamUse; channel: CameraFacts | undefined; onClose: () => void}) {
  const [typed, setTyped] = useState('');
  return (
    <Dialog title={`Delete ${stream.streamName}`} action="Delete the stream" isDangerous isReady={typed === stream.streamName} onClose={onClose} onAct={async () => {
      if (channel?.channelArn) await mapChannel(channel.channelArn, undefined);
      await deleteStream(stream.streamArn);
    }}>
      <p>{stream.fragments > 0 ? `${bytes(stream.bytes)} of recordings go with it, and nothing brings them back.` : 'It holds no recordings.'}
        {channel && ` The channel ${channel.name} stays and records nothing from then on.`}</p>
      <label>Type the stream's name to confirm<input value={typed} onInput={(event) => setTyped(event.currentTarget.value)} spellcheck={false} /></label>
    </Dialog>
  );
}

function MapDialog({stream, cameras, onClose}: {stream: StreamUse; cameras: CameraFacts[]; onClose: () => void}) {
  const [name, setName] = useState(stream.streamName);
  const taken = cameras.find((each) => each.channelArn && each.name === name && each.streamName);
  return (
    <Dialog title={`Record a channel into ${stream.streamName}`} action="Map" isReady={name !== ''} onClose={onClose} onAct={async () => mapChannel(await ensureChannel(name), stream.streamArn)}>
      <label>Channel<input list="channels" value={name} onInput={(event) => setName(event.currentTarget.value)} spellcheck={false} /></label>
      <datalist id="channels">{cameras.filter((each) => each.channelArn).map((each) => <option value={each.name} />)}</datalist>
      <p class="faint">{taken ? `It records into ${taken.streamName} now; from then on it records here.` : 'A channel that does not exist is made.'}</p>
    </Dialog>
  );
}

function CreateDialog({onClose}: {onClose: () => void}) {
  const [name, setName] = useState('');
  const [hours, setHours] = useState(720);
  const [channel, setChannel] = useState(true);
  return (
    <Dialog title="New stream" action="Create" isReady={/^[\w.-]{1,256}$/.test(name)} onClose={onClose} onAct={async () => {
      const arn = await createStream(name, hours);
      if (channel) await mapChannel(await ensureChannel(name), arn);
    }}>
      <label>Name<input value={name} onInput={(event) => setName(event.currentTarget.value)} required spellcheck={false} /></label>
      <label>Hours to keep<input type="number" min={0} max={87600} value={hours} onInput={(event) => setHours(event.currentTarget.valueAsNumber)} /></label>
      <label class="check"><input type="checkbox" checked={channel} onChange={(event) => setChannel(event.currentTarget.checked)} />With a channel of the same name, for WebRTC cameras</label>
    </Dialog>
  );
}

export function StoragePage() {
  useTitle('Storage');
  const {value, error, reload} = usePolled(async () => ({storage: await readStorage(), cameras: await listCameras()}), 5000);
  const [open, setOpen] = useState<Open>();
  const close = () => {
    setOpen(undefined);
    reload();
  };
  const channelOf = (stream: StreamUse) => value?.cameras.find((each) => each.channelArn && each.streamArn === stream.streamArn);
  return (
    <>
      <div class="page-head"><h1>Streams and storage</h1><button class="primary" onClick={() => setOpen({kind: 'create'})}>New stream</button></div>
      {error && <p class="notice bad" role="alert">{error.message}</p>}
      {!value && !error && <p class="waiting" role="status">Loading</p>}
      {value && (
        <>
          <Disk storage={value.storage} />
          <div class="table" role="region" aria-label="Streams" tabIndex={0}>
            <table class="stacks" role="table">
              <thead role="rowgroup"><tr role="row"><th role="columnheader">Stream</th><th role="columnheader">Channel</th><th role="columnheader" class="number">Kept for</th><th role="columnheader" class="number">Recorded</th><th role="columnheader" class="number">Size</th><th role="columnheader" class="number">Rate</th><th role="columnheader">Oldest</th><th role="columnheader"><span class="hidden">Actions</span></th></tr></thead>
              <tbody role="rowgroup">
                {value.storage.streams.map((stream) => {
                  const channel = channelOf(stream);
                  return (
                    <tr role="row" key={stream.streamArn}>
                      <td role="cell" class="stack-head"><a href={linkTo('cameras', channel?.name ?? stream.streamName)}>{stream.streamName}</a></td>
                      <td role="cell" data-label="Channel">{channel?.name ?? <button class="quiet" onClick={() => setOpen({kind: 'map', stream})}>Map a channel</button>}</td>
                      <td role="cell" data-label="Kept for" class="number">{retentionText(stream.retentionHours)}</td>
                      <td role="cell" data-label="Recorded" class="number"><Recorded stream={stream} /></td>
                      <td role="cell" data-label="Size" class="number">{stream.fragments > 0 ? bytes(stream.bytes) : ''}</td>
                      <td role="cell" data-label="Rate" class="number">{stream.bitsPerSecond === undefined ? '' : bitRate(stream.bitsPerSecond)}</td>
                      <td role="cell" data-label="Oldest">{stream.oldest === undefined ? 'nothing recorded' : when(stream.oldest)}</td>
                      <td role="cell" class="actions">
                        <button onClick={() => setOpen({kind: 'retention', stream})} aria-label={`Retention of ${stream.streamName}`}>Retention</button>
                        <button class="danger" onClick={() => setOpen(channel ? {kind: 'delete', stream, channel} : {kind: 'delete', stream})} aria-label={`Delete ${stream.streamName}`}>Delete</button>
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
          {value.storage.streams.length === 0 && <p class="empty">There are no streams.</p>}
        </>
      )}
      {open?.kind === 'create' && <CreateDialog onClose={close} />}
      {open?.kind === 'retention' && <RetentionDialog stream={open.stream} onClose={close} />}
      {open?.kind === 'delete' && <DeleteDialog stream={open.stream} channel={open.channel} onClose={close} />}
      {open?.kind === 'map' && <MapDialog stream={open.stream} cameras={value?.cameras ?? []} onClose={close} />}
    </>
  );
}

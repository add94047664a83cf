// SPDX-License-Identifier: Apache-2.0
// This browser as a camera. Nothing is opened before the person presses the button for it.
import {useEffect, useRef, useState} from 'preact/hooks';
import {ensureChannel, ensureStream, mapChannel, streamOfChannel} from '../api/control';
import {messageOf} from '../api/clients';
import {listSessions, type SessionFacts} from '../api/own';
import {usePolled, useTitle} from '../parts/hooks';
import {Steps} from '../parts/steps';
import {type Connection, connect} from '../player/live';
import {linkTo} from '../route';

type Source = 'camera' | 'screen';
interface Wish { name: string; source: Source; sound: boolean; record: boolean; hours: number }
interface Running { connection: Connection; media: MediaStream; channel: string; began: number }

async function openMedia({source, sound}: Wish): Promise<MediaStream> {
  if (source === 'camera') return navigator.mediaDevices.getUserMedia({video: {width: {ideal: 1280}, height: {ideal: 720}, frameRate: {ideal: 30}}, audio: sound});
  const media = await navigator.mediaDevices.getDisplayMedia({video: {frameRate: {ideal: 15}}, audio: sound});
  const [track] = media.getVideoTracks();
  if (track) track.contentHint = 'detail';
  return media;
}

/** The channel, recorded if that is wished: what exists is used as it is. */
async function prepare({name, record, hours}: Wish): Promise<string> {
  const channel = await ensureChannel(name);
  if (record && !(await streamOfChannel(channel))) await mapChannel(channel, await ensureStream(name, hours));
  return channel;
}

function WishForm({busy, onWish}: {busy: boolean; onWish: (wish: Wish) => void}) {
  const [source, setSource] = useState<Source>('camera');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    onWish({name: String(form.get('name')).trim(), source, sound: form.has('sound'), record: true, hours: Number(form.get('hours'))});
  };
  return (
    <form class="card form" onSubmit={submit}>
      <label>Channel<input name="name" required pattern="[a-zA-Z0-9_.\-]+" defaultValue="browser" spellcheck={false} /></label>
      <fieldset>
        <legend>Send</legend>
        <label class="check"><input type="radio" name="source" checked={source === 'camera'} onChange={() => setSource('camera')} />Camera</label>
        <label class="check"><input type="radio" name="source" checked={source === 'screen'} onChange={() => setSource('screen')} />Screen or window</label>
        <label class="check"><input type="checkbox" name="sound" defaultChecked />{source === 'camera' ? 'With the microphone' : 'With its sound, where the browser offers it'}</label>
      </fieldset>
      <label>Hours to keep, if the stream is new<input type="number" name="hours" min={1} max={87600} defaultValue="24" /></label>
      <button class="primary" disabled={busy}>{busy ? 'Starting' : 'Start'}</button>
      <p class="faint">The channel and its stream are made if they do not exist. The browser asks for the camera once you start.</p>
    </form>
  );
}

function Progress({running}: {running: Running}) {
  const {value: sessions} = usePolled(() => listSessions(running.channel), 400, running.channel);
  const ours: SessionFacts | undefined = sessions?.find(({role, joinedAt}) => role === 'MASTER' && joinedAt * 1000 > running.began - 5000);
  return (
    <section class="card" aria-label="Steps" aria-live="polite">
      <h2>What the server sees {ours && <span class="faint">{ours.state}</span>}</h2>
      {ours?.reasonText && <p class="notice bad">{ours.reasonText}</p>}
      <Steps session={ours ?? {role: 'MASTER', steps: [], state: 'waiting'}} />
      <p><a href={linkTo('cameras', running.channel)}>Watch {running.channel}</a></p>
    </section>
  );
}

export function PublishPage() {
  useTitle('Publish');
  const video = useRef<HTMLVideoElement>(null);
  const [running, setRunning] = useState<Running>();
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string>();
  const alive = useRef<Running>();
  const stop = (why?: string) => {
    alive.current?.connection.close();
    for (const track of alive.current?.media.getTracks() ?? []) track.stop();
    alive.current = undefined;
    setRunning(undefined);
    setTrouble(why);
  };
  useEffect(() => () => stop(), []);
  useEffect(() => {
    if (video.current) video.current.srcObject = running?.media ?? null;
  }, [running]);
  const start = async (wish: Wish) => {
    setBusy(true);
    setTrouble(undefined);
    let media: MediaStream | undefined;
    try {
      media = await openMedia(wish);
      const began = Date.now();
      const connection = await connect({channelArn: await prepare(wish), tracks: media.getTracks(), onEnd: stop});
      alive.current = {connection, media, channel: wish.name, began};
      for (const track of media.getVideoTracks()) track.addEventListener('ended', () => stop('The browser ended the picture.'));
      setRunning(alive.current);
    } catch (error) {
      for (const track of media?.getTracks() ?? []) track.stop();
      setTrouble(messageOf(error));
    }
    setBusy(false);
  };
  return (
    <>
      <div class="page-head"><h1>Publish from this browser</h1>{running && <button class="danger" onClick={() => stop()}>Stop</button>}</div>
      {trouble && <p class="notice bad" role="alert">{trouble}</p>}
      {running ? (
        <div class="stage">
          <figure class="screen"><video ref={video} autoPlay muted playsInline aria-label="What is being sent" /><figcaption class="controls"><span class="faint">Sending to {running.channel}; the picture is what the browser takes.</span></figcaption></figure>
          <Progress running={running} />
        </div>
      ) : <WishForm busy={busy} onWish={(wish) => void start(wish)} />}
    </>
  );
}

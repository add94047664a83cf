// SPDX-License-Identifier: Apache-2.0
// One video element, live or recorded. Live is WebRTC; without a picture in time, or without a channel, low-latency HLS.
import type {CameraFacts} from '../api/own';
import {liveUrl} from '../api/archive';
import {isAway, messageOf} from '../api/clients';
import {type Connection, connect} from './live';
import {playLive, RecordedPlayback} from './recorded';

const pictureWithin = 8000;
const againAfter = 3000;

export interface PlayerState {
  mode: 'idle' | 'live' | 'recorded';
  via?: 'WebRTC' | 'low-latency HLS';
  /** For the person: what is going on, or what went wrong. */
  note: string;
  isWaiting: boolean;
  isTalking: boolean;
}

export class Player {
  private state: PlayerState = {mode: 'idle', note: '', isWaiting: false, isTalking: false};
  private recording: RecordedPlayback | undefined;
  private connection: Connection | undefined;
  private endHls: (() => void) | undefined;
  private microphone: MediaStream | undefined;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private turn = 0;
  /** Where to go on when the server is back, while it is away. */
  private wanted: {time?: number; paused: boolean} | undefined;
  /** Where the picture that is shown begins in the media, and how far apart the last ones were. */
  private shownAt = 0;
  private frameTimes: number[] = [];
  private steppedTo = NaN;
  readonly clientId = `console-${crypto.randomUUID().slice(0, 8)}`;

  constructor(private readonly video: HTMLVideoElement, private readonly camera: CameraFacts, private readonly onState: (state: PlayerState) => void) {
    this.video.addEventListener('playing', () => { if (this.state.isWaiting) this.tell({isWaiting: false, note: ''}); });
    // The distance to the first picture after a jump says nothing.
    this.video.addEventListener('seeking', () => { this.shownAt = NaN; });
    this.watchFrames();
  }

  private tell(change: Partial<PlayerState>): void {
    this.state = {...this.state, ...change};
    this.onState(this.state);
  }

  private watchFrames(): void {
    const see = (_: number, {mediaTime}: VideoFrameCallbackMetadata) => {
      const took = mediaTime - this.shownAt;
      if (took > 0.004 && took < 0.2) this.frameTimes = [...this.frameTimes, took].slice(-15);
      this.shownAt = mediaTime;
      this.video.requestVideoFrameCallback(see);
    };
    if ('requestVideoFrameCallback' in this.video) this.video.requestVideoFrameCallback(see);
  }

  async live(): Promise<void> {
    const turn = this.reset();
    const {channelArn, streamName} = this.camera;
    if (!channelArn) return streamName ? this.liveByHls(turn, streamName) : undefined;
    this.tell({mode: 'live', via: 'WebRTC', note: 'Connecting', isWaiting: true});
    const fallBack = (why: string) => {
      if (turn !== this.turn) return;
      if (streamName) void this.liveByHls(turn, streamName, why);
      else this.tryAgain(turn, why);
    };
    const media = new MediaStream();
    try {
      const connection = await connect({
        channelArn, clientId: this.clientId, tracks: this.microphone?.getAudioTracks() ?? [], onEnd: fallBack,
        onTrack: (track) => {
          media.addTrack(track);
          if (turn === this.turn) void this.video.play().catch(() => {});
        },
      });
      if (turn !== this.turn) return connection.close();
      this.connection = connection;
      this.video.srcObject = media;
      this.patience = setTimeout(() => {
        if (turn === this.turn && this.state.isWaiting) fallBack(`no picture by WebRTC within ${pictureWithin / 1000} s`);
      }, pictureWithin);
    } catch (error) {
      fallBack(messageOf(error));
    }
    return undefined;
  }

  private async liveByHls(turn: number, stream: string, why = ''): Promise<void> {
    this.connection?.close();
    this.connection = undefined;
    this.video.srcObject = null;
    this.tell({mode: 'live', via: 'low-latency HLS', note: why || 'Connecting', isWaiting: true});
    try {
      const url = await liveUrl(stream);
      if (turn !== this.turn) return;
      const end = await playLive(this.video, url, (text) => this.tryAgain(turn, text));
      if (turn === this.turn) this.endHls = end;
      else end();
    } catch (error) {
      this.tryAgain(turn, messageOf(error));
    }
  }

  /** The server or the camera is away: both ways are tried anew until one gives a picture or the person goes elsewhere. */
  private tryAgain(turn: number, why: string): void {
    if (turn !== this.turn) return;
    this.tell({note: `No picture (${why}). Trying again`, isWaiting: true});
    clearTimeout(this.retry);
    this.retry = setTimeout(() => { if (turn === this.turn) void this.live(); }, againAfter);
  }

  async recorded(time: number, paused = false): Promise<void> {
    const {streamName} = this.camera;
    if (!streamName) return;
    if (this.state.mode !== 'recorded') this.reset();
    clearTimeout(this.retry);
    const wanted = this.wanted = {time, paused};  // also for an error of what was loaded before
    this.recording ??= new RecordedPlayback(this.video, streamName, (text) => this.recordedAgain(text, this.wanted ?? {paused: this.video.paused}));
    this.tell({mode: 'recorded', note: '', isWaiting: !paused, isTalking: false});
    try {
      await this.recording.play(time, paused);
      if (this.wanted === wanted) this.wanted = undefined;
    } catch (error) {
      if (this.wanted !== wanted) return;
      if (isAway(error)) this.recordedAgain('the server does not answer', wanted);
      else this.tell({note: messageOf(error), isWaiting: false});
    }
  }

  /** The server is away: the recording goes on from the time that is wanted, or from where it is by then, as soon as there is one again. */
  private recordedAgain(why: string, wanted: {time?: number; paused: boolean}): void {
    const {recording, turn} = this;
    if (!recording) return;
    this.wanted = wanted;
    this.tell({note: `Playback stopped (${why}). Trying again`, isWaiting: true});
    clearTimeout(this.retry);
    this.retry = setTimeout(async () => {
      const {paused} = wanted, time = wanted.time ?? recording.time();
      if (turn !== this.turn || time === undefined) return;
      try {
        await recording.play(time, paused, true);
        if (this.wanted === wanted) this.wanted = undefined;
        if (paused) this.tell({note: '', isWaiting: false});
      } catch (error) {
        if (turn === this.turn && this.wanted === wanted) this.recordedAgain(isAway(error) ? 'the server does not answer' : messageOf(error), {time, paused});
      }
    }, againAfter);
  }

  /** The second that is shown, as the camera's clock has it. */
  time(): number | undefined {
    return this.state.mode === 'live' ? Date.now() / 1000 : this.recording?.time();
  }
  /** After the last second of what was loaded: for going on. Nowhere while another time is wanted: the end is that of what played before. */
  endOfSession = (): number | undefined => (this.wanted?.time === undefined ? this.recording?.endOfSession() : undefined);

  toggle(): void {
    if (this.video.paused) void this.video.play().catch(() => {});
    else this.video.pause();
  }

  /**
   * To the middle of that picture: its edge, as a fraction, may be the one before. From the picture that is shown, which the present
   * time may have left already; and by the shortest distance seen, since pictures are skipped at times.
   */
  step(frames: number): void {
    this.video.pause();
    const frameTime = this.frameTimes.length ? Math.min(...this.frameTimes) : 1 / 25;
    const {currentTime} = this.video;
    // The browser tells of a picture after it shows it: of steps in a row the last one counts, not what was told.
    const isStepped = Math.abs(currentTime - this.steppedTo) < 0.001;
    const base = isStepped || !(Math.abs(currentTime - this.shownAt) < 1) ? currentTime - frameTime / 2 : this.shownAt;
    this.steppedTo = Math.max(0, base + (frames + 0.5) * frameTime);
    this.video.currentTime = this.steppedTo;
  }

  /** The microphone is asked for here and nowhere else. The join is made anew: whoever only watches sends no sound. */
  async talk(on: boolean): Promise<void> {
    this.endTalk();
    if (on) {
      try {
        this.microphone = await navigator.mediaDevices.getUserMedia({audio: {echoCancellation: true, noiseSuppression: true}});
      } catch (error) {
        return this.tell({note: `No microphone: ${messageOf(error)}`});
      }
    }
    const {microphone} = this;
    this.microphone = undefined;
    this.reset();
    this.microphone = microphone;
    await this.live();
    return this.tell({isTalking: on});
  }

  private endTalk(): void {
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    this.microphone = undefined;
  }

  /** Ends what plays now. What is under way for an older turn gives up by itself. */
  private reset(): number {
    this.frameTimes = [];  // pictures that come live are not evenly spaced
    clearTimeout(this.patience);
    clearTimeout(this.retry);
    this.connection?.close();
    this.connection = undefined;
    this.endHls?.();
    this.endHls = undefined;
    this.recording?.stop();
    this.recording = undefined;
    this.video.srcObject = null;
    this.video.removeAttribute('src');
    return ++this.turn;
  }

  peer = (): RTCPeerConnection | undefined => this.connection?.peer;

  stop(): void {
    this.endTalk();
    this.reset();
  }
}

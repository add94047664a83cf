// SPDX-License-Identifier: Apache-2.0
// Plays a recording from any second on: an ON_DEMAND session that begins with the fragment which holds that second.
import Hls from 'hls.js';
import {listFragments} from '../api/own';
import {recordedUrl} from '../api/archive';

const longestFragment = 20;  // seconds (docs/status.md)
const sessionLength = 1800;
// hls.js's own, but for the repeats: whoever plays tries again with a new session, and says so.
const once = {maxNumRetry: 1, retryDelayMs: 500, maxRetryDelayMs: 500};
const fragLoadPolicy = {default: {maxTimeToFirstByteMs: 10000, maxLoadTimeMs: 120000, timeoutRetry: once, errorRetry: once}};

export class RecordedPlayback {
  private hls: Hls | undefined;
  private turn = 0;
  /** What the session's playlist may hold, seconds since the epoch. */
  private range = {start: 0, end: 0};

  constructor(private readonly video: HTMLVideoElement, private readonly stream: string, private readonly onError: (text: string) => void) {}

  /** The second of the recording that is shown; from the times in the playlist, so gaps do not shift it. */
  time(): number | undefined {
    const date = this.hls?.playingDate;
    return date ? date.getTime() / 1000 : undefined;
  }

  /** `anew`: with a new session even if the old one has that second. Until it stands, what is loaded plays on. */
  async play(time: number, paused: boolean, anew = false): Promise<void> {
    const place = anew ? undefined : this.placeOf(time);
    if (place !== undefined) {
      this.video.currentTime = place;
      if (!paused) await this.video.play().catch(() => {});
      return;
    }
    const turn = ++this.turn;
    const fragments = await listFragments(this.stream, time - longestFragment, time);
    const holder = fragments.filter((each) => time < each.producerTimestamp + each.durationMicroseconds / 1e6).at(-1);
    const start = holder?.producerTimestamp ?? time;
    const end = time + sessionLength;
    const url = await recordedUrl(this.stream, Math.floor(start * 1000) / 1000, end);
    if (turn !== this.turn) return;  // somebody has jumped elsewhere meanwhile
    this.detach();
    this.range = {start, end};
    const hls = new Hls({startPosition: Math.max(0, time - start), enableWorker: false, maxBufferLength: 20, backBufferLength: 30, fragLoadPolicy});
    this.hls = hls;
    hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) this.onError(`${data.details}${data.response?.code ? ` (${data.response.code})` : ''}`); });
    hls.loadSource(url);
    hls.attachMedia(this.video);
    if (!paused) await this.video.play().catch(() => {});
  }

  /** Where `time` is in the media that is loaded, if it is. */
  private placeOf(time: number): number | undefined {
    if (!this.hls || time < this.range.start || time > this.range.end) return undefined;
    const details = this.hls.levels[Math.max(0, this.hls.currentLevel)]?.details;
    for (const fragment of details?.fragments ?? []) {
      const start = (fragment.programDateTime ?? Infinity) / 1000;
      if (time >= start && time < start + fragment.duration) return fragment.start + (time - start);
    }
    return undefined;
  }

  /** The second after the last one that was loaded. */
  endOfSession(): number {
    const last = this.hls?.levels[Math.max(0, this.hls.currentLevel)]?.details?.fragments.at(-1);
    return last?.programDateTime ? last.programDateTime / 1000 + last.duration : this.range.end;
  }

  private detach(): void {
    this.hls?.destroy();
    this.hls = undefined;
  }

  stop(): void {
    ++this.turn;
    this.detach();
  }
}

/** Low-latency HLS of what is recorded now. */
export async function playLive(video: HTMLVideoElement, url: string, onError: (text: string) => void): Promise<() => void> {
  const hls = new Hls({lowLatencyMode: true, enableWorker: false, maxLiveSyncPlaybackRate: 1.2});
  hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) onError(data.details); });
  hls.loadSource(url);
  hls.attachMedia(video);
  await video.play().catch(() => {});
  return () => hls.destroy();
}

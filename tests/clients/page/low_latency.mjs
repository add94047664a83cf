// SPDX-License-Identifier: Apache-2.0
// Plays a live session and tells how old what it shows is, by the clock in the picture.
import Hls from 'hls.js';
import {readClock} from './burnt_in_clock.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const day = 86_400_000;

/**
 * `seconds` after the first picture: the ages of pictures in milliseconds, one each 100 ms; how often the picture moved on;
 * what hls.js complained of and which addresses it fetched.
 */
export async function watchClock({url, seconds, config = {}, deadline = 30}) {
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const errors = [], fetched = {}, ages = [], trace = [], shown = [];
  const hls = new Hls({lowLatencyMode: true, ...config});
  hls.on(Hls.Events.ERROR, (_, data) => errors.push({details: data.details, fatal: data.fatal, code: data.response?.code, reason: String(data.error ?? data.reason ?? '')}));
  const count = (name) => { fetched[name] = (fetched[name] ?? 0) + 1; };
  for (const event of [Hls.Events.FRAG_LOADED, Hls.Events.LEVEL_LOADED, Hls.Events.AUDIO_TRACK_LOADED]) {
    hls.on(event, (_, data) => count(data.frag ? `${data.part ? 'part' : 'segment'} of ${data.frag.type}` : event));
  }
  hls.loadSource(url);
  hls.attachMedia(video);
  video.play().catch((error) => errors.push({play: String(error)}));
  let first = 0, unread = 0, moved = 0, lastClock = -1;
  for (const end = Date.now() + deadline * 1000; Date.now() < end; await sleep(100)) {
    if (errors.some((each) => each.fatal)) break;
    const clock = video.readyState >= 2 ? readClock(video) : undefined;
    const now = Date.now();
    if (clock === undefined) {
      if (first) unread += 1;
      continue;
    }
    first ||= now;
    const age = ((now - clock) % day + day) % day;
    ages.push(age);
    if (clock !== lastClock) moved += 1;
    lastClock = clock;
    shown.push(now);
    if (trace.length <= (now - first) / 1000) trace.push(`${((now - first) / 1000).toFixed(1)}: age ${age}, at ${video.currentTime.toFixed(2)}, hls.js says ${hls.latency.toFixed(2)} of ${hls.targetLatency?.toFixed(2)}, x${video.playbackRate}`);
    if (now - first > seconds * 1000) break;
  }
  const {totalVideoFrames, droppedVideoFrames} = video.getVideoPlaybackQuality();
  const result = {ages, moved, unread, errors, fetched, trace, frames: totalVideoFrames, dropped: droppedVideoFrames};
  hls.destroy();
  video.remove();
  return result;
}

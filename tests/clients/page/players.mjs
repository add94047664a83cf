// SPDX-License-Identifier: Apache-2.0
// Plays a session URL in Chromium with one of the players people use, unmodified.
import {Debug, MediaPlayer} from 'dashjs';
import Hls from 'hls.js';
import shaka from 'shaka-player/dist/shaka-player.compiled.js';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Sound begins up to one unit after its picture (ADR 12). Where hls.js looks at the buffer before the element plays, which takes long when
 * other programs want the processors, too, it steps over that, always by 0.1 s and a little: to 0.1 s after where both are there.
 */
export function isFirstStep({details, reason}) {
  const unit = 1024 / 48000;
  const [, to] = details === 'bufferSeekOverHole' && /seeking from 0 to ([\d.]+)/.exec(reason) || [];
  return Number(to) < 0.1 + unit;
}

const players = {
  // No player: what the element itself makes of a file.
  element: async (video, url, errors) => {
    video.addEventListener('error', () => errors.push({code: video.error?.code, message: video.error?.message}));
    video.src = URL.createObjectURL(await (await fetch(url)).blob());
    return () => URL.revokeObjectURL(video.src);
  },
  'hls.js': async (video, url, errors, said) => {
    const hls = new Hls();
    hls.on(Hls.Events.ERROR, (_, data) => {
      const error = {details: data.details, fatal: data.fatal, reason: String(data.error ?? data.reason ?? '')};
      (isFirstStep(error) ? said : errors).push(error);
    });
    hls.loadSource(url);
    hls.attachMedia(video);
    return () => hls.destroy();
  },
  'dash.js': async (video, url, errors, said) => {
    const player = MediaPlayer().create();
    player.updateSettings({debug: {logLevel: Debug.LOG_LEVEL_WARNING, dispatchEvent: true}});
    player.on(Debug.events?.LOG ?? 'log', ({message}) => said.push(message));
    player.on(MediaPlayer.events.ERROR, ({error}) => errors.push({code: error?.code, message: error?.message}));
    player.on(MediaPlayer.events.PLAYBACK_ERROR, ({error}) => errors.push({code: error?.code, message: error?.message}));
    // It follows the element from then on only: played before, it would never ask for the manifest again.
    const ready = new Promise((resolve) => player.on(MediaPlayer.events.STREAM_INITIALIZED, resolve));
    player.initialize(video, url, false);
    await Promise.race([ready, sleep(10000)]);
    return () => player.destroy();
  },
  shaka: async (video, url, errors) => {
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    await player.attach(video);
    player.addEventListener('error', ({detail}) => errors.push({code: detail.code, data: String(detail.data)}));
    await player.load(url).catch((error) => errors.push({code: error.code, data: String(error.data)}));
    return () => player.destroy();
  },
};

/** Plays to the end, or, with `live`, until so many frames were shown. What the element says then, and what the player complained of. */
export async function watch({player, url, live, deadline = 60}) {
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const errors = [], said = [];  // said: warnings of the player, which are no errors
  const began = performance.now();
  const destroy = await players[player](video, url, errors, said);
  const sizes = new Set();
  // An element counts anew when its player gives it a new source, as dash.js may do at a Period.
  let counted = 0, before = 0;
  const countFrames = () => {
    const {totalVideoFrames} = video.getVideoPlaybackQuality();
    if (totalVideoFrames < before) counted += before;
    before = totalVideoFrames;
    return counted + before;
  };
  const trace = [];  // once a second: where playing is
  let started = 0;
  video.play().catch((error) => errors.push({play: String(error)}));
  for (const end = Date.now() + deadline * 1000; Date.now() < end && errors.length === 0; await sleep(50)) {
    const frames = countFrames();
    const second = Math.floor((performance.now() - began) / 1000);
    if (trace.length <= second) {
      const buffered = video.buffered.length ? video.buffered.end(video.buffered.length - 1) : 0;
      trace.push(`${second}: ${video.currentTime.toFixed(2)} of ${buffered.toFixed(2)} x${video.playbackRate} state ${video.readyState}`);
    }
    if (video.videoWidth > 0) sizes.add(`${video.videoWidth}x${video.videoHeight}`);
    if (!started && frames > 1) started = performance.now() - began;
    if (video.ended) break;
    if (live && frames >= live) break;
  }
  const result = {ended: video.ended, soundBytes: video.webkitAudioDecodedByteCount, currentTime: video.currentTime, duration: video.duration, frames: countFrames(), errors, trace, said: said.slice(-20), paused: video.paused, sizes: [...sizes],
    startedAfter: started, seekable: Array.from({length: video.seekable.length}, (_, i) => [video.seekable.start(i), video.seekable.end(i)])};
  await destroy();
  video.remove();
  return result;
}

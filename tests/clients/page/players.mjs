// SPDX-License-Identifier: Apache-2.0
// Plays a session URL in Chromium with one of the players people use, unmodified.
import {MediaPlayer} from 'dashjs';
import Hls from 'hls.js';
import shaka from 'shaka-player/dist/shaka-player.compiled.js';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const players = {
  // No player: what the element itself makes of a file.
  element: async (video, url, errors) => {
    video.addEventListener('error', () => errors.push({code: video.error?.code, message: video.error?.message}));
    video.src = URL.createObjectURL(await (await fetch(url)).blob());
    return () => URL.revokeObjectURL(video.src);
  },
  'hls.js': async (video, url, errors) => {
    const hls = new Hls();
    hls.on(Hls.Events.ERROR, (_, data) => errors.push({details: data.details, fatal: data.fatal, reason: String(data.error ?? data.reason ?? '')}));
    hls.loadSource(url);
    hls.attachMedia(video);
    return () => hls.destroy();
  },
  'dash.js': async (video, url, errors) => {
    const player = MediaPlayer().create();
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

/** Plays to the end, or, with `live`, for so many seconds. What the element says then, and what the player complained of. */
export async function watch({player, url, live, deadline = 60}) {
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const errors = [];
  const began = performance.now();
  const destroy = await players[player](video, url, errors);
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
    if (live && started && performance.now() - began - started > live * 1000) break;
  }
  const result = {ended: video.ended, soundBytes: video.webkitAudioDecodedByteCount, currentTime: video.currentTime, duration: video.duration, frames: countFrames(), errors, trace, sizes: [...sizes],
    startedAfter: started, seekable: Array.from({length: video.seekable.length}, (_, i) => [video.seekable.start(i), video.seekable.end(i)])};
  await destroy();
  video.remove();
  return result;
}

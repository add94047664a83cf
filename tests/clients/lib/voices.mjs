// SPDX-License-Identifier: Apache-2.0
// Voices that can be found again: each has a tone of its own and makes it at known times, as packets that are known byte by byte.
import {JoinStorageSessionAsViewerCommand} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {SignalingSocket} from './master.mjs';
import {mustRun, probe} from './programs.mjs';
import {WeriftSender} from './werift_sender.mjs';

const RATE = 48000;
const WINDOW = RATE / 100;  // 10 ms: tones of multiples of 100 Hz do not hear each other
const BURST = 0.12, EDGE = 0.01;  // without the edges it would be two clicks that are heard at every frequency

/** An Ogg Opus file: silence but for a burst of `tone` Hz in each second, `offset` seconds after it began. */
export async function makeVoice(folder, {name, tone, offset, seconds}) {
  const path = join(folder, `${name}.ogg`);
  const edges = `clip((mod(t,1)-${offset})/${EDGE},0,1)*clip((${offset + BURST}-mod(t,1))/${EDGE},0,1)`;
  const sound = `0.4*sin(2*PI*${tone}*t)*${edges}`;
  await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', `aevalsrc='${sound}':s=${RATE}:d=${seconds}`, '-c:a', 'libopus', '-b:a', '48k', '-frame_duration', '20', path]);
  return {name, tone, offset, seconds, path};
}

/** A viewer of the session that says all of a voice, from `phase` milliseconds past a second of the wall clock on, and leaves: {packets, began}. */
export async function speak({server, kvs, channelArn, voice, phase}) {
  const {WSS} = await kvs.endpoints(channelArn, 'VIEWER');
  const signaling = await SignalingSocket.open(server, WSS, channelArn, {clientId: voice.name});
  const sender = new WeriftSender({withVideo: false});
  try {
    await kvs.storage.send(new JoinStorageSessionAsViewerCommand({channelArn, clientId: voice.name}));
    const offer = await signaling.next('SDP_OFFER');
    signaling.send('SDP_ANSWER', await sender.answer(offer.payload), {correlationId: 'voice'});
    await sender.connected;
    await sleep((phase - Date.now() % 1000 + 1000) % 1000);
    const sent = await sender.speak(readFileSync(voice.path));
    await sleep(500);
    return sent;
  } finally {
    await sender.close().catch(() => {});
    await signaling.close();
  }
}

/** When the first picture and each burst of these tones begins in a file, in seconds of its own time: {picture, [tone]: [...]}. */
export async function onsets(file, tones) {
  const {streams} = await probe(file);
  const picture = Number(streams.find((each) => each.codec_type === 'video').start_time);
  const {stdoutBytes, stderr} = await mustRun('ffmpeg', ['-nostdin', '-nostats', '-v', 'info', '-copyts', '-i', file, '-map', '0:a:0', '-af', `aresample=${RATE},aformat=channel_layouts=mono:sample_fmts=flt,ashowinfo`, '-f', 'f32le', '-']);
  const from = Number(stderr.match(/pts_time:(\S+)/)[1]);
  const samples = new Float32Array(stdoutBytes.buffer.slice(stdoutBytes.byteOffset, stdoutBytes.byteOffset + (stdoutBytes.length & ~3)));
  return {picture, ...Object.fromEntries(tones.map((tone) => [tone, rises(levels(samples, tone)).map((ms) => from + ms / 1000)]))};
}

/** The loudness of a tone around each millisecond (Goertzel). */
function levels(samples, tone) {
  const turn = 2 * Math.cos(2 * Math.PI * tone / RATE);
  const found = [];
  for (let middle = 0; middle < samples.length; middle += RATE / 1000) {
    const from = Math.max(0, middle - WINDOW / 2), to = Math.min(samples.length, from + WINDOW);
    let [before, last] = [0, 0];
    for (let i = from; i < to; i++) [before, last] = [last, samples[i] + turn * last - before];
    found.push(Math.sqrt(Math.max(0, before * before + last * last - turn * before * last)));
  }
  return found;
}

/** Where it rises to half of what is usual while it is heard, having been below a quarter for 100 ms. */
function rises(loudness) {
  const most = loudness.reduce((a, b) => Math.max(a, b), 0);
  const heard = loudness.filter((level) => level > most / 4).sort((a, b) => a - b);
  const usual = heard[heard.length >> 1];
  const found = [];
  let loud = -Infinity;
  loudness.forEach((level, ms) => {
    if (level > usual / 2 && ms - loud > 100) found.push(ms);
    if (level > usual / 2 || (level > usual / 4 && ms - loud <= 100)) loud = ms;
  });
  return found;
}

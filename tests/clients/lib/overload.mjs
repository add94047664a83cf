// SPDX-License-Identifier: Apache-2.0
// Twice the load that a server can carry: what it refuses, what it asks for, what it leaves out, and how it comes back.
import {JoinStorageSessionCommand} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from './camera.mjs';
import {Kvs} from './kvs.mjs';
import {blocksOf} from './matroska.mjs';
import {mustRun} from './programs.mjs';
import {readSigned} from './own_api.mjs';
import {AVC} from './recording.mjs';

const RATE = 25;
const GAPS = 'tidegate_recording_gaps_total{reason="overload"}';

/** The same pictures at 560 and 280 kbit/s, a key frame every 2 s, and 65 kbit/s of stereo Opus: files that cameras repeat. */
export async function makeMedia(folder, {size = '640x360', seconds = 10} = {}) {
  const pictures = (kbps) => ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${RATE}:duration=${seconds},noise=alls=12:allf=t`, '-c:v', 'libx264', '-profile:v', 'baseline',
    '-preset', 'ultrafast', '-g', '50', '-keyint_min', '50', '-sc_threshold', '0', '-b:v', `${kbps}k`, '-maxrate', `${kbps}k`, '-bufsize', `${kbps / 2}k`,
    '-threads', '1', '-x264-params', 'slices=1:sliced-threads=0:repeat-headers=1', '-f', 'h264'];
  const sound = ['-f', 'lavfi', '-i', `aevalsrc=0.2*sin(500*t*t)+0.05*(random(0)-0.5)|0.2*sin(480*t*t)+0.05*(random(1)-0.5):d=${seconds + 0.2}:s=48000`,
    '-c:a', 'libopus', '-b:a', '65k', '-f', 'opus'];
  const media = {high: join(folder, 'high.h264'), low: join(folder, 'low.h264'), sound: join(folder, 'sound.opus')};
  await Promise.all([[pictures(560), media.high], [pictures(280), media.low], [sound, media.sound]]
    .map(([args, path]) => mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args, path])));
  return media;
}

/** What /metrics says of overload. */
export async function look(server) {
  const m = await server.metrics();
  return {
    at: Date.now(), refusing: m.tidegate_shards_refusing, askedForLess: m.tidegate_recordings_asked_for_less, resting: m.tidegate_recordings_resting,
    delayMs: m.tidegate_udp_receive_delay_milliseconds, gaps: m[GAPS] ?? 0, nacks: m.tidegate_session_nacks_total, kernelDrops: m.tidegate_udp_receive_overflows_total,
    received: m.tidegate_udp_received_packets_total, connected: m.tidegate_sessions_connected_total, leftOut: m['tidegate_session_packets_dropped_total{reason="overload"}'],
  };
}

/** Looks once a second, until `over` says so of all looks so far, `seconds` at most. */
export async function watch(server, seconds, {over = () => false, log = () => {}} = {}) {
  const looks = [];
  for (const end = Date.now() + seconds * 1000; Date.now() < end && !(looks.length && over(looks));) {
    await sleep(1000);
    looks.push(await look(server));
    log(JSON.stringify(looks.at(-1)));
  }
  return looks;
}

/** Cameras of one name that stop when told to; `args` beside the usual. */
export function startCameras(server, name, count, args) {
  const manifest = join(server.dataDir, `${name}.manifest`);
  const camera = Camera.start(server.url, ['--channel', name, '--stream', name, '--ca', server.ca, '--quiet', '--create', '--count', String(count), '--duration', '3600', '--manifest', manifest, ...args]);
  return {name, count, camera, manifest};
}

/** What they say they sent, each with its frames: {channel, …, sent: [number in the loop]}, and the loop's hashes. */
export async function stopCameras({camera, manifest}) {
  camera.process.kill('SIGINT');
  const report = await camera.report(60000);
  const [head, ...rows] = readFileSync(manifest, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const sentOf = (runs, size) => runs.flatMap(([first, count]) => Array.from({length: count}, (_, i) => (first + i) % size));
  return {hashes: head.video, cameras: report.cameras.map((each, i) => ({...each, sent: sentOf(rows[i].video, head.video.length)}))};
}

/** The share of a processor, in percent, that the server uses within `seconds`. */
export async function measureLoad(server, seconds) {
  const before = [server.cpuSeconds(), Date.now()];
  await sleep(seconds * 1000);
  return 100 * (server.cpuSeconds() - before[0]) / ((Date.now() - before[1]) / 1000);
}

/** `count` programs that do nothing but use a processor, while `body` runs. */
export async function besideBusyLoops(count, body) {
  const loops = Array.from({length: count}, () => spawn('sh', ['-c', 'while :; do :; done'], {stdio: 'ignore'}));
  try {
    return await body();
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
  }
}

/** The error of a master's join on a channel of its own; null when it is let in. */
export async function joinError(kvs, channelArn) {
  return kvs.storage.send(new JoinStorageSessionCommand({channelArn})).then(() => null, (error) => ({name: error.name, message: error.message, status: error.$metadata?.httpStatusCode}));
}

/** Where picture `number` was sent, from `next` on, nearest to where its time says that it is: a loop repeats. -1: nowhere. */
function place(sent, number, next, expected) {
  let best = -1;
  for (let at = sent.indexOf(number, next); at >= 0; at = sent.indexOf(number, at + 1)) {
    if (best < 0 || Math.abs(at - expected) < Math.abs(best - expected)) best = at;
  }
  return best;
}

/**
 * Stored pictures against sent ones. `torn`: fragments that lack a picture which was sent between two of theirs. `unexplained`:
 * places between fragments where pictures are missing that no gap of the coverage speaks of.
 */
export async function compare(server, kvs, {channel, sent}, hashes) {
  const documents = await kvs.documents(channel, {quiet: 500});
  const {body: coverage} = await readSigned(server, `/api/v1/streams/${channel}/coverage`);
  const numbers = new Map(hashes.map((hash, i) => [hash, i]));
  let next = 0, last = null, torn = 0, unexplained = 0, altered = 0, stored = 0, holes = 0, missing = 0;
  for (const document of documents) {
    const pictures = blocksOf([document], AVC).map((block) => numbers.get(createHash('sha256').update(block.payload).digest('hex')));
    stored += pictures.length;
    altered += pictures.filter((number) => number === undefined).length;
    const start = Number(document.tags.AWS_KINESISVIDEO_PRODUCER_TIMESTAMP);
    const at = place(sent, pictures[0], next, last ? last.at + (start - last.start) * RATE : 0);
    last = {at, start};
    const whole = pictures.every((number, i) => number === sent[at + i]);
    if (at < 0 || !whole) torn++;
    if (at > next) {
      holes++;
      missing += at - next;
      if (next > 0 && !coverage.gaps.some((gap) => Math.abs(gap.end - start) < 0.05)) unexplained++;
    }
    next = Math.max(next, at + pictures.length);
  }
  return {channel, sent: sent.length, stored, missing: sent.length - stored, holes, torn, unexplained, altered, reasons: coverage.gaps.map((gap) => gap.reason), documents};
}

/** How many of these streams have a gap for this reason. */
export async function gapped(server, channels) {
  const found = [];
  for (const channel of channels) {
    const {body} = await readSigned(server, `/api/v1/streams/${channel}/coverage`);
    if (body.gaps.some((gap) => gap.reason === 'overload')) found.push(channel);
  }
  return found;
}

// SPDX-License-Identifier: Apache-2.0
// Cameras that lose their power and come back in the same moment, while others go on: what became of each.
import {JoinStorageSessionAsViewerCommand} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from './camera.mjs';
import {Kvs} from './kvs.mjs';
import {SignalingSocket} from './master.mjs';
import {AVC} from './recording.mjs';
import {blocksOf} from './matroska.mjs';

const LIVE = 5;
const REFUSED = 'tidegate_session_ends_total{reason="join_refused"}';
const small = ['--width', '64', '--height', '64', '--picture-rate', '5', '--bitrate-kbps', '50', '--no-audio'];

async function until(what, seconds, condition) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50)) {
    const value = await condition();
    if (value) return value;
  }
  throw new Error(`${what} took more than ${seconds} s`);
}

/**
 * The error that clients get that join as soon as the first camera was refused, ten at once: there is room for the few that were
 * let in meanwhile. null when there was room for all.
 */
async function refused(server, kvs, channelArn, isOver) {
  const {WSS} = await kvs.endpoints(channelArn, 'VIEWER');
  const clientIds = Array.from({length: 10}, (_, i) => `late-${i}`);
  const sockets = await Promise.all(clientIds.map((clientId) => SignalingSocket.open(server, WSS, channelArn, {clientId})));
  const refusals = async () => (await server.metrics())[REFUSED];
  const before = await refusals();
  try {
    await until('a full queue', 60, async () => isOver() || (await refusals()) > before);
    const errors = await Promise.all(clientIds.map((clientId) => kvs.storage.send(new JoinStorageSessionAsViewerCommand({channelArn, clientId})).then(() => null, (error) => error)));
    const error = errors.find(Boolean);
    return error ? {name: error.name, message: error.message, status: error.$metadata?.httpStatusCode} : null;
  } finally {
    await Promise.all(sockets.map((socket) => socket.close()));
  }
}

/**
 * `count` cameras begin in the same moment; `rate` is what the server lets in a second, which has one shard. With `again` they were
 * connected before and vanished without a word. Five other cameras record for `seconds` all the while. `log`: of what goes on.
 */
export async function storm({server, count, rate, seconds, again = false, log = () => {}}) {
  const kvs = new Kvs(server.url);
  const cameras = (name, args) => Camera.start(server.url, ['--channel', name, '--stream', name, '--ca', server.ca, '--quiet', ...args]);
  const connected = async () => (await server.metrics()).tidegate_sessions_connected_total;
  const {ChannelARN: late} = await kvs.recordedChannel('late');
  const live = cameras('live', ['--create', '--count', String(LIVE), '--width', '320', '--height', '180', '--picture-rate', '15', '--bitrate-kbps', '300', '--duration', String(seconds)]);
  await until('the live ones', 20, async () => (await connected()) >= LIVE);
  const first = again ? cameras('storm', ['--create', '--count', String(count), '--threads', '2', ...small, '--duration', '3600']) : null;
  if (first) await until(`${count} cameras`, 30 + 4 * count / rate, async () => (await connected()) >= count + LIVE);
  else await Promise.all(Array.from({length: count}, (_, i) => kvs.recordedChannel(`storm-${i + 1}`)));
  await Promise.all(Array.from({length: LIVE}, (_, i) => kvs.untilFragments(`live-${i + 1}`, (all) => all.length > 0)));
  log('all are there');

  const before = await server.metrics();
  await first?.stop();
  const began = Date.now();
  let isOver = false, worst = 0;
  const returned = cameras('storm', ['--count', String(count), '--threads', '2', '--joins-at-once', String(count), ...small, '--duration', '1']);
  const refusal = refused(server, kvs, late, () => isOver);
  const watch = until('the return of all', 120, async () => {
    const asked = Date.now();
    const here = (await connected()) - before.tidegate_sessions_connected_total;
    worst = Math.max(worst, Date.now() - asked);
    return here >= count;
  });
  await watch.finally(() => { isOver = true; });
  const tookMs = Date.now() - began;
  log(`all are back after ${tookMs} ms`);
  const report = await returned.report((seconds + 60) * 1000);
  const after = await server.metrics();
  const recorded = (await live.report((seconds + 60) * 1000)).cameras;
  const losses = await Promise.all(recorded.map(async ({channel, video_frames: sent, published_ms: ms, joins, error}) => {
    await kvs.untilFragments(channel, (all) => all.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) > ms - 500);
    const stored = blocksOf(await kvs.documents(channel, {quiet: 700}), AVC).length;
    return {channel, sent, stored, joins, error};
  }));
  const gain = (name) => (after[name] ?? 0) - (before[name] ?? 0);
  const answered = Object.keys(after).filter((name) => /tidegate_requests_total\{operation="JoinStorageSession(AsViewer)?",status="4/.test(name));
  const returnedCameras = report.cameras;
  kvs.close();
  return {
    cameras: count, joinsPerSecond: rate, tookMs, withoutQueueMs: Math.round(count / rate * 1000), live: losses, refusal: await refusal, failed: report.failed,
    joins: returnedCameras.reduce((sum, each) => sum + each.joins, 0), refused: gain(REFUSED), answeredWithAnError: answered.reduce((sum, name) => sum + gain(name), 0),
    kernelDrops: gain('tidegate_udp_receive_overflows_total'), slowestAnswerMs: worst, cpuSeconds: Math.round(gain('process_cpu_seconds_total') * 100) / 100,
  };
}

// SPDX-License-Identifier: Apache-2.0
// lane: media
// A viewer in Chromium whose path becomes too narrow for the camera's video, and wide again.
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Browser} from './lib/browser.mjs';
import {Camera} from './lib/camera.mjs';
import {Bottleneck, clean} from './lib/impairment.mjs';
import {Kvs} from './lib/kvs.mjs';
import {makeH264, scratch} from './lib/media_files.mjs';
import {Relay} from './lib/relay.mjs';
import {credentials, region, Server} from './lib/server.mjs';

const RATE = 15, SECONDS = 32, NARROW = 7;
// A path that was tried in vain while it was narrow is tried again twice as late as the first time (src/rtp/thinning.hpp).
const BACK_WITHIN = 12;
const folder = scratch('narrow');
// What waits longer in front of it than 3 s is lost.
const path = new Bottleneck(3000);
let server, relay, browser, camera, slow, fast, narrowAt, wideAt, source;

before(async () => {
  const video = await makeH264(folder, {seconds: 60, fps: RATE, size: '480x270', bitrate: '600k'});
  server = await Server.start();
  const kvs = new Kvs(server.url);
  const {ChannelARN: channelArn} = await kvs.recordedChannel('lane');
  camera = Camera.start(server.url, ['--channel', 'lane', '--ca', server.ca, '--h264', video.path, '--frame-rate', String(RATE), '--no-audio']);
  [relay, browser] = await Promise.all([Relay.start(server, {impairment: {...clean, toClients: path}, folder}), Browser.start(),
    kvs.untilFragments('lane', (all) => all.length >= 1, 30000)]);
  const view = (clientId, endpoint) => browser.call('view', {config: {region, credentials, endpoint}, channelArn, clientId, seconds: SECONDS});
  const both = Promise.all([view('slow', relay.url), view('fast', server.url)]);
  both.catch(() => {});
  while (path.bytes < 50_000) await sleep(50);
  await sleep(1500);
  const [since, bytes] = [Date.now(), path.bytes];
  await sleep(3000);
  narrowAt = Date.now();
  source = ((path.bytes - bytes) * 8000) / (narrowAt - since);
  Object.assign(path, {bitsPerSecond: source * 0.45, waited: 0});
  await sleep(NARROW * 1000);
  wideAt = Date.now();
  path.bitsPerSecond = source * 4;
  [slow, fast] = await both;
});
after(async () => {
  await camera?.stop();
  await browser?.stop();
  await relay?.stop();
  await server?.stop();
  rmSync(folder, {recursive: true});
});

/** Pictures a second. */
function rate({shown}, from, to = Infinity) {
  const [first, last] = [shown.find(([at]) => at >= from), shown.findLast(([at]) => at <= to)];
  return ((last[1] - first[1]) * 1000) / (last[0] - first[0]);
}

/** When two seconds with all pictures began, after the path was wide. */
function backAt(viewer) {
  const began = viewer.shown.find(([at]) => at >= wideAt && at <= wideAt + BACK_WITHIN * 1000 && rate(viewer, at, at + 2000) > RATE * 0.7);
  return began?.[0];
}

describe('a viewer whose path becomes too narrow', () => {
  test('gets key frames alone, before the queue is full', (t) => {
    const thin = rate(slow, narrowAt + 3000, wideAt);
    t.diagnostic(`${Math.round(source / 1000)} kbit/s of video: waited ${Math.round(path.waited)} ms at most, ${path.lost} lost; ${thin.toFixed(1)} pictures a second, back after ${((backAt(slow) - wideAt) / 1000).toFixed(1)} s`);
    assert.ok(source > 300_000, `${source} bit/s`);
    assert.ok(path.waited > 100 && path.waited < 2000, `waited ${path.waited} ms`);
    assert.equal(path.lost, 0);
    assert.ok(thin < 3, `${thin} pictures a second: the camera makes one key frame a second`);
  });
  test('gets everything again when it is wide', () => {
    const back = backAt(slow);
    assert.ok(back, `not within ${BACK_WITHIN} s`);
    assert.ok(rate(slow, back + 1000) > RATE * 0.7, `${rate(slow, back + 1000)} pictures a second from then on`);
  });
  test('is noticed by nobody else', () => {
    assert.ok(fast.video.framesReceived >= SECONDS * RATE * 0.9, `${fast.video.framesReceived} frames`);
    assert.equal(fast.video.packetsLost, 0);
  });
});

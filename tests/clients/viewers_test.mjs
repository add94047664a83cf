// SPDX-License-Identifier: Apache-2.0
// lane: media
// Viewers of a storage session: Chromium with the unmodified Kinesis SDK, a camera as the master.
import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {Browser} from './lib/browser.mjs';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {credentials, region, Server} from './lib/server.mjs';

const RATE = 15, SECONDS = 6;
let server, kvs, browser, channelArn, master, results;

const camera = (name, seconds) => Camera.start(server.url, ['--channel', name, '--stream', name, '--create', '--ca', server.ca, '--duration', String(seconds),
  '--width', '640', '--height', '360', '--picture-rate', String(RATE), '--bitrate-kbps', '500']);
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const config = () => ({region, credentials, endpoint: server.url});
const view = (clientId, input = {}) => browser.call('view', {config: config(), channelArn, clientId, seconds: SECONDS, ...input});

before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  browser = await Browser.start();
  ({ChannelARN: channelArn} = await kvs.recordedChannel('hall'));
  const first = view('first', {deadline: 30});  // before there is a master
  master = camera('hall', 60);
  await kvs.untilFragments('hall', (all) => all.length >= 1, 30000);
  results = await Promise.all([first, view('second', {tone: 700}), view('third'), view('own-offer', {offers: true})]);
});
after(async () => {
  await master?.stop();
  await browser?.stop();
  await server?.stop();
});

describe('four viewers of one camera', () => {
  for (const [index, name] of ['a viewer that was there before the master', 'a viewer that speaks', 'a viewer', 'a viewer that makes the offer itself'].entries()) {
    test(`${name} sees it live`, (t) => {
      const {firstFrameMs, ages, size, video, statuses} = results[index];
      t.diagnostic(JSON.stringify({firstFrameMs, age: median(ages), frames: video?.framesDecoded, dropped: video?.framesDropped, lost: video?.packetsLost, freezes: video?.freezeCount}));
      assert.deepEqual(size, [640, 360]);
      assert.ok(video.framesReceived >= SECONDS * RATE * 0.9, `${video.framesReceived} frames`);
      assert.ok(video.framesDecoded > 0 && video.packetsLost === 0);
      assert.deepEqual(statuses, []);
    });
  }

  test('what they see is less than half a second old', () => {
    const age = median(results.flatMap((each) => each.ages));
    assert.ok(age < 500, `${age} ms`);
  });

  test('the first picture is there at once', () => {
    for (const {firstFrameMs} of results.slice(1)) assert.ok(firstFrameMs < 3000, `${firstFrameMs} ms`);
  });
});

// SPDX-License-Identifier: Apache-2.0
// `tidegate viewer`: what it reports of a camera whose pictures, rate and moment of leaving are known here.
import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {existsSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {promisify} from 'node:util';
import {Camera, Viewers} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {makeH264, scratch} from './lib/media_files.mjs';
import {binary, Server} from './lib/server.mjs';

const RATE = 20, SECONDS = 4, VIEWERS = 5;
const folder = scratch('viewer-command');
let server, kvs, camera, deaf;

const view = (args) => Viewers.start(server.url, ['--channel', 'hall', '--ca', server.ca, '--duration', String(SECONDS), ...args]);

before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  camera = Camera.start(server.url, ['--channel', 'hall', '--stream', 'hall', '--create', '--ca', server.ca, '--duration', '60', '--width', '320',
    '--height', '180', '--picture-rate', String(RATE), '--bitrate-kbps', '300']);
  // It sends a file, whatever it is asked for: a key frame every 20 s.
  const video = await makeH264(folder, {seconds: 20, fps: RATE, size: '320x180', bitrate: '300k', keyFrames: 20 * RATE});
  deaf = Camera.start(server.url, ['--channel', 'yard', '--stream', 'yard', '--create', '--ca', server.ca, '--duration', '60', '--h264', video.path,
    '--frame-rate', String(RATE)]);
  await kvs.untilFragments('hall', (all) => all.length >= 1, 30000);
});
after(async () => {
  await Promise.all([camera?.stop(), deaf?.stop()]);
  rmSync(folder, {recursive: true});
  await server?.stop();
});

// First of all, while its next key frame is far away.
test('a camera that makes no key frame when asked: the first viewer and a later one see it at once', async (t) => {
  const see = (id) => Viewers.start(server.url, ['--channel', 'yard', '--ca', server.ca, '--duration', '6', '--client-id', id]);
  const first = see('first');
  await first.connected();
  await new Promise((resolve) => setTimeout(resolve, 4000));  // longer than packets are kept for repair
  const reports = await Promise.all([first.report(), see('later').report()]);
  for (const {viewers: [viewer]} of reports) {
    t.diagnostic(JSON.stringify(viewer));
    assert.ok(viewer.timings_ms.first_frame < 1500, `first picture after ${viewer.timings_ms.first_frame} ms`);
    assert.ok(viewer.video_frames >= 5 * RATE && viewer.packets_lost === 0 && viewer.frames_dropped === 0, JSON.stringify(viewer));
  }
});

describe('tidegate viewer', () => {
  let alone, many, empty;
  before(async () => {
    await kvs.recordedChannel('empty');
    empty = Viewers.start(server.url, ['--channel', 'empty', '--ca', server.ca, '--duration', '1']);
    [alone, many] = await Promise.all([view(['--client-id', 'alone']).report(), view(['--viewers', String(VIEWERS), '--client-id', 'guest']).report()]);
  });

  test('one viewer: times, pictures, rate', (t) => {
    t.diagnostic(JSON.stringify(alone));
    assert.equal(alone.failed, 0);
    const [viewer] = alone.viewers;
    const {join, offer, dtls, first_frame: first} = viewer.timings_ms;
    assert.ok(offer > 0 && offer <= dtls && dtls <= first && join > 0, 'in this order');
    assert.ok(first < 3000, `first picture after ${first} ms`);
    // Those since it was there, and those that were kept since the last key frame, two seconds at most.
    const live = (SECONDS * 1000 - first) / 1000 * RATE;
    assert.ok(viewer.video_frames >= live - 4 && viewer.video_frames <= live + 2 * RATE + 4, `${viewer.video_frames} pictures, ${live} of them live`);
    assert.equal(viewer.packets_lost, 0);
    assert.ok(viewer.bitrate_kbps > 50 && viewer.bitrate_kbps < 450, `${viewer.bitrate_kbps} kbit/s of 300 at most`);
  });

  test('its pictures are as old as the way is long, by the camera\'s own clock', () => {
    const {median, p95, pictures, unreadable} = alone.viewers[0].latency_ms;
    assert.ok(pictures >= (SECONDS - 3) * RATE, `${pictures} clocks read`);
    assert.equal(unreadable, 0);
    assert.ok(median >= 0 && median < 300 && p95 >= median, `median ${median} ms, p95 ${p95} ms`);
  });

  test('five at once', (t) => {
    t.diagnostic(JSON.stringify(many.all));
    assert.equal(many.failed, 0);
    assert.deepEqual(many.viewers.map((each) => each.client_id), Array.from({length: VIEWERS}, (_, i) => `guest-${i + 1}`));
    for (const viewer of many.viewers) assert.ok(viewer.video_frames >= (SECONDS - 3) * RATE && viewer.joins === 1, JSON.stringify(viewer));
    assert.equal(many.all.video_frames, many.viewers.reduce((sum, each) => sum + each.video_frames, 0));
    assert.ok(many.all.latency_ms.pictures > 0);
  });

  test('a camera that stops for a second is one freeze', async (t) => {
    const viewing = view(['--client-id', 'late']);
    await viewing.connected();
    await new Promise((resolve) => setTimeout(resolve, 1200));
    camera.process.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    camera.process.kill('SIGCONT');
    const {viewers: [viewer]} = await viewing.report();
    t.diagnostic(JSON.stringify(viewer));
    assert.ok(viewer.freezes >= 1, 'the freeze was seen');
    assert.ok(viewer.frozen_ms >= 900 && viewer.frozen_ms < 3000, `frozen ${viewer.frozen_ms} ms`);
  });

  test('a directory on which no server has run is named, and stays as it is', async () => {
    const nowhere = join(server.dataDir, 'nowhere');
    const run = promisify(execFile)(binary, ['viewer', '--data-dir', nowhere, '--channel', 'x'], {env: {PATH: process.env.PATH}});
    await assert.rejects(run, new RegExp(`no server has left an access key in ${nowhere} .*\`tidegate serve\` runs on`));
    assert.ok(!existsSync(nowhere));
  });

  test('without a camera it says so and fails', async () => {
    assert.equal(await empty.done, 1);
    const report = JSON.parse(empty.stdout.trim().split('\n').at(-1));
    assert.equal(report.failed, 1);
    assert.equal(report.viewers[0].error, 'no picture came: does a camera publish to the channel empty?');
    assert.equal(report.viewers[0].timings_ms.first_frame, null);
  });
});

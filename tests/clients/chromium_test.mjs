// SPDX-License-Identifier: Apache-2.0
// lane: media
// The main job: a browser camera with unmodified clients is recorded and played back.
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {after, afterEach, before, beforeEach, describe, test} from 'node:test';
import {Browser} from './lib/browser.mjs';
import {harsh} from './lib/impairment.mjs';
import {Kvs} from './lib/kvs.mjs';
import {scratch} from './lib/media_files.mjs';
import {decodeAll} from './lib/programs.mjs';
import {decodeDocuments, examine} from './lib/recording.mjs';
import {Relay} from './lib/relay.mjs';
import {credentials, region, Server} from './lib/server.mjs';

const seconds = 20;

/** 32-bit RTP time from the first to the last frame, in milliseconds. */
const spanMs = (ledger, clock) => ((ledger.at(-1).rtp - ledger[0].rtp) >>> 0) / (clock / 1000);

describe('Chromium with a fake camera', () => {
  const folder = scratch('chromium');
  let browser, server;
  before(async () => { browser = await Browser.start(); });
  after(async () => {
    await browser?.stop();
    rmSync(folder, {recursive: true});
  });
  beforeEach(async () => { server = await Server.start(); });
  afterEach(async () => { await server?.stop(); });

  /** Publishes, then judges the recording against what the browser says it sent. */
  async function recorded(endpoint, name, withAudio, t) {
    const config = {endpoint, region, credentials};
    const sent = await browser.call('publish', {config, name, seconds, withAudio});
    assert.deepEqual(sent.statuses, [], 'no STATUS_RESPONSE');
    assert.ok(sent.joinMs < 1000, `JoinStorageSession took ${sent.joinMs} ms`);
    const kvs = new Kvs(server.url);
    const expected = spanMs(sent.ledgers.video, 90000);
    await kvs.untilFragments(name, (found) => found.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) > expected - 500);
    const documents = await kvs.documents(name, {quiet: 1500});
    const {video, audio} = examine(documents, {withAudio});
    t.diagnostic(`${sent.framesSent} frames sent, ${video.count} stored in ${documents.length} fragments, ${Math.round(sent.video.bytesSent / 1000)} kB, ` +
      `duration ${Math.round(video.lastAt - video.from)} of ${Math.round(expected)} ms, join ${Math.round(sent.joinMs)} ms`);
    assert.ok(sent.framesSent > 10 * seconds, `the browser sent only ${sent.framesSent} frames`);
    assert.ok(video.count >= sent.framesSent - 3, `${video.count} of ${sent.framesSent} frames are stored`);
    assert.ok(video.count <= sent.ledgers.video.length, `${video.count} stored, only ${sent.ledgers.video.length} encoded`);
    assert.ok(Math.abs(video.lastAt - video.from - expected) <= 100, `duration ${video.lastAt - video.from} ms, sent ${expected} ms`);
    if (withAudio) assert.ok(Math.abs(audio.to - video.to) <= 100, `audio ends at ${audio.to}, video at ${video.to}`);
    await decodeDocuments(documents, folder);
    const url = await kvs.wholeHlsUrl(name, await kvs.fragments(name));
    await decodeAll(url, {before: ['-allowed_extensions', 'ALL']});
    return config;
  }

  async function played(config, name) {
    const result = await browser.call('play', {config, name, seconds: 10});
    assert.deepEqual(result.errors, []);
    assert.ok(result.currentTime > 10, `played to ${result.currentTime} of ${result.duration} s`);
    const holes = result.buffered.slice(1).map(([start], i) => start - result.buffered[i][1]);
    assert.deepEqual(holes.filter((hole) => hole > 0.05), [], `buffered ${JSON.stringify(result.buffered)}`);
    assert.ok(result.buffered[0][0] < 0.1 && result.buffered.at(-1)[1] > seconds - 1.5, `buffered ${JSON.stringify(result.buffered)}`);
  }

  test('H.264 and Opus are recorded, listed, played by hls.js and decoded', async (t) => {
    await played(await recorded(server.url, 'both', true, t), 'both');
  });

  test('video only', async (t) => {
    await played(await recorded(server.url, 'video-only', false, t), 'video-only');
  });

  test('through 5 % loss, 50 +- 20 ms delay and 1 % duplicates', async (t) => {
    const relay = await Relay.start(server, {impairment: harsh, seed: 3, folder});
    try {
      const config = await recorded(relay.url, 'impaired', true, t);
      const {lost, in: passed} = await relay.counts();
      t.diagnostic(`${lost} of ${passed} packets lost on the way`);
      assert.ok(passed > 1000 && lost > passed * 0.03, `only ${passed} packets went through the proxy`);
      await played(config, 'impaired');
    } finally {
      await relay.stop();
    }
  });
});

// SPDX-License-Identifier: Apache-2.0
// lane: media
// The players people use, to the end of what other sources than our camera have recorded: Chromium, whose picture changes its
// size in the first seconds, and PutMedia with a gap, a change of size, and sound that comes and goes.
import assert from 'node:assert/strict';
import {GetDASHStreamingSessionURLCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {after, before, describe, test} from 'node:test';
import {Browser} from './lib/browser.mjs';
import {Kvs} from './lib/kvs.mjs';
import {blocksOf} from './lib/matroska.mjs';
import {mustRun} from './lib/programs.mjs';
import {Producer} from './lib/put_media.mjs';
import {AVC} from './lib/recording.mjs';
import {credentials, region, Server} from './lib/server.mjs';

const PLAYERS = [['dash.js', 'DASH'], ['shaka', 'DASH'], ['hls.js', 'HLS'], ['shaka', 'HLS']];
let server, kvs, browser;

/** A film as a Kinesis producer would send it. */
async function film(size, seconds, {sound = true} = {}) {
  const {stdoutBytes} = await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${seconds}`,
    ...(sound ? ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=48000:duration=${seconds}`] : []), '-c:v', 'libx264', '-g', '50', '-keyint_min', '50', '-sc_threshold', '0',
    '-bf', '0', '-c:a', 'aac', '-cluster_time_limit', '3000', '-cluster_size_limit', '5000000', '-f', 'matroska', 'pipe:1']);
  return stdoutBytes;
}

async function upload(name, bytes, start) {
  const producer = await Producer.open(server, name, {type: 'RELATIVE', start: String(start)});
  for (let from = 0; from < bytes.length; from += 30_000) await producer.send(bytes.subarray(from, from + 30_000));
  await producer.end();
  assert.deepEqual(producer.of('ERROR'), []);
}

const sources = {
  'PutMedia with a gap and a change of size': {name: 'studio', sizes: ['320x240', '480x360'], async record() {
    await kvs.call('CreateStream', {StreamName: 'studio', DataRetentionInHours: 24});
    const start = Date.now() / 1000 - 100;
    await upload('studio', await film('320x240', 6), start);
    await upload('studio', await film('480x360', 6), start + 20);
  }},
  'PutMedia with sound that comes and goes': {name: 'booth', sizes: ['320x240'], async record() {
    await kvs.call('CreateStream', {StreamName: 'booth', DataRetentionInHours: 24});
    const start = Date.now() / 1000 - 100;
    await upload('booth', await film('320x240', 4), start);
    await upload('booth', await film('320x240', 4, {sound: false}), start + 4);
    await upload('booth', await film('320x240', 4), start + 8);
  }},
  Chromium: {name: 'browser', async record() {
    await browser.call('publish', {config: {endpoint: server.url, region, credentials}, name: 'browser', seconds: 10, withAudio: true});
  }},
};

before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  browser = await Browser.start();
  await Promise.all(Object.values(sources).map(async (source) => {
    await source.record();
    source.documents = await kvs.documents(source.name, {quiet: 1500});
    source.listed = await kvs.fragments(source.name);
    const {ProducerTimestamp: from} = source.listed[0], {ProducerTimestamp: to} = source.listed.at(-1);
    const selector = {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: {StartTimestamp: from, EndTimestamp: new Date(+to + 1)}};
    const urls = {
      HLS: await kvs.hlsUrl(source.name, {PlaybackMode: 'ON_DEMAND', DiscontinuityMode: 'ON_DISCONTINUITY', HLSFragmentSelector: selector}),
      DASH: (await kvs.archive.send(new GetDASHStreamingSessionURLCommand({StreamName: source.name, PlaybackMode: 'ON_DEMAND', DASHFragmentSelector: selector}))).DASHStreamingSessionURL,
    };
    source.results = await Promise.all(PLAYERS.map(([player, kind]) => browser.call('watch', {player, url: urls[kind]})));
  }));
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

for (const [title, source] of Object.entries(sources)) {
  describe(title, () => {
    PLAYERS.forEach(([player, kind], index) => test(`${kind} by ${player}`, (t) => {
      const result = source.results[index];
      t.diagnostic(JSON.stringify({...result, trace: undefined}));
      const stored = blocksOf(source.documents, AVC).length;
      const seconds = source.listed.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) / 1000;
      assert.deepEqual(result.errors, []);
      assert.ok(result.ended && Math.abs(result.currentTime - result.duration) < 0.1, JSON.stringify(result));
      assert.ok(Math.abs(result.duration - seconds) < 0.3, `${result.duration} s of ${seconds}`);
      assert.ok(result.frames >= stored * 0.99, `${result.frames} of ${stored} frames: ${JSON.stringify(result)}`);
      if (source.sizes) assert.deepEqual(result.sizes, source.sizes);
    }));
  });
}

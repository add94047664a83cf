// SPDX-License-Identifier: Apache-2.0
// lane: media
// The players people use, to the end of what other sources than our camera have recorded: Chromium, whose picture changes its
// size in the first seconds, and PutMedia with a gap, a change of size, and sound that comes and goes.
import assert from 'node:assert/strict';
import {GetDASHStreamingSessionURLCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {Browser} from './lib/browser.mjs';
import {Kvs} from './lib/kvs.mjs';
import {beep, flash} from './lib/marks.mjs';
import {blocksOf} from './lib/matroska.mjs';
import {scratch} from './lib/media_files.mjs';
import {measureAll, OUTPUTS, RENDERED, together} from './lib/outputs.mjs';
import {mustRun} from './lib/programs.mjs';
import {Producer} from './lib/put_media.mjs';
import {AVC} from './lib/recording.mjs';
import {credentials, region, Server} from './lib/server.mjs';
import {watchAll} from './lib/watched.mjs';

const PLAYERS = [['dash.js', 'DASH'], ['shaka', 'DASH'], ['hls.js', 'HLS'], ['shaka', 'HLS']];
const folder = scratch('player-sources');
let server, kvs, browser;

/** A film as a producer would send it that leaves all to ffmpeg: pictures are not in the order in which they are shown, and a cluster
 * begins with the sound before its key frame. */
async function film(size, seconds, {sound = true} = {}) {
  const {stdoutBytes} = await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${seconds},${flash}`,
    ...(sound ? ['-f', 'lavfi', '-i', `aevalsrc=${beep()}:s=48000:d=${seconds}`] : []), '-c:v', 'libx264', '-g', '50', '-keyint_min', '50', '-sc_threshold', '0',
    '-c:a', 'aac', '-cluster_time_limit', '3000', '-cluster_size_limit', '5000000', '-f', 'matroska', 'pipe:1']);
  return stdoutBytes;
}

async function upload(name, bytes, start) {
  const producer = await Producer.open(server, name, {type: 'RELATIVE', start: String(start)});
  for (let from = 0; from < bytes.length; from += 30_000) await producer.send(bytes.subarray(from, from + 30_000));
  await producer.end();
  assert.deepEqual(producer.of('ERROR'), []);
}

const sizeOf = (tracks) => tracks.find(({codec}) => codec === AVC).codecPrivate.toString('hex');

// What lies before the first picture in a producer's own documents: the unit that its encoder begins with, and what its muxer had to write before
// the key frame. DASH has it before the start of the Period, where players cut it off; ffmpeg does not.
const PRIMING = {lead: 1024 / 48000};
const MUXED = {lead: 0.14};
// Opus as it was recorded: whole packets of 20 ms, up to the last one that a browser sent before it left.
const PACKETS = {slack: 0.064};

/** When the 33 bits of MPEG-TS's clock last began anew (ISO/IEC 13818-1 2.4.3.7), which they do every 26.5 hours: seconds since 1970. */
const ROUND = 2 ** 33 / 90000;
const lastWrap = () => Math.floor((Date.now() / 1000 - 100) / ROUND) * ROUND;

const sources = {
  'PutMedia with a gap and a change of size': {name: 'studio', sizes: ['320x240', '480x360'], parts: {
    'the first film': {choose: (documents) => documents.slice(0, 3), marks: 5, allowed: {GetMedia: PRIMING, DASH: PRIMING}},
    'begun in its middle': {choose: (documents) => documents.slice(1, 3), marks: 3, allowed: {GetMedia: MUXED, DASH: MUXED}},
  }, async record() {
    await kvs.call('CreateStream', {StreamName: 'studio', DataRetentionInHours: 24});
    const start = Date.now() / 1000 - 100;
    await upload('studio', await film('320x240', 6), start);
    await upload('studio', await film('480x360', 6), start + 20);
  }},
  'PutMedia with sound that comes and goes': {name: 'booth', sizes: ['320x240'], async record() {
    await kvs.call('CreateStream', {StreamName: 'booth', DataRetentionInHours: 24});
    const start = Date.now() / 1000 - 100;
    await upload('booth', await film('320x240', 4, {sound: false}), start);
    await upload('booth', await film('320x240', 2), start + 4);
    await upload('booth', await film('320x240', 2, {sound: false}), start + 6);
    await upload('booth', await film('320x240', 4, {sound: false}), start + 8);
  }},
  'PutMedia while the clock of MPEG-TS begins anew': {name: 'midnight', sizes: ['320x240'], parts: {
    'the film': {choose: (documents) => documents, marks: 5, allowed: {GetMedia: PRIMING, DASH: PRIMING}},
  }, async record() {
    await kvs.call('CreateStream', {StreamName: 'midnight', DataRetentionInHours: 72});
    await upload('midnight', await film('320x240', 6), lastWrap() - 3);
  }},
  // After the last change of its size: ffmpeg reads one Period of DASH.
  Chromium: {name: 'browser', parts: {'its last size': {
    choose: (documents) => documents.filter(({tracks}) => sizeOf(tracks) === sizeOf(documents.at(-1).tracks)), allowed: {...RENDERED, 'export to .mkv': PACKETS}}}, async record() {
    await browser.call('publish', {config: {endpoint: server.url, region, credentials}, name: 'browser', seconds: 10, withAudio: true});
  }},
};

/** Every output of each part. */
async function measureParts({name, documents, parts = {}}) {
  const measured = {};
  for (const [part, {choose}] of Object.entries(parts)) {
    measured[part] = await measureAll({server, kvs, name, documents: choose(documents), folder: join(folder, name, part.replaceAll(' ', '-'))});
  }
  return measured;
}

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
    source.atLeast = blocksOf(source.documents, AVC).length * 0.99;
    source.rows = PLAYERS.map(([player, kind]) => ({player, url: urls[kind], atLeast: source.atLeast}));
  }));
  const all = Object.values(sources);
  const results = await watchAll(browser, all.flatMap(({rows}) => rows));
  for (const source of all) source.results = results.splice(0, source.rows.length);
  // Not while the players play: both would be short of time.
  for (const source of all) {
    source.measured = measureParts(source);
    source.measured.catch(() => {});  // the tests say so
  }
});
after(async () => {
  await browser?.stop();
  await server?.stop();
  rmSync(folder, {recursive: true});
});

for (const [title, source] of Object.entries(sources)) {
  describe(title, () => {
    PLAYERS.forEach(([player, kind], index) => test(`${kind} by ${player}`, (t) => {
      const result = source.results[index];
      t.diagnostic(JSON.stringify({...result, trace: undefined}));
      const seconds = source.listed.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) / 1000;
      assert.deepEqual(result.errors, []);
      assert.ok(result.ended && Math.abs(result.currentTime - result.duration) < 0.1, JSON.stringify(result));
      assert.ok(Math.abs(result.duration - seconds) < 0.3, `${result.duration} s of ${seconds}`);
      assert.ok(result.frames >= source.atLeast, `${result.frames} frames, at least ${source.atLeast} are due: ${JSON.stringify(result)}`);
      if (source.sizes) assert.deepEqual(result.sizes, source.sizes);
      assert.ok(result.soundBytes > 1000, 'sound is decoded');
    }));
    for (const part of Object.keys(source.parts ?? {})) {
      for (const kind of OUTPUTS) test(`${part} by ffmpeg: ${kind}`, async (t) => {
        const {expected, [kind]: found} = (await source.measured)[part];
        if (found.error) throw found.error;
        t.diagnostic(together(found, {...expected, marks: source.parts[part].marks, ...source.parts[part].allowed?.[kind]}));
      });
    }
  });
}

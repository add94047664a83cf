// SPDX-License-Identifier: Apache-2.0
// The console's arithmetic: the strip's scale, the disk's forecast, what a retention deletes, numbers as people read them.
import {build} from 'esbuild';
import assert from 'node:assert/strict';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {root} from './lib/server.mjs';

process.env.TZ = 'UTC';
let parts, folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'console-parts-'));
  const source = ['timeline/scale', 'pages/forecast', 'format', 'route', 'pages/snippets', 'pages/policies', 'pages/sessions', 'parts/plot'].map((name) => `export * from '${join(root, 'console/src', name)}';`).join('\n');
  writeFileSync(join(folder, 'parts.ts'), source);
  await build({entryPoints: [join(folder, 'parts.ts')], outfile: join(folder, 'parts.mjs'), bundle: true, format: 'esm', nodePaths: [join(root, 'console/node_modules')], logLevel: 'error',
    jsx: 'automatic', jsxImportSource: 'preact'});
  parts = await import(join(folder, 'parts.mjs'));
});
after(() => rmSync(folder, {recursive: true}));

const hour = 3600, day = 86400;
const stream = (overrides) => ({streamName: 's', streamArn: 'a', retentionHours: 24, fragments: 1, bytes: 0, ...overrides});

describe('the strip', () => {
  const view = {start: 1000, end: 2000};
  test('time and pixels are the same both ways', () => {
    assert.equal(parts.xOf(view, 500, 1500), 250);
    assert.equal(parts.timeAt(view, 500, 250), 1500);
  });
  test('zooming keeps the second under the pointer where it is', () => {
    const closer = parts.zoomed(view, 0.5, 1250);
    assert.deepEqual(closer, {start: 1125, end: 1625});
    assert.equal(parts.xOf(closer, 500, 1250), parts.xOf(view, 500, 1250));
  });
  test('zooming has its ends', () => {
    assert.equal(parts.spanOf(parts.zoomed(view, 1e-9, 1500)), parts.leastSpan);
    assert.equal(parts.spanOf(parts.zoomed(view, 1e9, 1500)), parts.mostSpan);
  });
  test('two fingers keep what is under them: apart, together, along, and past each other', () => {
    const under = (shown, xs) => xs.map((x) => Math.round(parts.timeAt(shown, 500, x) * 1000) / 1000);
    for (const now of [[50, 350], [140, 160], [200, 300], [0, 500]]) assert.deepEqual(under(parts.pinched(view, 500, [100, 200], now), now), [1200, 1400], String(now));
    assert.equal(parts.spanOf(parts.pinched(view, 500, [100, 200], [150, 150])), 12500, 'as if they were 8 pixels apart');
    assert.equal(parts.spanOf(parts.pinched(view, 500, [249, 251], [0, 500])), parts.leastSpan * 1.6, 'two fingers side by side count as 8 pixels');
  });
  test('marks stand at round times, days are named, none are too close', () => {
    const names = {time: (s) => `t${s}`, second: (s) => `s${s}`, day: (s) => `d${s}`};
    const wide = {start: 10 * day - 2 * hour, end: 10 * day + 2 * hour};
    const found = parts.marks(wide, 840, 0, names);
    assert.ok(found.length >= 5 && found.length <= 10, `${found.length} marks`);
    assert.ok(found.every(({time}) => time % 1800 === 0));
    assert.deepEqual(found.filter(({isMajor}) => isMajor).map(({text}) => text), [`d${10 * day}`]);
    const shifted = parts.marks(wide, 840, hour, names).find(({isMajor}) => isMajor);
    assert.equal(shifted.time, 10 * day - hour, 'midnight is local');
  });
  test('a pixel is as full as its time was recorded', () => {
    const of = (ranges) => [...parts.shares({start: 0, end: 100}, 10, ranges)].map((each) => Math.round(each * 100));
    assert.deepEqual(of([{start: 0, end: 100}]), Array(10).fill(100));
    assert.deepEqual(of([{start: 5, end: 12}, {start: 13, end: 14}, {start: 95, end: 900}]), [50, 30, 0, 0, 0, 0, 0, 0, 0, 50]);
    assert.deepEqual(of([{start: -50, end: 1}, {start: 2, end: 3}]), [20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
  test('a year shows dates alone', () => {
    const found = parts.marks({start: 0, end: 365 * day}, 1000, 0, {time: () => 'time', second: () => 'second', day: () => 'day'});
    assert.ok(found.length > 3 && found.length <= 13);
    assert.ok(found.every(({text}) => text === 'day'));
  });
});

describe('the disk', () => {
  const now = 100 * day;
  test('one stream that fills it before its retention helps', () => {
    const storage = {diskCapacity: 0, diskFree: 3600e6, streams: [stream({bitsPerSecond: 8e6, oldest: now, retentionHours: 24})]};
    assert.equal(parts.fullIn(storage, now), 3600);  // a megabyte a second
  });
  test('never, where retention is reached before', () => {
    const storage = {diskCapacity: 0, diskFree: 3600e6, streams: [stream({bitsPerSecond: 8e6, oldest: now - 23.5 * hour, retentionHours: 24})]};
    assert.equal(parts.fullIn(storage, now), undefined);
  });
  test('two streams, of which one stops growing on the way', () => {
    const storage = {diskCapacity: 0, diskFree: 10_000e6, streams: [
      stream({bitsPerSecond: 8e6, oldest: now - 23 * hour, retentionHours: 24}),  // grows for 3,600 s more
      stream({bitsPerSecond: 8e6, oldest: now, retentionHours: 240})]};
    assert.equal(parts.fullIn(storage, now), 3600 + 2800);  // 7,200 MB by two, the rest by one
  });
  test('what is not kept, and what does not record, takes nothing', () => {
    const storage = {diskCapacity: 0, diskFree: 1, streams: [stream({bitsPerSecond: 8e6, retentionHours: 0}), stream({})]};
    assert.equal(parts.fullIn(storage, now), undefined);
  });
  test('a shorter retention deletes what ends before, and the part before of what does not', () => {
    const ranges = [{start: 0, end: 100}, {start: 200, end: 300}, {start: 400, end: 500}];
    assert.equal(parts.secondsBefore(ranges, 250), 150);
    assert.equal(parts.secondsBefore(ranges, 50), 50);
    assert.equal(parts.secondsOf(ranges), 300);
  });
});

describe('plots', () => {
  test('from zero to the most; what goes below zero has zero where it belongs', () => {
    const above = parts.scaleOf([5, 10]);
    assert.deepEqual([above.zero, above.y(10), above.y(5)], [32, 4, 18]);
    const around = parts.scaleOf([-10, 10]);
    assert.deepEqual([around.y(-10), around.zero, around.y(10)], [32, 18, 4]);
    const none = parts.scaleOf([0, 0]);
    assert.deepEqual([none.zero, none.y(0)], [32, 32]);
  });
  test('what two readings say: per second, and times as they are', () => {
    const numbers = {videoPackets: 0, videoBytes: 1000, videoFrames: 10, videoLost: 1, videoRepaired: 0, nacks: 2, plis: 0, audioPackets: 0, audioBytes: 0, audioLost: 0};
    const later = {...numbers, videoBytes: 3000, audioBytes: 500, videoFrames: 60, videoLost: 3, audioLost: 2, nacks: 6, videoJitterMicroseconds: 2066, audioJitterMicroseconds: 375, skewMicroseconds: -45000};
    assert.deepEqual(parts.difference(numbers, later, 2), {rate: 10000, lost: 2, nacks: 2, frames: 25, videoJitter: 2.066, audioJitter: 0.375, skew: -45});
    assert.deepEqual(parts.difference(numbers, numbers, 2), {rate: 0, lost: 0, nacks: 0, frames: 0});
  });
});

describe('ready policies', () => {
  test('are IAM\'s JSON; a camera\'s is about its own name alone', () => {
    for (const {id, document} of parts.policyChoices) {
      const {Version, Statement} = JSON.parse(document('gate'));
      assert.equal(Version, '2012-10-17', id);
      assert.ok(Statement.every(({Effect}) => Effect === 'Allow'), id);
    }
    const resources = (name) => JSON.parse(parts.policyChoices[0].document(name)).Statement.map(({Resource}) => Resource);
    assert.deepEqual(resources('gate'), ['arn:aws:kinesisvideo:*:*:channel/gate/*', 'arn:aws:kinesisvideo:*:*:stream/gate/*']);
    assert.deepEqual(resources(''), ['arn:aws:kinesisvideo:*:*:channel/*/*', 'arn:aws:kinesisvideo:*:*:stream/*/*']);
  });
});

describe('words', () => {
  test('sizes, rates and spans', () => {
    assert.equal(parts.bytes(999), '999 B');
    assert.equal(parts.bytes(16_600_000), '16.6 MB');
    assert.equal(parts.bitRate(1_843_200), '1.8 Mbit/s');
    assert.equal(parts.span(90), '1 min 30 s');
    assert.equal(parts.span(86400 * 3 + 3600 * 4 + 59), '3 d 4 h');
    assert.equal(parts.span(3600), '1 h');
    assert.equal(parts.span(0.2), '0 s');
  });
  test('a local time survives its input field', () => {
    assert.equal(parts.fromLocalInput(parts.toLocalInput(1_795_421_462)), 1_795_421_462);
  });
  test('addresses: any name, and what comes behind it', () => {
    for (const name of ['front-door', 'a b/c', '100 %', 'ü']) assert.equal(parts.parseRoute(parts.linkTo('cameras', name)).name, name);
    const {page, name, query} = parts.parseRoute('#/sessions?channel=x');
    assert.deepEqual([page, name, query.get('channel')], ['sessions', '', 'x']);
    assert.equal(parts.parseRoute('#/cameras/100%').name, '100%');
    assert.equal(parts.parseRoute('').page, 'cameras');
  });
  test('no line for a client holds a secret; HTTPS lines hold the authority', () => {
    const place = {url: 'https://kvs.example:8443', httpsUrl: 'https://kvs.example:8443', region: 'us-west-2', accessKeyId: 'AKIDX', hasOwnCa: true};
    for (const {name, text} of parts.makeSnippets(place)) {
      assert.ok(text.includes('kvs.example:8443'), name);
      assert.ok(/YOUR_SECRET_KEY/.test(text), name);
      assert.ok(/tidegate-ca|NODE_EXTRA_CA_CERTS/.test(text), name);
    }
  });
});

// SPDX-License-Identifier: Apache-2.0
// lane: media
// Low-latency HLS: what its playlists say, how old the picture is in Chromium, and a camera that pauses.
import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Browser} from './lib/browser.mjs';
import {Camera} from './lib/camera.mjs';
import {applyDelta, checkPlaylist, checkReload, readPlaylist} from './lib/hls_rules.mjs';
import {Kvs} from './lib/kvs.mjs';
import {Server} from './lib/server.mjs';

const RATE = 25;
let server, kvs, browser;

const camera = (name, seconds) => Camera.start(server.url, ['--channel', name, '--stream', name, '--create', '--ca', server.ca, '--duration', String(seconds),
  '--width', '640', '--height', '360', '--picture-rate', String(RATE), '--bitrate-kbps', '500']);
const session = async (name, input = {}) => `${await kvs.hlsUrl(name, {DiscontinuityMode: 'ON_DISCONTINUITY', ...input})}&LowLatency=true`;
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const get = async (url, headers) => {
  const answer = await fetch(url, {headers});
  return {status: answer.status, text: await answer.text()};
};
/** The playlists of the master: [video, audio], absolute. */
async function playlistsOf(url) {
  const {text} = await get(url);
  const [, audio] = text.match(/URI="([^"]+)"/) ?? [];
  const video = text.split('\n').find((line) => line && !line.startsWith('#'));
  return [video, audio].filter(Boolean).map((relative) => new URL(relative, url).href);
}

/** Follows a playlist by blocking reloads, so long and for at least so many; what came, with when, and the faults found on the way. */
async function follow(url, milliseconds, {skip = false, reloads = 0} = {}) {
  const seen = [], faults = [];
  let list = readPlaylist((await get(url)).text);
  seen.push({list, at: Date.now()});
  for (const end = Date.now() + milliseconds; Date.now() < end || (seen.length <= reloads && Date.now() < end + 15000);) {
    const isOpen = list.parts.length > 0;
    const want = new URL(url);
    want.searchParams.set('_HLS_msn', list.lastMsn + 1);
    if (isOpen || list.segments.at(-1).parts.length) want.searchParams.set('_HLS_part', list.parts.length);
    if (skip) want.searchParams.set('_HLS_skip', 'YES');
    const {status, text} = await get(want.href);
    if (status !== 200) { faults.push(`${status} ${text}`); break; }
    const raw = readPlaylist(text);
    const next = applyDelta(list, raw);
    faults.push(...checkPlaylist(raw), ...checkReload(list, next));
    const isThere = next.lastMsn > list.lastMsn || next.parts.length > list.parts.length;
    if (!isThere) faults.push(`answered without ${want.search.replace(/SessionToken=[^&]*/, '')}`);
    list = next;
    seen.push({list, raw, at: Date.now()});
  }
  return {seen, faults};
}

/** A camera stops and comes back while two players, one of each kind, watch a live session. */
async function pause() {
  await camera('yard', 6).report();
  const url = await session('yard', {MaxMediaPlaylistFragmentResults: 10});
  const urls = await playlistsOf(url);
  const players = [url, await kvs.hlsUrl('yard')].map((address) => browser.call('watchClock', {url: address, seconds: 20, deadline: 35}));
  const early = readPlaylist((await get(urls[0])).text);
  const began = Date.now();
  const {status} = await get(`${urls[0]}&_HLS_msn=${early.lastMsn + 1}&_HLS_part=0`);
  const waited = Date.now() - began;
  const again = camera('yard', 40);
  await kvs.untilFragments('yard', (all) => all.length >= early.lastMsn + 4, 30000);
  const late = readPlaylist((await get(urls[0])).text);
  const results = await Promise.all(players);
  await again.stop();
  return {early, late, status, waited, results};
}

let gate, paused;
before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  browser = await Browser.start();
  paused = pause();
  paused.catch(() => {});  // told where it is awaited
  gate = camera('gate', 120);
  await kvs.untilFragments('gate', (all) => all.length >= 3, 30000);
});
after(async () => {
  await paused?.catch(() => {});
  await gate?.stop();
  await browser?.stop();
  await server?.stop();
});

describe('a camera that goes on', () => {
  test('the playlists keep to the rules from reload to reload, video and sound', async (t) => {
    const urls = await playlistsOf(await session('gate'));
    const results = await Promise.all(urls.map((url) => follow(url, 5000, {reloads: 16})));
    for (const {seen, faults} of results) {
      const began = seen[0].at;
      t.diagnostic(seen.map(({list, at}) => `${at - began}:${list.lastMsn}+${list.parts.length}`).join(' '));
      assert.deepEqual(faults, []);
      // A busy machine makes parts late, and then several come at once; most come one by one.
      const single = seen.filter(({list}, at) => at > 0 && list.lastMsn === seen[at - 1].list.lastMsn && list.parts.length === seen[at - 1].list.parts.length + 1);
      assert.ok(seen.length > 15 && single.length > seen.length / 2, `${seen.length} reloads, ${single.length} of them answered with the next part alone`);
      assert.ok(seen.every(({list}) => list.segments.length <= 5 && list.version === 9));
      assert.ok(seen.some(({list}) => list.hint));
      for (const {list} of seen.slice(1)) {
        const [report] = list.reports;
        assert.ok(report && Math.abs(report['LAST-MSN'] - list.lastMsn) <= 1, JSON.stringify(list.reports));
      }
    }
    // They report each other.
    const addresses = results.map(({seen}) => new URL(seen[0].list.reports[0].URI, urls[0]).href);
    assert.deepEqual(addresses, urls.toReversed());
  });

  test('a hinted part is answered when it is there; one that will not be is not found', async () => {
    const [url] = await playlistsOf(await session('gate'));
    let list;
    do list = readPlaylist((await get(url)).text); while (!list.hint || list.parts.length === 0);
    const hint = new URL(list.hint, url).href;
    const [early, whole] = await Promise.all([fetch(hint), fetch(new URL(list.parts[0].uri, url))]);
    assert.deepEqual([early.status, whole.status], [200, 200]);
    assert.equal(early.headers.get('content-type'), 'video/mp4');
    const bytes = Buffer.from(await early.arrayBuffer());
    assert.equal(bytes.toString('latin1', 4, 8), 'styp');
    const again = Buffer.from(await (await fetch(hint)).arrayBuffer());
    assert.ok(bytes.equals(again));
    const late = hint.replace(/Part=\d+/, 'Part=400');
    assert.equal((await get(late)).status, 404);
    assert.equal((await get(hint.replace(/FragmentNumber=\d+/, `FragmentNumber=${'9'.repeat(47)}`))).status, 400);
    // Once it is stored it is still the same.
    await kvs.untilFragments('gate', (all) => all.some((each) => hint.includes(each.FragmentNumber)), 30000);
    assert.ok(bytes.equals(Buffer.from(await (await fetch(hint)).arrayBuffer())));
  });

  test('reloads that ask for too much are refused', async () => {
    const [url] = await playlistsOf(await session('gate'));
    const {lastMsn} = readPlaylist((await get(url)).text);
    for (const query of [`_HLS_msn=${lastMsn + 4}`, '_HLS_part=1', '_HLS_msn=nonsense', `_HLS_msn=${lastMsn + 1}&_HLS_part=60`]) {
      const {status, text} = await get(`${url}&${query}`);
      assert.equal(status, 400, `${query}: ${text}`);
    }
  });

  test('without the parameter it is an ordinary playlist, which keeps to the rules', async () => {
    const plain = await kvs.hlsUrl('gate', {DiscontinuityMode: 'ON_DISCONTINUITY'});
    const urls = await playlistsOf(plain);
    for (const url of urls) {
      assert.doesNotMatch(url, /LowLatency/);
      const {text} = await get(`${url}&_HLS_msn=900`);
      assert.doesNotMatch(text, /EXT-X-(PART|SERVER-CONTROL|PRELOAD|SKIP|GAP|RENDITION|PROGRAM)/);
      assert.match(text, /#EXT-X-VERSION:7\n/);
    }
    let before;
    for (const end = Date.now() + 3000; Date.now() < end; await sleep(300)) {
      const list = readPlaylist((await get(urls[0])).text);
      assert.deepEqual([...checkPlaylist(list), ...(before ? checkReload(before, list) : [])], []);
      before = list;
    }
  });
});

test('a live session goes on when the camera pauses', async (t) => {
  const {early, late, status, waited, results} = await paused;
  assert.deepEqual([status, Math.round(waited / 1000)], [503, 3 * early.target], 'nothing has come for three target durations');
  assert.deepEqual([...checkPlaylist(late), ...checkReload(early, late)], []);
  assert.equal(late.segments.find((segment) => segment.msn === early.lastMsn + 1).era, early.segments.at(-1).era + 1, 'a discontinuity where it was away');
  // An ordinary player stays three target durations behind (RFC 8216 6.3.3), and was a segment further when it stopped.
  const bounds = [9000, (3 * early.target + early.target + 2) * 1000];
  for (const [i, result] of results.entries()) {
    t.diagnostic(JSON.stringify({...result, ages: undefined}, null, 1));
    assert.deepEqual(result.errors.filter((error) => error.fatal), []);
    // It stood still, and then moved again: the last pictures are seconds old, not as old as the pause.
    assert.ok(Math.max(...result.ages) > 6000, `it stood still: ${Math.max(...result.ages)} ms`);
    assert.ok(median(result.ages.slice(-20)) < bounds[i] && result.moved > 80, `${median(result.ages.slice(-20))} ms at the end`);
  }
  const [low, plain] = results;
  assert.ok(low.fetched['part of main'] > 10 && !plain.fetched['part of main'], JSON.stringify([low.fetched, plain.fetched]));
});

test('delta updates stand for the same playlists', async () => {
  await kvs.untilFragments('gate', (all) => all.length >= 12, 30000);
  const [url] = await playlistsOf(await session('gate', {MaxMediaPlaylistFragmentResults: 100, DiscontinuityMode: 'ALWAYS'}));
  const {seen, faults} = await follow(url, 3000, {skip: true});
  assert.deepEqual(faults, []);
  assert.ok(seen.slice(1).every(({raw}) => raw.skipped > 0), 'each reload skips');
  const last = seen.at(-1).list;
  const full = readPlaylist((await get(url)).text);
  assert.deepEqual(full.segments.map(({uri, msn, era, duration, map}) => [uri, msn, era, duration, map]).slice(0, last.segments.length),
    last.segments.map(({uri, msn, era, duration, map}) => [uri, msn, era, duration, map]));
});

// Last, so that nothing else is being played. hls.js catches up with the live end only when it is told how fast.
test('glass to glass in Chromium with hls.js: under 1.5 s at the median', async (t) => {
  const result = await browser.call('watchClock', {url: await session('gate'), seconds: 10, config: {maxLiveSyncPlaybackRate: 1.5}});
  const age = median(result.ages);
  t.diagnostic(JSON.stringify({...result, ages: undefined}, null, 1));
  t.diagnostic(`glass to glass: median ${age} ms of ${result.ages.length} pictures, from ${Math.min(...result.ages)} to ${Math.max(...result.ages)} ms`);
  assert.deepEqual(result.errors.filter((error) => error.fatal), []);
  assert.ok(result.fetched['part of main'] > 10 && result.fetched['part of audio'] > 10, JSON.stringify(result.fetched));
  assert.ok(result.ages.length > 60 && result.moved > 50, `${result.ages.length} read, ${result.moved} different`);
  assert.ok(age < 1500, `${age} ms`);
});

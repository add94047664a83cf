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

before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

describe('a camera that goes on', () => {
  let live;
  before(async () => {
    live = camera('gate', 60);
    await kvs.untilFragments('gate', (all) => all.length >= 3, 30000);
  });
  after(async () => { await live?.stop(); });

  /** Follows a playlist by blocking reloads; what came, with when, and the faults found on the way. */
  async function follow(url, milliseconds, {skip = false} = {}) {
    const seen = [], faults = [];
    let list = readPlaylist((await get(url)).text);
    seen.push({list, at: Date.now()});
    for (const end = Date.now() + milliseconds; Date.now() < end;) {
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

  test('the playlists keep to the rules from reload to reload', async (t) => {
    const urls = await playlistsOf(await session('gate', {DisplayFragmentTimestamp: 'ALWAYS'}));
    const results = await Promise.all(urls.map((url) => follow(url, 7000)));
    for (const {seen, faults} of results) {
      const began = seen[0].at;
      t.diagnostic(seen.map(({list, at}) => `${at - began}:${list.lastMsn}+${list.parts.length}`).join(' '));
      assert.deepEqual(faults, []);
      assert.ok(seen.length > 20, `${seen.length} reloads in 7 s`);
      assert.ok(seen.every(({list}) => list.segments.length <= 5 && list.version === 9));
    }
  });

  test('glass to glass in Chromium with hls.js: under 1.5 s at the median', async (t) => {
    const result = await browser.call('watchClock', {url: await session('gate'), seconds: 10});
    t.diagnostic(JSON.stringify({...result, ages: undefined}, null, 1));
    assert.deepEqual(result.errors.filter((error) => error.fatal), []);
    const age = median(result.ages);
    t.diagnostic(`glass to glass: median ${age} ms of ${result.ages.length} pictures, from ${Math.min(...result.ages)} to ${Math.max(...result.ages)} ms`);
    assert.ok(result.fetched['part of main'] > 10, JSON.stringify(result.fetched));
    assert.ok(result.ages.length > 80 && result.moved > 70, `${result.ages.length} read, ${result.moved} different`);
    assert.ok(age < 1500, `${age} ms`);
  });
});

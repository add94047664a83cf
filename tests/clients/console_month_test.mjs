// SPDX-License-Identifier: Apache-2.0
// lane: media
// The console over a month of recordings with thousands of gaps (tests/console/recorded_month.cpp).
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {Camera} from './lib/camera.mjs';
import {ConsoleBrowser} from './lib/console_page.mjs';
import {Kvs} from './lib/kvs.mjs';
import {scratch} from './lib/media_files.mjs';
import {readSigned} from './lib/own_api.mjs';
import {mustRun} from './lib/programs.mjs';
import {root, Server} from './lib/server.mjs';

const DAYS = 30, hour = 3600;
let server, kvs, browser, page, dataDir, seed, month;

before(async () => {
  dataDir = scratch('month');
  server = await Server.start({dataDir});
  kvs = new Kvs(server.url);
  browser = await ConsoleBrowser.start();
  await kvs.call('CreateStream', {StreamName: 'month', DataRetentionInHours: 31 * 24});
  await Camera.start(server.url, ['--channel', 'seed', '--stream', 'seed', '--create', '--ca', server.ca, '--duration', '31', '--width', '320', '--height', '180',
    '--picture-rate', '10', '--bitrate-kbps', '50', '--no-audio']).report();
  seed = await kvs.untilFragments('seed', (all) => all.length >= 14);
  await server.stop();
  const {stdout} = await mustRun(join(root, 'build/release/recorded_month'), [dataDir, 'seed', 'month', String(DAYS)], {timeout: 120000});
  month = JSON.parse(stdout);
  server = await Server.start({dataDir});
  kvs = new Kvs(server.url);
  page = await browser.open(server);
  await page.signIn();
  await page.page.waitForSelector('.tile:has-text("month")');
  await page.go('/cameras/month', 'canvas');
});
after(async () => {
  await page?.close();
  await browser?.stop();
  await server?.stop();
  rmSync(dataDir, {recursive: true, force: true});
});

const canvas = () => page.page.evaluate(() => ({...document.querySelector('.timeline canvas').dataset}));

describe('a month', () => {
  test('is there, gap by gap', async () => {
    const ranges = [], gaps = [];
    for (let token; ;) {
      const {body} = await readSigned(server, `/api/v1/streams/month/coverage${token ? `?nextToken=${encodeURIComponent(token)}` : ''}`);
      ranges.push(...body.ranges);
      gaps.push(...body.gaps);
      token = body.nextToken;
      if (!token) break;
    }
    const hours = DAYS * 24 - 2;
    const losses = Math.floor((seed.length - 1) / 7);
    assert.equal(gaps.filter(({reason}) => reason === 'packets_lost').length, hours * losses);
    assert.equal(ranges.length, hours * (losses + 1));
    console.log(`${month.fragments} fragments, ${gaps.length} gaps`);
  });
  const jump = async (second) => {
    const local = new Date(second * 1000 - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 19);
    await page.page.fill('label:has-text("Jump to") input', local);
    await page.page.dispatchEvent('label:has-text("Jump to") input', 'change');
  };
  test('the strip shows thirty days and says why something is missing', async () => {
    await page.page.click('text="30 d"');
    const {start, end} = await canvas();
    assert.ok(Math.abs(end - start - 30 * 86400) < 1);
    await page.until(() => /Gaps\d{3,}/.test(document.querySelector('.facts').textContent), undefined, 20000);
    const began = performance.now();
    await page.page.mouse.move(700, 700);
    await page.page.locator('.timeline canvas').hover({position: {x: 600, y: 40}});
    await page.until(() => document.querySelector('.preview')?.textContent.length > 10);
    console.log(`a month answers the pointer in ${Math.round(performance.now() - began)} ms`);
    await page.screenshot('month');
    assert.deepEqual(await page.axeFaults(), []);
  });
  test('the first picture is the first of the month, and plays', async () => {
    await page.page.click('text="First picture"');
    const said = await page.until(() => document.querySelector('.via').textContent === 'Recording' && document.querySelector('video').readyState >= 2
      && Number(document.querySelector('output.time').dataset.time), undefined, 20000);
    assert.ok(Math.abs(said - month.first / 1e6) < 5, `${said}, not ${month.first / 1e6}`);
  });
  test('a second twelve days ago is what was recorded then', async () => {
    await page.page.click('text="1 min"');
    const at = month.first / 1e6 + 18 * 24 * hour + 10;
    await jump(at);
    // The time says at once where it goes; until it is there, the picture is that of before.
    await page.until((wanted) => document.querySelector('.screen').ariaBusy === 'false' && Math.abs(Number(document.querySelector('output.time').dataset.time) - wanted) < 4
      && document.querySelector('video').readyState >= 2 && globalThis.burntInClock.readClock(document.querySelector('video')) !== undefined, Math.floor(at), 20000);
    await page.page.evaluate(() => document.querySelector('video').pause());
    const [picture, said] = await page.until(() => {
      const clock = globalThis.burntInClock.readClock(document.querySelector('video'));
      return document.querySelector('video').seeking || clock === undefined ? null : [clock, Number(document.querySelector('output.time').dataset.time)];
    }, undefined, 20000);
    // The pictures are copies: the clock is that of the seed, as far behind its beginning as we are behind the hour.
    const behind = (said - (month.first / 1e6 + 18 * 24 * hour)) * 1000;
    const expected = (+seed[0].ProducerTimestamp + behind) % 86_400_000;
    assert.ok(Math.abs(picture - expected) < 1500, `the clock says ${picture}, ${expected} is expected`);
  });
  test('in a gap it goes on with what was recorded next', async () => {
    const at = month.first / 1e6 + 5 * 24 * hour + 1800;
    await jump(at);
    const next = month.first / 1e6 + 5 * 24 * hour + hour;
    await page.until((wanted) => Math.abs(Number(document.querySelector('output.time').dataset.time) - wanted) < 10 && document.querySelector('video').readyState >= 2, next, 20000);
  });
  test('what is watched goes on by itself when a server that was killed is back, where it was or where one goes meanwhile', async () => {
    const plays = (second, within) => page.until(([from, most]) => {
      const video = document.querySelector('video'), shown = Number(document.querySelector('output.time').dataset.time);
      return document.querySelector('.via').textContent === 'Recording' && !document.querySelector('.screen-note') && !video.paused && video.readyState >= 3
        && shown >= from && shown < from + most && globalThis.burntInClock.readClock(video) !== undefined && shown;
    }, [second, within], 30000);
    const saysSo = () => page.until(() => /Playback stopped.*Trying again/.test(document.querySelector('.screen-note')?.textContent ?? ''), undefined, 30000);
    await server.kill();
    const elsewhere = Math.floor(month.first / 1e6 + 20 * 24 * hour + 3);
    await jump(elsewhere);
    await saysSo();
    await server.startAgain();
    await plays(elsewhere - 0.5, 8);
    // 31 s are recorded there, and 20 s are loaded ahead: at its beginning there is something left to ask for.
    const beginning = month.first / 1e6 + 21 * 24 * hour + 0.5;
    await jump(beginning);
    const before = await plays(beginning - 1, 4);
    await server.kill();
    await saysSo();
    await server.startAgain();
    await plays(before + 0.5, 30);
  });
});

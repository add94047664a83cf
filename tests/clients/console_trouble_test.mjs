// SPDX-License-Identifier: Apache-2.0
// lane: media
// The console when the server goes away and comes back, with five hundred cameras, and as the demo shows it.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from './lib/camera.mjs';
import {ConsoleBrowser} from './lib/console_page.mjs';
import {Kvs} from './lib/kvs.mjs';
import {binary, root, Server} from './lib/server.mjs';

const day = 86_400_000;
const apart = (a, b) => Math.abs(((a - b) % day + day * 1.5) % day - day / 2);
const readClock = () => document.querySelector('video') && globalThis.burntInClock?.readClock(document.querySelector('video'));
let browser;
before(async () => { browser = await ConsoleBrowser.start(); });
after(() => browser?.stop());

describe('a server that is killed and started again while somebody looks', () => {
  let server, kvs, camera, page;
  const startCamera = () => Camera.start(server.url, ['--channel', 'gate', '--stream', 'gate', '--create', '--ca', server.ca, '--duration', '300',
    '--width', '640', '--height', '360', '--picture-rate', '25', '--bitrate-kbps', '500']);
  before(async () => {
    server = await Server.start();
    kvs = new Kvs(server.url);
    camera = startCamera();
    await kvs.untilFragments('gate', (all) => all.length >= 3);
    page = await browser.open(server);
    await page.signIn();
    await page.page.waitForSelector('.tile');
    await page.go('/cameras/gate', 'video');
    await page.until(readClock);
  });
  after(async () => {
    await page?.close();
    await camera?.stop();
    await server?.stop();
  });

  test('the live view and the strip come back by themselves', async () => {
    await server.kill();
    await camera.stop();
    await page.page.waitForSelector('[role=alert]');  // the page says that it asks in vain
    await server.startAgain();
    camera = startCamera();
    const clock = await page.until(() => {
      const now = globalThis.burntInClock.readClock(document.querySelector('video'));
      const ofDay = Date.now() % 86_400_000;
      return now !== undefined && Math.abs(now - ofDay) < 4000 && document.querySelector('.screen-note') === null ? now : false;
    }, undefined, 60000);
    assert.ok(apart(clock, Date.now()) < 5000);
    await page.page.waitForSelector('[role=alert]', {state: 'detached'});
    await page.until(() => document.querySelector('.facts').textContent.includes('List of gaps'), undefined, 20000);
  });
});

describe('five hundred cameras', () => {
  let server, page;
  before(async () => {
    server = await Server.start();
    const kvs = new Kvs(server.url);
    for (let first = 0; first < 500; first += 25) {
      await Promise.all(Array.from({length: 25}, (_, i) => kvs.recordedChannel(`camera-${String(first + i).padStart(3, '0')}`)));
    }
    page = await browser.open(server);
    await page.signIn();
    await page.page.waitForSelector('.tile');
  });
  after(async () => {
    await page?.close();
    await server?.stop();
  });

  test('only what can be seen is there, wherever one scrolls to', async () => {
    await page.until(() => document.querySelector('main [role=status]').textContent.startsWith('500 cameras'));
    const names = () => page.page.$$eval('.tile strong', (all) => all.map((each) => each.textContent));
    const atTop = await names();
    assert.equal(atTop[0], 'camera-000');
    assert.ok(atTop.length <= 40, `${atTop.length} tiles`);
    await page.page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await page.until(() => [...document.querySelectorAll('.tile strong')].at(-1)?.textContent === 'camera-499');
    assert.ok((await names()).length <= 40);
    await page.page.fill('input[type=search]', '25');
    await page.until(() => document.querySelector('.tile strong')?.textContent === 'camera-025');
  });
  test('and cost the server under 5 % of a core', async () => {
    await page.page.fill('input[type=search]', '');
    const before = server.cpuSeconds(), began = performance.now();
    await sleep(8000);
    const share = (server.cpuSeconds() - before) / ((performance.now() - began) / 1000);
    console.log(`the wall of 500 costs ${(share * 100).toFixed(1)} % of a core`);
    assert.ok(share < 0.05, `${(share * 100).toFixed(1)} %`);
  });
});

describe('./dev demo', () => {
  test('says the console\'s address first; there the camera is live and its recording grows', async () => {
    const demo = spawn('python3', [join(root, 'tools/demo.py'), '--tidegate', binary], {stdio: ['ignore', 'pipe', 'inherit']});
    const ended = new Promise((resolve) => demo.on('exit', resolve));
    process.on('exit', () => demo.kill('SIGTERM'));
    try {
      let said = '';
      demo.stdout.on('data', (text) => { said += text; });
      for (const end = Date.now() + 40000; !said.includes('Ctrl-C'); await sleep(50)) assert.ok(Date.now() < end, said);
      const [line] = said.trim().split('\n');
      const url = new URL(line.match(/^Console +(\S+)$/)[1]);
      const key = {accessKeyId: said.match(/access key +(\S+)/)[1], secretAccessKey: said.match(/secret key +(\S+)/)[1]};
      const page = await browser.open(undefined, {origin: url.origin});
      await page.signIn(key);
      await page.page.click('.tile:has-text("demo")');
      const clock = await page.until(readClock);
      assert.ok(apart(clock, Date.now()) < 3000);
      const until = () => page.page.$$eval('.facts dd', (all) => all.map((each) => each.textContent)[2]);
      await page.page.waitForSelector('.facts dd');
      const first = await until();
      await page.until((old) => document.querySelectorAll('.facts dd')[2].textContent !== old, first, 12000);
      await page.close();
    } finally {
      demo.kill('SIGTERM');
      await ended;
    }
  });
});

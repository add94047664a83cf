// SPDX-License-Identifier: Apache-2.0
// The console's wall over many cameras that record: how smoothly it scrolls, and what it costs the server.
//
// The frames are counted in the page: a frame that comes later than one and a half times its due is late. The server's share of a
// core is taken with nobody looking, with the wall open, and while it scrolls; what the wall costs is the difference to the first.
// Chromium draws in software here and shares the processors with the server and the cameras.
import {readFileSync} from 'node:fs';
import {parseArgs} from 'node:util';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from '../../tests/clients/lib/camera.mjs';
import {ConsoleBrowser} from '../../tests/clients/lib/console_page.mjs';
import {readSigned} from '../../tests/clients/lib/own_api.mjs';
import {Server} from '../../tests/clients/lib/server.mjs';

const {values} = parseArgs({options: {cameras: {type: 'string', default: '500'}, seconds: {type: 'string', default: '10'}}});
const cameras = Number(values.cameras), seconds = Number(values.seconds);
const server = await Server.start();
const browser = await ConsoleBrowser.start();
const crowd = Camera.start(server.url, ['--channel', 'cam', '--stream', 'cam', '--create', '--count', String(cameras), '--ca', server.ca, '--duration', '1000', '--width', '160',
  '--height', '90', '--picture-rate', '10', '--bitrate-kbps', '50', '--no-audio', '--quiet']);

/** The server's share of a core over some seconds, and the machine's idle share meanwhile. */
async function measure(during = () => sleep(seconds * 1000)) {
  const idle = () => {
    const [, ...ticks] = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0].trim().split(/\s+/).map(Number);
    return {idle: ticks[3] + ticks[4], all: ticks.reduce((a, b) => a + b, 0)};
  };
  const cpu = server.cpuSeconds(), at = performance.now(), before = idle();
  const result = await during();
  const after = idle();
  return {result, server: (server.cpuSeconds() - cpu) / ((performance.now() - at) / 1000), idle: (after.idle - before.idle) / (after.all - before.all)};
}

/** Scrolls down and up again, a screen a second, and says when each frame came. */
const scroll = (length) => new Promise((resolve) => {
  const times = [], most = document.body.scrollHeight - innerHeight, began = performance.now();
  const frame = (now) => {
    times.push(now);
    const passed = (now - began) / 1000;
    const way = passed * innerHeight % (2 * most);
    scrollTo(0, way < most ? way : 2 * most - way);
    if (passed < length) requestAnimationFrame(frame);
    else resolve({times, tiles: document.querySelectorAll('.tile').length, pictures: document.querySelectorAll('.tile img').length});
  };
  requestAnimationFrame(frame);
});

const percent = (share) => `${(share * 100).toFixed(1)} %`;
try {
  const recording = async () => (await readSigned(server, '/api/v1/cameras')).body.cameras.filter(({state}) => state === 'recording').length;
  let ready = 0;
  for (const end = Date.now() + 60000; ready < cameras && Date.now() < end; ready = await recording()) await sleep(1000);
  console.log(`${ready} of ${cameras} cameras are being recorded`);
  await sleep(3000);
  const alone = await measure();
  console.log(`nobody looks: server ${percent(alone.server)} of a core; machine idle ${percent(alone.idle)}`);
  const page = await browser.open(server);
  await page.signIn();
  await page.page.waitForSelector('.tile img');
  await page.until((count) => document.querySelector('main [role=status]').textContent.startsWith(`${count} cameras`), cameras);
  const open = await measure();
  console.log(`the wall is open: server ${percent(open.server)}, of which ${percent(open.server - alone.server)} for the wall; machine idle ${percent(open.idle)}`);
  const {result, server: share, idle} = await measure(() => page.page.evaluate(scroll, seconds));
  const took = result.times.slice(1).map((time, i) => time - result.times[i]).sort((a, b) => a - b);
  const at = (part) => took[Math.min(took.length - 1, Math.floor(took.length * part))].toFixed(1);
  const late = took.filter((each) => each > 1.5 * 1000 / 60).length;
  console.log(`scrolling: ${(took.length / seconds).toFixed(1)} frames a second; a frame took ${at(0.5)} ms (median), ${at(0.95)} (19 of 20), ${at(1)} (the longest); ${late} of ${took.length} late`);
  console.log(`scrolling: server ${percent(share)}, of which ${percent(share - alone.server)} for the wall; machine idle ${percent(idle)}; ${result.tiles} tiles at the end, ${result.pictures} with a picture`);
  console.log(`${await recording()} of ${cameras} are still being recorded`);
  await page.close();
} finally {
  await crowd.stop();
  await browser.stop();
  await server.stop();
}

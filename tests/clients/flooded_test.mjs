// SPDX-License-Identifier: Apache-2.0
// lane: media
// A server that cannot read all that comes refuses new sessions. When its sessions are gone there is nothing that could be too much.
import assert from 'node:assert/strict';
import {createSocket} from 'node:dgram';
import {setTimeout as sleep} from 'node:timers/promises';
import {after, before, test} from 'node:test';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {Server} from './lib/server.mjs';

const SWEPT_EVERY = 10;  // seconds: sessions that have ended are forgotten by then
const FLOOD = 330e6, DATAGRAM = 60000;  // bytes; more than twice the receive buffer, of which the kernel may take twice what it is asked for
let server, kvs, flooded;
const cameras = [];
before(async () => {
  server = await Server.start({args: ['--shards', '1']});
  kvs = new Kvs(server.url);
});
after(async () => {
  flooded = false;
  await Promise.all(cameras.map((each) => each.stop()));
  await server?.stop();
});

const camera = (channel, seconds) => {
  cameras.push(Camera.start(server.url, ['--channel', channel, '--ca', server.ca, '--duration', String(seconds), '--width', '320', '--height', '180', '--picture-rate', '15']));
  return cameras.at(-1);
};

/** Again and again more comes while it stands still than its buffers hold. */
async function flood() {
  const socket = createSocket('udp4'), datagram = Buffer.alloc(DATAGRAM);
  for (flooded = true; flooded; await sleep(300)) {
    server.process.kill('SIGSTOP');
    for (let sent = 0; sent < FLOOD / DATAGRAM; sent++) {
      const done = new Promise((resolve) => socket.send(datagram, server.mediaPort, '127.0.0.1', resolve));
      if (sent % 100 === 0) await done;
    }
    server.process.kill('SIGCONT');
  }
  socket.close();
}

async function until(what, holds, seconds = 20) {
  for (const end = Date.now() + seconds * 1000; !(await holds()); await sleep(50)) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s\n${server.output}`);
  }
}

test('who comes when the sessions of a server that had too much to do are gone is let in', async () => {
  for (const name of ['early', 'late']) await kvs.recordedChannel(name);
  const early = camera('early', 60);
  await kvs.untilFragments('early', (all) => all.length >= 1);
  assert.equal((await server.metrics()).tidegate_shards_refusing, 0);

  const flooding = flood();
  await until('it refuses', async () => (await server.metrics()).tidegate_shards_refusing === 1);
  early.process.kill('SIGINT');
  await early.done;
  await until('nobody is connected', async () => (await server.metrics()).tidegate_sessions_ended_total === 1);
  await sleep((SWEPT_EVERY + 1) * 1000);
  flooded = false;
  await flooding;

  await until('nobody is refused', async () => (await server.metrics()).tidegate_shards_refusing === 0, 5);
  const {cameras: [late]} = await camera('late', 3).report();
  assert.deepEqual([late.joins, late.error], [1, null]);
});

// SPDX-License-Identifier: Apache-2.0
// A server that nobody uses leaves the machine alone, and ends when it is told to.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Server} from './lib/server.mjs';

test('an idle server uses less than 1 % of a core and ends with 0 on SIGTERM', async (t) => {
  const server = await Server.start();
  await sleep(1000);
  const before = server.cpuSeconds();
  const seconds = 10;
  await sleep(seconds * 1000);
  const share = ((server.cpuSeconds() - before) / seconds) * 100;
  t.diagnostic(`${share.toFixed(2)} % of a core`);
  await server.stop();
  assert.ok(share < 1, `${share.toFixed(2)} % of a core`);
});

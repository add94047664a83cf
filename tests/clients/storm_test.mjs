// SPDX-License-Identifier: Apache-2.0
// lane: media
// A reconnect storm: who records goes on recording, who comes back is let in at a rate, who is too many is told so.
import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {Server} from './lib/server.mjs';
import {storm} from './lib/storm.mjs';

// Five seconds of the rate may wait: a third are sent away at first and comes again after 6 to 9 s (as the JavaScript page).
const COUNT = 100, RATE = 10, AGAIN_MS = 9000, MARGIN_MS = 3000;

describe('100 cameras that begin at once, at 10 joins a second', () => {
  let server, result;
  before(async () => {
    server = await Server.start({args: ['--shards', '1', '--joins-per-second', String(RATE)]});
    result = await storm({server, count: COUNT, rate: RATE, seconds: 16});
  });
  after(() => server?.stop());

  test('five that record meanwhile lose no picture', (t) => {
    t.diagnostic(JSON.stringify(result));
    for (const {channel, sent, stored, joins, error} of result.live) assert.deepEqual([stored, joins, error], [sent, 1, null], channel);
  });

  test('all of them are there in the time that the rate needs', () => {
    assert.equal(result.failed, 0);
    assert.ok(result.tookMs >= (COUNT - RATE) / RATE * 1000, `all there after ${result.tookMs} ms: the rate does not hold`);
    assert.ok(result.tookMs <= COUNT / RATE * 1000 + AGAIN_MS + MARGIN_MS, `all there after ${result.tookMs} ms`);
  });

  test('who would wait too long is refused with its error, not dropped', () => {
    assert.ok(result.refused > 0, 'nobody was refused');
    assert.equal(result.answeredWithAnError, result.refused);
    assert.deepEqual(result.refusal, {name: 'ClientLimitExceededException', message: 'too many clients join this server at once: join again in a few seconds', status: 400});
  });
});

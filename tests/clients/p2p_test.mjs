// SPDX-License-Identifier: Apache-2.0
// lane: media
// A channel without media storage: two browsers meet through the signaling and send media to each other directly.
import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {Browser} from './lib/browser.mjs';
import {Kvs} from './lib/kvs.mjs';
import {judgeVisit, visit} from './lib/p2p.mjs';
import {Server} from './lib/server.mjs';

describe('Chromium to Chromium with the Kinesis WebRTC SDK', () => {
  let browser, server;
  before(async () => {
    browser = await Browser.start();
    server = await Server.start();
  });
  after(async () => {
    await browser?.stop();
    await server?.stop();
  });

  test('video and sound play, the data channel talks, and no media touches the server', async (t) => {
    const before = await server.metrics();
    const {master, viewer} = await visit(browser, new Kvs(server.url), {name: 'p2p', seconds: 3});
    judgeVisit(t, master, viewer, 3);
    for (const {pair} of [master, viewer]) assert.notEqual(pair.local.candidateType, 'relay');
    const now = await server.metrics();
    const bytes = now.tidegate_udp_received_bytes_total - before.tidegate_udp_received_bytes_total;
    assert.ok(bytes < viewer.pair.received / 10, `the server received ${bytes} bytes of UDP, the viewer ${viewer.pair.received}`);
  });
});

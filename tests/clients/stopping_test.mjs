// SPDX-License-Identifier: Apache-2.0
// SIGTERM in the middle of it all: every signaling socket hears GO_AWAY, what was recorded is durable, and who comes back goes on.
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {test} from 'node:test';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {SignalingSocket} from './lib/master.mjs';
import {blocksOf} from './lib/matroska.mjs';
import {scratch} from './lib/media_files.mjs';
import {AVC, examine} from './lib/recording.mjs';
import {Server} from './lib/server.mjs';

const RATE = 15;

test('a server that is told to stop says so to everybody and keeps what it has', async (t) => {
  const dataDir = scratch('stopping');
  let server = await Server.start({dataDir});
  try {
    const kvs = new Kvs(server.url);
    const {ChannelARN} = await kvs.recordedChannel('quiet');
    const sockets = await Promise.all([
      kvs.endpoints(ChannelARN).then(({WSS}) => SignalingSocket.open(server, WSS, ChannelARN)),
      ...['one', 'two'].map((clientId) => kvs.endpoints(ChannelARN, 'VIEWER').then(({WSS}) => SignalingSocket.open(server, WSS, ChannelARN, {clientId}))),
    ]);
    const camera = Camera.start(server.url, ['--channel', 'busy', '--stream', 'busy', '--create', '--ca', server.ca, '--width', '320', '--height', '180',
      '--picture-rate', String(RATE), '--bitrate-kbps', '300', '--no-audio', '--duration', '60']);
    await kvs.untilFragments('busy', (all) => all.length > 0);
    const [{ProducerTimestamp: began}] = await kvs.fragments('busy');
    const told = Date.now();
    server.process.kill('SIGTERM');
    const heard = await Promise.all(sockets.map((socket) => socket.next('GO_AWAY', 5000)));
    for (const message of heard) assert.deepEqual([message.messageType, message.messagePayload], ['GO_AWAY', '']);
    const codes = await Promise.all(sockets.map((socket) => socket.closed));
    const how = await server.ended;
    t.diagnostic(`closed with ${codes}, ended after ${Date.now() - told} ms`);
    assert.deepEqual(how, {code: 0, signal: null});
    assert.ok(Date.now() - told < 5000, `it took ${Date.now() - told} ms to stop`);
    await camera.stop();

    server = await Server.start({dataDir});
    const documents = await new Kvs(server.url).documents('busy', {quiet: 1000});
    examine(documents, {withAudio: false});
    const pictures = blocksOf(documents, AVC).length, due = (told - began) / 1000 * RATE;
    t.diagnostic(`${pictures} pictures of ${due.toFixed(1)} up to SIGTERM`);
    assert.ok(pictures >= due - 2, `${pictures} pictures are stored, ${due} were sent before SIGTERM`);  // one may be on its way, one not yet whole
  } finally {
    await server.stop();
    rmSync(dataDir, {recursive: true});
  }
});

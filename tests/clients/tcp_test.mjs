// SPDX-License-Identifier: Apache-2.0
// lane: media
// A browser in a network without UDP is recorded over TCP; one that has both takes UDP.
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {connect} from 'node:net';
import {after, before, describe, test} from 'node:test';
import {Browser} from './lib/browser.mjs';
import {Kvs} from './lib/kvs.mjs';
import {scratch} from './lib/media_files.mjs';
import {decodeDocuments, examine} from './lib/recording.mjs';
import {credentials, region, Server} from './lib/server.mjs';

const seconds = 5;
// What an administrator sets to keep Chromium off UDP.
const withoutUdp = ['--webrtc-ip-handling-policy=disable_non_proxied_udp', '--force-webrtc-ip-handling-policy=disable_non_proxied_udp'];

describe('media over TCP', () => {
  const folder = scratch('tcp');
  let server, kvs;
  before(async () => {
    server = await Server.start();
    kvs = new Kvs(server.url);
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, {recursive: true});
  });

  async function published(name, flags) {
    const before = await server.metrics();
    const browser = await Browser.start(flags);
    const sent = await browser.call('publish', {config: {endpoint: server.url, region, credentials}, name, seconds, withAudio: true}).finally(() => browser.stop());
    const now = await server.metrics();
    assert.deepEqual(sent.statuses, []);
    return {sent, grown: (metric) => now[metric] - before[metric]};
  }

  test('Chromium without UDP is recorded', async (t) => {
    const {sent, grown} = await published('walled', withoutUdp);
    t.diagnostic(`${sent.framesSent} frames sent by ${JSON.stringify(sent.pair)}, ${grown('tidegate_media_tcp_received_bytes_total')} bytes came over TCP`);
    assert.equal(sent.pair.local.protocol, 'tcp');
    assert.equal(sent.pair.remote.protocol, 'tcp');
    assert.equal(sent.pair.remote.port, server.mediaTcpPort);
    assert.equal(grown('tidegate_udp_received_packets_total'), 0);
    assert.ok(grown('tidegate_media_tcp_received_bytes_total') >= sent.video.bytesSent);
    assert.equal(grown('tidegate_media_tcp_send_drops_total'), 0);
    await kvs.untilFragments('walled', (found) => found.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) > (seconds - 1) * 1000);
    const documents = await kvs.documents('walled');
    const {video, audio} = examine(documents, {withAudio: true});
    assert.ok(sent.framesSent > 8 * seconds, `the browser sent only ${sent.framesSent} frames`);
    assert.ok(video.count >= sent.framesSent - 3, `${video.count} of ${sent.framesSent} frames are stored`);
    assert.ok(Math.abs(audio.to - video.to) <= 150, `audio ends at ${audio.to}, video at ${video.to}`);
    await decodeDocuments(documents, folder);
  });

  test('Chromium that has both takes UDP', async () => {
    const {sent, grown} = await published('open', []);
    assert.equal(sent.pair.local.protocol, 'udp');
    assert.ok(grown('tidegate_udp_received_bytes_total') >= sent.video.bytesSent);
  });

  test('what is no media is cut off and counted', async () => {
    const before = await server.metrics();
    const bytes = (text) => new Promise((resolve, reject) => {
      const socket = connect(server.mediaTcpPort, '127.0.0.1', () => socket.write(text));
      socket.on('error', reject);
      socket.on('close', resolve);
      socket.setTimeout(4000, () => socket.destroy(new Error('the server kept the connection')));
      socket.resume();
    });
    await bytes('GET / HTTP/1.1\r\n\r\n');
    const stun = Buffer.concat([Buffer.from([0, 20, 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]), Buffer.alloc(12, 7)]);
    await bytes(stun);
    const now = await server.metrics();
    assert.equal(now.tidegate_media_tcp_silent_total - before.tidegate_media_tcp_silent_total, 1);
    assert.equal(now.tidegate_media_tcp_strangers_total - before.tidegate_media_tcp_strangers_total, 1);
  });
});

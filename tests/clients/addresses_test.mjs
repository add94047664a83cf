// SPDX-License-Identifier: Apache-2.0
// lane: media
// Several addresses of the server, a client that has IPv6 alone, and a NAT that forgets its mappings in mid-session.
import assert from 'node:assert/strict';
import {JoinStorageSessionCommand} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {createSocket} from 'node:dgram';
import {readFileSync, rmSync} from 'node:fs';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {firstDifference} from './lib/annexb.mjs';
import {Browser} from './lib/browser.mjs';
import {clean} from './lib/impairment.mjs';
import {Kvs} from './lib/kvs.mjs';
import {SignalingSocket} from './lib/master.mjs';
import {makeH264, makeOpus, scratch} from './lib/media_files.mjs';
import {blocksOf} from './lib/matroska.mjs';
import {AVC, decodeDocuments, examine} from './lib/recording.mjs';
import {Relay} from './lib/relay.mjs';
import {credentials, region, Server} from './lib/server.mjs';
import {WeriftSender} from './lib/werift_sender.mjs';

const folder = scratch('addresses');
after(() => rmSync(folder, {recursive: true}));

describe('a server on both families with two advertised addresses', () => {
  let server, kvs;
  before(async () => {
    server = await Server.start({mediaAddress: '[::]', args: ['--advertise-ip', '127.0.0.1', '--advertise-ip', '::1']});
    kvs = new Kvs(server.url);
  });
  after(async () => { await server?.stop(); });

  test('a werift master with IPv6 alone is recorded bit for bit', async () => {
    const seconds = 4;
    const video = await makeH264(folder, {seconds});
    const audio = await makeOpus(folder, {seconds});
    const {ChannelARN} = await kvs.recordedChannel('six');
    const signaling = await SignalingSocket.open(server, (await kvs.endpoints(ChannelARN)).WSS, ChannelARN);
    const sender = new WeriftSender({ice: {iceUseIpv4: false, iceAdditionalHostAddresses: ['::1']}});
    try {
      await kvs.storage.send(new JoinStorageSessionCommand({channelArn: ChannelARN}));
      const {payload} = await signaling.next('SDP_OFFER');
      const offered = [...new Set(payload.sdp.match(/a=candidate:.*/g).map((line) => line.split(' ')).map((words) => `${words[2]} ${words[4]}`))];
      assert.deepEqual(offered, ['udp 127.0.0.1', 'udp ::1', 'tcp 127.0.0.1', 'tcp ::1']);
      const answer = await sender.answer(payload);
      const named = answer.sdp.match(/a=candidate:.*/g).map((line) => line.split(' ')[4]);
      assert.ok(named.length > 0 && named.every((address) => address.includes(':')), `the client names ${named}`);
      signaling.send('SDP_ANSWER', answer, {correlationId: 'one'});
      await sender.connected;
      const sent = await sender.publish({videoBytes: video.bytes, audioBytes: readFileSync(audio.path), fps: video.fps});
      await sleep(500);
      await sender.close();
      await kvs.untilFragments('six', (found) => found.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) > seconds * 1000 - 200, 20000);
      const found = examine(await kvs.documents('six'), {withAudio: true});
      assert.equal(firstDifference(sent.units, found.video.units), null);
      assert.equal(found.video.count, sent.pictures);
    } finally {
      await sender.close().catch(() => {});
      await signaling.close();
    }
  });
});

/** Milliseconds between neighbouring pictures, longest first. */
function holesOf(documents) {
  const times = documents.flatMap((document) => {
    const blocks = blocksOf([document], AVC);
    return blocks.map((block) => Number(document.tags.AWS_KINESISVIDEO_PRODUCER_TIMESTAMP) * 1000 + block.ms - blocks[0].ms);
  });
  return times.slice(1).map((time, i) => Math.round(time - times[i])).sort((a, b) => b - a);
}

/** Sends what `alter` makes of every media packet that the client sends on from another address, a little later. */
async function copyFromElsewhere(relay, alter) {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, '127.0.0.3', resolve));
  const seen = {sent: 0, answered: 0};
  socket.on('message', () => { seen.answered++; });
  const undo = (await Promise.all(relay.proxies.values())).map((proxy) => {
    const original = proxy.pass;
    proxy.pass = function (packet, send) {
      original.call(this, packet, send);
      // RTP comes from the client alone here: the server sends nothing but RTCP, STUN and DTLS.
      if (packet[0] >> 6 !== 2 || (packet[1] >= 192 && packet[1] <= 223)) return;
      const copy = alter(Buffer.from(packet));
      setTimeout(() => { seen.sent++; socket.send(copy, this.target.port, this.target.address); }, 30);
    };
    return () => { proxy.pass = original; };
  });
  return async () => {
    undo.forEach((each) => each());
    await sleep(100);
    socket.close();
    return seen;
  };
}

describe('a NAT that forgets its mappings', () => {
  test('Chromium gets another address and port in mid-session, and the recording goes on', async (t) => {
    const seconds = 10;
    const server = await Server.start();
    const relay = await Relay.start(server, {impairment: clean, folder});
    const browser = await Browser.start();
    try {
      const kvs = new Kvs(server.url);
      const sending = browser.call('publish', {config: {endpoint: relay.url, region, credentials}, name: 'rebound', seconds, withAudio: true});
      sending.catch(() => {});
      await kvs.untilFragments('rebound', (found) => found.length > 0, 20000);
      // Before that, somebody else's packets in the client's name: forged, then copied. Neither changes anything.
      for (const alter of [(packet) => { packet[packet.length - 1] ^= 1; return packet; }, (packet) => packet]) {
        const stop = await copyFromElsewhere(relay, alter);
        await sleep(700);
        const {sent: copies, answered} = await stop();
        assert.ok(copies > 30, `${copies} copies`);
        assert.equal(answered, 0, 'not a byte goes where they came from');
      }
      const before = await server.metrics();
      assert.ok(before.tidegate_media_strangers_total > 60);
      assert.equal(before.tidegate_media_rebound_total, 0);
      await relay.rebind('127.0.0.2');
      const sent = await sending;
      assert.deepEqual(sent.statuses, []);
      const documents = await kvs.documents('rebound');
      const {video} = examine(documents, {withAudio: true});
      const holes = holesOf(documents);
      const metrics = await server.metrics();
      t.diagnostic(`${sent.framesSent} frames sent, ${video.count} stored in ${documents.length} fragments; the longest holes are ${holes.slice(0, 3)} ms`);
      assert.ok(sent.framesSent - video.count <= 10, 'what was on its way when the address changed');
      assert.equal(metrics.tidegate_sessions_joins_total, 1);
      assert.equal(metrics.tidegate_sessions_connected_total, 1);
      assert.ok(metrics.tidegate_media_rebound_total > 0, 'the address did change, and media told of it');
      const span = ((sent.ledgers.video.at(-1).rtp - sent.ledgers.video[0].rtp) >>> 0) / 90;
      assert.ok(Math.abs(video.lastAt - video.from - span) <= 200, `recorded ${video.lastAt - video.from} ms, sent ${span} ms`);
      // Chromium checks a path that works each 2.5 s; its media does not wait for that.
      assert.ok(holes[0] < 500, `a hole of ${holes[0]} ms`);
      await decodeDocuments(documents, folder);
    } finally {
      await browser.stop();
      await relay.stop();
      await server.stop();
    }
  });
});

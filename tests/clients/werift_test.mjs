// SPDX-License-Identifier: Apache-2.0
// A second foreign sender: werift, which shares no code with the server or with Chromium.
import assert from 'node:assert/strict';
import {JoinStorageSessionCommand} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {readFileSync, rmSync} from 'node:fs';
import {after, before, describe, test} from 'node:test';
import {firstDifference} from './lib/annexb.mjs';
import {Kvs} from './lib/kvs.mjs';
import {SignalingSocket} from './lib/master.mjs';
import {makeH264, makeOpus, scratch} from './lib/media_files.mjs';
import {decodeDocuments, examine} from './lib/recording.mjs';
import {Server} from './lib/server.mjs';
import {WeriftSender} from './lib/werift_sender.mjs';

const seconds = 8;

describe('werift', () => {
  const folder = scratch('werift');
  let server, kvs, video, audio;
  before(async () => {
    server = await Server.start();
    kvs = new Kvs(server.url);
    video = await makeH264(folder, {seconds});
    audio = await makeOpus(folder, {seconds});
  });
  after(async () => {
    rmSync(folder, {recursive: true});
    await server?.stop();
  });

  async function recorded(name, withAudio) {
    const {ChannelARN} = await kvs.recordedChannel(name);
    const endpoints = await kvs.endpoints(ChannelARN);
    const signaling = await SignalingSocket.open(server, endpoints.WSS, ChannelARN);
    const sender = new WeriftSender({withAudio});
    try {
      await kvs.storage.send(new JoinStorageSessionCommand({channelArn: ChannelARN}));
      const offer = await signaling.next('SDP_OFFER');
      assert.equal(offer.senderClientId, undefined, 'the storage session has no sender id');
      signaling.send('SDP_ANSWER', await sender.answer(offer.payload), {correlationId: 'one'});
      await sender.connected;
      const sent = await sender.publish({videoBytes: video.bytes, audioBytes: readFileSync(audio.path), fps: video.fps});
      await kvs.untilFragments(name, (found) => found.length >= 2, 20000);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await sender.close();
      await kvs.untilFragments(name, (found) => found.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) > seconds * 1000 - 200, 40000);
      const documents = await kvs.documents(name);
      const found = examine(documents, {withAudio});
      assert.equal(firstDifference(sent.units, found.video.units), null);
      assert.equal(found.video.count, sent.pictures);
      if (withAudio) assert.ok(Math.abs(found.audio.to - found.video.to) <= 100, `audio ends at ${found.audio.to}, video at ${found.video.to}`);
      await decodeDocuments(documents, folder);
      assert.deepEqual(signaling.messages.filter((message) => message.messageType === 'STATUS_RESPONSE'), []);
    } finally {
      await sender.close().catch(() => {});
      await signaling.close();
    }
  }

  test('video and audio are recorded bit for bit', () => recorded('foreign', true));
  test('video only', () => recorded('foreign-silent', false));
});

// SPDX-License-Identifier: Apache-2.0
// kill -9 while recording: everything that was listed is listed and playable afterwards.
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {after, before, describe, test} from 'node:test';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {makeH264, makeOpus, scratch} from './lib/media_files.mjs';
import {decodeAll} from './lib/programs.mjs';
import {decodeDocuments, examine} from './lib/recording.mjs';
import {Server} from './lib/server.mjs';

describe('kill -9 while two cameras record', () => {
  const folder = scratch('kill');
  const dataDir = scratch('kill-data');
  let video, audio, server, kvs;
  const listed = {};
  before(async () => {
    video = await makeH264(folder, {seconds: 30, bitrate: '500k'});
    audio = await makeOpus(folder, {seconds: 30});
    server = await Server.start({dataDir});
    kvs = new Kvs(server.url);
  });
  after(async () => {
    await server?.stop();
    for (const each of [folder, dataDir]) rmSync(each, {recursive: true});
  });

  test('fragments appear while the cameras run', async () => {
    const cameras = ['one', 'two'].map((name) => Camera.start(server.url,
      ['--channel', name, '--stream', name, '--create', '--h264', video.path, '--opus', audio.path, '--ca', server.ca]));
    for (const name of ['one', 'two']) await kvs.untilFragments(name, (found) => found.length >= 4, 30000);
    for (const name of ['one', 'two']) listed[name] = await kvs.fragments(name);
    await server.kill();
    await Promise.all(cameras.map((camera) => camera.stop()));
    assert.ok(listed.one.length >= 4 && listed.two.length >= 4);
  });

  test('after a restart the same fragments are listed', async () => {
    server = await Server.start({dataDir});
    kvs = new Kvs(server.url);
    for (const name of ['one', 'two']) {
      const now = new Map((await kvs.fragments(name)).map((each) => [each.FragmentNumber, each]));
      for (const before of listed[name]) {
        const after = now.get(before.FragmentNumber);
        assert.ok(after, `${name}: ${before.FragmentNumber} is gone`);
        assert.deepEqual({...after}, {...before});
      }
    }
  });

  test('and playable: GetMedia and HLS decode without a fault', async () => {
    for (const name of ['one', 'two']) {
      const documents = await kvs.documents(name);
      examine(documents, {withAudio: true});
      const numbers = new Set(documents.map((document) => document.tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER));
      for (const before of listed[name]) assert.ok(numbers.has(before.FragmentNumber));
      await decodeDocuments(documents, folder);
      await decodeAll(await kvs.wholeHlsUrl(name, listed[name]), {before: ['-allowed_extensions', 'ALL']});
    }
  });

  test('and a camera can go on where it stopped, with higher numbers', async () => {
    const before = await kvs.fragments('one');
    const camera = Camera.start(server.url, ['--channel', 'one', '--h264', video.path, '--no-audio', '--duration', '6', '--ca', server.ca]);
    const after = await kvs.untilFragments('one', (found) => found.length > before.length, 20000);
    await camera.stop();
    const last = before.map((each) => each.FragmentNumber).sort().at(-1);
    const known = new Set(before.map((each) => each.FragmentNumber));
    for (const each of after) assert.ok(known.has(each.FragmentNumber) || each.FragmentNumber > last);
  });
});

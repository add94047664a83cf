// SPDX-License-Identifier: Apache-2.0
// Rendered sound on disk: after a restart a long ON_DEMAND read renders nothing anew and gives the same bytes; a damaged
// file costs a rendering and nothing else; DeleteStream takes the files along; fsck and export do not mind the folder.
import assert from 'node:assert/strict';
import {readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {scratch} from './lib/media_files.mjs';
import {decodeAll, mustRun} from './lib/programs.mjs';
import {binary, Server} from './lib/server.mjs';
import {sha256} from './lib/sigv4.mjs';

const get = async (url) => {
  const answer = await fetch(url);
  assert.equal(answer.status, 200, `${url}: ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
};
const uris = (text) => [...text.matchAll(/^(?!#)\S.*$/gm)].map(([uri]) => uri);

/** A checksum of every segment of the sound of one ON_DEMAND session, in order. */
async function soundOf(kvs, name, fragments) {
  const master = await kvs.wholeHlsUrl(name, fragments);
  const [, audio] = String(await get(master)).match(/TYPE=AUDIO.*URI="([^"]+)"/);
  const playlist = new URL(audio, master);
  const segments = uris(String(await get(playlist)));
  const sums = [];
  for (const segment of segments) sums.push(sha256(await get(new URL(segment, playlist))));
  return sums;
}

/** A camera of some seconds, and what is listed of it when nothing more comes. */
async function record(server, kvs, name, seconds) {
  await Camera.start(server.url, ['--channel', name, '--stream', name, '--create', '--ca', server.ca, '--duration', String(seconds),
    '--width', '320', '--height', '240', '--picture-rate', '15', '--bitrate-kbps', '300']).report();
  let fragments = await kvs.untilFragments(name, (all) => all.length >= seconds / 2 - 1);
  for (let more = []; more.length !== fragments.length; await sleep(500)) [fragments, more] = [await kvs.fragments(name), fragments];
  return fragments;
}

describe('rendered sound on disk', () => {
  const dataDir = scratch('render-cache');
  let server, kvs, fragments, first;

  const start = async (args = []) => {
    server = await Server.start({dataDir, args});
    kvs = new Kvs(server.url);
  };
  const files = () => readdirSync(join(dataDir, 'cache')).filter((name) => name.endsWith('.tgd'));
  const readSound = () => soundOf(kvs, 'porch', fragments);

  before(async () => {
    await start();
    fragments = await record(server, kvs, 'porch', 9);
    first = await readSound();
  });
  after(async () => {
    await server?.stop();
    rmSync(dataDir, {recursive: true});
  });

  test('the first read renders every fragment once and keeps it', async () => {
    const metrics = await server.metrics();
    assert.equal(first.length, fragments.length);
    assert.equal(new Set(first).size, first.length, 'each segment is another');
    assert.equal(metrics.tidegate_sound_rendered_total, fragments.length);
    assert.equal(metrics.tidegate_render_cache_written_total, fragments.length);
    assert.equal(files().length, fragments.length);
    assert.ok(metrics.tidegate_render_cache_bytes > 0);
  });

  test('after a restart nothing is rendered anew, and the bytes are the same', async () => {
    await server.stop();
    await start();
    assert.deepEqual(await readSound(), first);
    const metrics = await server.metrics();
    assert.equal(metrics.tidegate_sound_rendered_total, 0);
    // The units that close the selection, three at most, are not kept (ADR 12).
    assert.equal(metrics.tidegate_sound_parts_rendered_total, 1);
    assert.equal(metrics.tidegate_sound_from_disk_total, fragments.length);
  });

  test('fsck finds nothing wrong beside it, and export gives the recording', async () => {
    await server.stop();
    const fsck = JSON.parse((await mustRun(binary, ['fsck', '--data-dir', dataDir, '--json', '--quiet'])).stdout);
    assert.equal(fsck.clean, true, JSON.stringify(fsck));
    assert.equal(fsck.fragments, fragments.length);
    const file = join(dataDir, 'porch.mkv');
    await mustRun(binary, ['export', 'porch', '-o', file, '--quiet', '--data-dir', dataDir]);
    await decodeAll(file);
    assert.equal(files().length, fragments.length);
  });

  test('a damaged file is rendered again to the same bytes', async () => {
    const path = join(dataDir, 'cache', files()[0]);
    const bytes = readFileSync(path);
    bytes[bytes.length - 100] ^= 1;
    writeFileSync(path, bytes);
    await start();
    assert.deepEqual(await readSound(), first);
    const metrics = await server.metrics();
    assert.equal(metrics.tidegate_sound_rendered_total, 1);
    assert.equal(metrics.tidegate_render_cache_damaged_total, 1);
    assert.equal(files().length, fragments.length);
  });

  test('DeleteStream takes the files along', async () => {
    const {ChannelInfo: {ChannelARN}} = await kvs.call('DescribeSignalingChannel', {ChannelName: 'porch'});
    await kvs.call('UpdateMediaStorageConfiguration', {ChannelARN, MediaStorageConfiguration: {Status: 'DISABLED'}});
    const {StreamInfo: {StreamARN}} = await kvs.call('DescribeStream', {StreamName: 'porch'});
    await kvs.call('DeleteStream', {StreamARN});
    for (const end = Date.now() + 10000; files().length > 0 && Date.now() < end; await sleep(50));
    assert.deepEqual(files(), []);
    assert.equal((await server.metrics()).tidegate_render_cache_entries, 0);
  });
});

describe('sound rendered as it is recorded', () => {
  const dataDir = scratch('render-on-write');
  let server;
  after(async () => {
    await server?.stop();
    rmSync(dataDir, {recursive: true});
  });

  test('who reads finds it, with the bytes that would have been rendered for him', async () => {
    server = await Server.start({dataDir, args: ['--render-sound-on-write', 'true']});
    let kvs = new Kvs(server.url), metrics;
    const fragments = await record(server, kvs, 'hall', 7);
    for (const end = Date.now() + 20000; Date.now() < end; await sleep(100)) {
      metrics = await server.metrics();
      if (metrics.tidegate_render_cache_written_total === fragments.length) break;
    }
    const {tidegate_sound_rendered_total: rendered, tidegate_render_cache_written_total: written, tidegate_sound_on_write_waiting: waiting} = metrics;
    assert.deepEqual({rendered, written, waiting}, {rendered: fragments.length, written: fragments.length, waiting: 0}, 'nobody has read yet');
    const found = await soundOf(kvs, 'hall', fragments);
    assert.equal((await server.metrics()).tidegate_sound_rendered_total, fragments.length, 'nothing is rendered for a reader');
    await server.stop();
    rmSync(join(dataDir, 'cache'), {recursive: true});
    server = await Server.start({dataDir});
    kvs = new Kvs(server.url);
    assert.deepEqual(await soundOf(kvs, 'hall', fragments), found);
    assert.equal((await server.metrics()).tidegate_sound_rendered_total, fragments.length);
  });
});

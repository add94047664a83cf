// SPDX-License-Identifier: Apache-2.0
// A full disk: recording pauses and resumes by itself, producers are told, and nothing that was acknowledged is lost.
import assert from 'node:assert/strict';
import {closeSync, openSync, rmSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {readSigned} from './lib/own_api.mjs';
import {block, cluster, endOfFragment, head, Producer} from './lib/put_media.mjs';
import {Server} from './lib/server.mjs';

// Large, because a volume has set up to 32 MiB of the disk aside when others fill the rest.
const frame = (fill) => Buffer.alloc(3000000, fill);

describe('a full disk', () => {
  let server, kvs, camera, filler;
  const persisted = new Map();  // fragment number -> first byte of its frame

  /** Sends a fragment a quarter of a second until the connection ends; says what it was told. */
  const produce = async (until) => {
    const producer = await Producer.open(server, 'plant');
    const sent = new Map();
    producer.send(head());
    for (let fill = 1; !producer.gone && !producer.ended && !until(producer); fill = fill % 250 + 1) {
      const timecode = Date.now();
      sent.set(timecode, fill);
      await producer.send(Buffer.concat([cluster(timecode, block(1, 0, frame(fill))), endOfFragment]));
      await sleep(250);
    }
    for (const ack of producer.of('PERSISTED')) persisted.set(ack.FragmentNumber, sent.get(ack.FragmentTimecode));
    return producer;
  };
  const diskPath = (name) => join(`/proc/${server.process.pid}/root`, server.dataDir, name);
  const fillDisk = () => {
    filler = openSync(diskPath('filler'), 'w');
    try {
      for (;;) writeSync(filler, Buffer.alloc(1 << 16));
    } catch (error) {
      assert.equal(error.code, 'ENOSPC');
    }
    closeSync(filler);
  };
  const ready = async () => {
    const answer = await fetch(`${server.url}/readyz`);
    return {status: answer.status, text: await answer.text()};
  };
  const untilReady = async (status, deadline) => {
    for (const end = Date.now() + deadline; Date.now() < end; await sleep(100)) {
      const found = await ready();
      if (found.status === status) return found;
    }
    throw new Error(`/readyz did not answer ${status} in ${deadline} ms: ${JSON.stringify(await ready())}\n${server.output.slice(-3000)}`);
  };

  before(async () => {
    server = await Server.start({diskMegabytes: 192});
    kvs = new Kvs(server.url);
    await kvs.call('CreateStream', {StreamName: 'plant', DataRetentionInHours: 24});
    camera = Camera.start(server.url, ['--channel', 'porch', '--stream', 'porch', '--create', '--no-audio', '--duration', '90', '--ca', server.ca]);
    await kvs.untilFragments('porch', (found) => found.length >= 2, 20000);
  });
  after(async () => {
    await camera?.stop();
    await server?.stop();
    rmSync(server.dataDir, {recursive: true, force: true});
  });

  test('a producer gets ERROR 5001, readiness and metrics say why, and the log says it once', async () => {
    let full = false;
    const told = produce((producer) => {
      if (!full && producer.of('PERSISTED').length >= 3) {
        full = true;
        fillDisk();
      }
      return false;
    });
    const found = await untilReady(503, 30000);
    assert.match(found.text, /No space left on device/);
    const producer = await told;
    const error = producer.of('ERROR')[0];
    assert.equal(error?.ErrorId, 5001, JSON.stringify(producer.acks.slice(-5)));
    assert.equal(error.ErrorCode, 'ARCHIVAL_ERROR');
    assert.equal((await server.metrics()).tidegate_storage_writable, 0);
    assert.equal(server.output.match(/recordings cannot be written/g)?.length, 1, server.output.slice(-3000));
  });

  test('what was acknowledged is readable meanwhile', async () => {
    const there = new Map((await kvs.documents('plant', {quiet: 700})).map((document) => [document.tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER, document]));
    assert.ok(persisted.size >= 3);
    for (const [number, fill] of persisted) {
      assert.ok(there.has(number), `${number} is gone`);
      assert.deepEqual(there.get(number).blocks[0].payload, frame(fill));
    }
  });

  test('with room again recording goes on by itself, and the gap says why', async () => {
    const before = (await kvs.fragments('porch')).length;
    await sleep(7000);  // longer than what is tried again from memory: the camera must lose something
    rmSync(diskPath('filler'));
    await untilReady(200, 20000);
    await kvs.untilFragments('porch', (found) => found.length >= before + 3, 30000);
    const producer = await produce((each) => each.of('PERSISTED').length >= 3);
    assert.equal(producer.of('ERROR').length, 0);
    await producer.end();
    assert.equal((await server.metrics()).tidegate_storage_writable, 1);
    assert.equal(server.output.match(/can be written again/g)?.length, 1);
    const {body: coverage} = await readSigned(server, '/api/v1/streams/porch/coverage');
    assert.ok(coverage.gaps.some((gap) => gap.reason === 'disk_slow'), JSON.stringify(coverage));
  });
});

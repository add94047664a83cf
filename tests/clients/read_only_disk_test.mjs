// SPDX-License-Identifier: Apache-2.0
// A file system that the kernel turns read-only under the server, as it does after an error of the device: recording
// pauses and says so, what was acknowledged stays readable, and after a repair all of it is there and recording goes on.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Kvs} from './lib/kvs.mjs';
import {scratch} from './lib/media_files.mjs';
import {block, cluster, endOfFragment, head, Producer} from './lib/put_media.mjs';
import {Server} from './lib/server.mjs';

const run = (command, ...args) => execFileSync(command, args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']});
const frame = (fill) => Buffer.alloc(200000, fill);

/** ext4 on a loop device, mounted for this process's life at most. */
class Disk {
  constructor(directory) {
    this.image = join(directory, 'disk.img');
    this.path = join(directory, 'disk');
    mkdirSync(this.path);
    run('truncate', '-s', '256M', this.image);
    run('/sbin/mkfs.ext4', '-q', '-F', this.image);
    this.mount();
    process.on('exit', () => this.unmount());
  }
  mount() {
    run('mount', '-o', 'loop,errors=remount-ro', this.image, this.path);
    this.mounted = true;
    this.device = basename(run('findmnt', '-n', '-o', 'SOURCE', this.path).trim());
  }
  unmount() {
    if (this.mounted) run('umount', this.path);
    this.mounted = false;
  }
  fail() {
    writeFileSync(`/sys/fs/ext4/${this.device}/trigger_fs_error`, '1');
  }
  repair() {
    this.unmount();
    try {
      run('/sbin/e2fsck', '-fy', this.image);
    } catch (error) {
      assert.equal(error.status, 1, error.stdout);  // 1: errors were there and are corrected
    }
    this.mount();
  }
}

const hasLoopDevices = () => {
  try {
    return run('losetup', '-f') !== '';
  } catch {
    return false;
  }
};

describe('a disk that became read-only', {skip: !hasLoopDevices() && 'this machine has no loop devices'}, () => {
  let directory, disk, server, kvs;
  const persisted = new Map();  // fragment number -> first byte of its frame

  const produce = async (during) => {
    const producer = await Producer.open(server, 'plant');
    const sent = new Map();
    producer.send(head());
    for (let fill = 1; fill < 200 && !producer.gone && !producer.ended && !during(producer); ++fill) {
      const timecode = Date.now();
      sent.set(timecode, fill);
      await producer.send(Buffer.concat([cluster(timecode, block(1, 0, frame(fill))), endOfFragment]));
      await sleep(100);
    }
    for (const ack of producer.of('PERSISTED')) persisted.set(ack.FragmentNumber, sent.get(ack.FragmentTimecode));
    return producer;
  };
  const persistedIsThere = async () => {
    const there = new Map((await kvs.documents('plant', {quiet: 700})).map((document) => [document.tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER, document]));
    for (const [number, fill] of persisted) {
      assert.ok(there.has(number), `${number} is gone`);
      assert.deepEqual(there.get(number).blocks[0].payload, frame(fill));
    }
  };
  const start = async () => {
    server = await Server.start({dataDir: disk.path});
    kvs = new Kvs(server.url);
  };

  before(async () => {
    directory = scratch('read-only');
    disk = new Disk(directory);
    await start();
    await kvs.call('CreateStream', {StreamName: 'plant', DataRetentionInHours: 24});
  });
  after(async () => {
    await server?.stop();
    disk?.unmount();
    rmSync(directory, {recursive: true, force: true});
  });

  test('a producer gets ERROR 5001, and readiness and the log say why', async () => {
    let failed = false;
    const producer = await produce((each) => {
      if (!failed && each.of('PERSISTED').length >= 3) {
        failed = true;
        disk.fail();
      }
      return false;
    });
    const error = producer.of('ERROR')[0];
    assert.equal(error?.ErrorId, 5001, JSON.stringify(producer.acks.slice(-5)));
    const answer = await fetch(`${server.url}/readyz`);
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /Read-only file system/);
    assert.equal((await server.metrics()).tidegate_storage_writable, 0);
    assert.equal(server.output.match(/recordings cannot be written.*Read-only file system/g)?.length, 1, server.output.slice(-3000));
  });

  test('what was acknowledged is readable meanwhile', async () => {
    assert.ok(persisted.size >= 3);
    await persistedIsThere();
  });

  test('after a repair everything is there, and recording goes on', async () => {
    await server.stop();
    disk.repair();
    await start();
    await persistedIsThere();
    const before = persisted.size;
    const producer = await produce((each) => each.of('PERSISTED').length >= 3);
    await producer.end();
    assert.ok(persisted.size >= before + 3);
    await persistedIsThere();
  });
});

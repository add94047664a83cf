// SPDX-License-Identifier: Apache-2.0
// lane: media
// A server that is given a third of the processor time that its cameras use: new sessions are refused, cameras are asked for less,
// whole groups of pictures are left out of the newest recordings, and all comes back by itself.
import assert from 'node:assert/strict';
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {after, before, describe, test} from 'node:test';
import {Kvs} from './lib/kvs.mjs';
import {scratch} from './lib/media_files.mjs';
import {besideBusyLoops, compare, gapped, joinError, look, makeMedia, measureLoad, startCameras, stopCameras, watch} from './lib/overload.mjs';
import {decodeAll} from './lib/programs.mjs';
import {CpuLimit, startSmallServer} from './lib/small_server.mjs';

// Those that heed REMB came first. 625 kbit/s each, 345 when they are asked for less.
const HEEDING = 40, DEAF = 20, FULL_KBPS = 625;
// Who has too much to do works in larger batches: a third of the time is about half of what is needed.
const SHORTAGE = 3;
// Memory that is used for the first time costs as much again for some seconds.
const WARM_MS = 15_000;

const untilConnected = async (server, count) => {
  for (const end = Date.now() + 20000; (await look(server)).connected < count; await sleep(100)) {
    if (Date.now() > end) throw new Error(`${count} cameras took more than 20 s to connect\n${server.output}`);
  }
};

describe('60 cameras and a third of the processor time that they use', {skip: CpuLimit.whyNot() ?? false}, () => {
  let folder, server, kvs, calm, load, crowded, refusal, relieved, letIn, heeding, deaf, compared;
  before(async () => {
    folder = scratch('overload');
    const media = await makeMedia(folder);
    server = await startSmallServer({args: ['--shards', '1', '--joins-per-second', '1000']});
    kvs = new Kvs(server.url);
    const {ChannelARN: late} = await kvs.recordedChannel('late');
    const first = startCameras(server, 'heeding', HEEDING, ['--h264', media.high, '--low-h264', media.low, '--opus', media.sound]);
    await untilConnected(server, HEEDING);
    const second = startCameras(server, 'deaf', DEAF, ['--h264', media.high, '--opus', media.sound]);
    await untilConnected(server, HEEDING + DEAF);
    await sleep(WARM_MS);
    load = await measureLoad(server, 4);
    calm = await besideBusyLoops(4, () => watch(server, 4));

    server.limit.set(load / SHORTAGE);
    crowded = await watch(server, 25, {over: (looks) => looks.filter(({resting}) => resting > 0).length >= 3});
    refusal = await joinError(kvs, late);
    server.limit.set(null);
    relieved = await watch(server, 60, {over: (looks) => !looks.at(-1).refusing && looks.length > 4});
    letIn = await joinError(kvs, late);
    await sleep(3000);  // the next key frame, at which a camera raises its bit rate, comes within 2 s
    [heeding, deaf] = await Promise.all([stopCameras(first), stopCameras(second)]);
    compared = [];
    for (const [group, places] of [[heeding, [0, HEEDING - 1]], [deaf, [0, DEAF / 2, DEAF - 1]]]) {
      for (const place of places) compared.push(await compare(server, kvs, group.cameras[place], group.hashes));
    }
  }, {timeout: 180000});
  after(async () => {
    kvs?.close();
    await server?.stop();
    rmSync(folder, {recursive: true, force: true});
  });

  test('with what it needs nothing is refused, lowered or left out, even beside four busy loops on its processors', (t) => {
    t.diagnostic(`load ${load.toFixed(1)} % of a processor: ${JSON.stringify(calm.at(-1))}`);
    for (const each of calm) assert.deepEqual([each.refusing, each.askedForLess, each.resting, each.gaps, each.kernelDrops], [0, 0, 0, 0, 0]);
  });

  test('then new sessions are refused, by an error that says what to do', (t) => {
    t.diagnostic(JSON.stringify(crowded));
    const rate = ([from, to]) => 1000 * (to.received - from.received) / (to.at - from.at);
    t.diagnostic(`${Math.round(rate([calm[0], calm.at(-1)]))} packets a second came, ${Math.round(rate(crowded))} were read in the first second`);
    assert.ok(crowded.some(({refusing}) => refusing === 1), 'never refused');
    assert.deepEqual(refusal, {name: 'ClientLimitExceededException', status: 400,
      message: 'this server has as much to do as it can: join again later, or give it more cores or fewer cameras'});
    for (const each of crowded) {
      assert.ok(each.refusing || !each.askedForLess, 'bit rates were lowered before new sessions were refused');
      assert.ok(each.askedForLess || !each.resting, 'recordings rested before bit rates were lowered');
    }
  });

  test('all cameras are asked for less, and those that heed it send less', () => {
    for (const {channel, remb_least_kbps: asked} of [...heeding.cameras, ...deaf.cameras]) assert.ok(asked > 0 && asked <= 0.8 * FULL_KBPS, `${channel} was asked for ${asked} kbit/s`);
    const high = heeding.hashes.length / 2;
    const lowered = heeding.cameras.filter(({sent}) => sent.some((number) => number >= high));
    assert.ok(lowered.length >= HEEDING / 2, `${lowered.length} of ${HEEDING} sent a lower bit rate`);
    for (const {channel, sent} of heeding.cameras) assert.ok(sent.at(-1) < high, `${channel} ended at the lower bit rate`);
  });

  test('whole groups of pictures are left out, of the newest recordings first; what is stored is whole', async (t) => {
    const [old, recent] = [await gapped(server, heeding.cameras.map(({channel}) => channel)), await gapped(server, deaf.cameras.map(({channel}) => channel))];
    t.diagnostic(`with gaps: ${recent.length} of ${DEAF} that came last, ${old.length} of ${HEEDING} that came first`);
    assert.ok(recent.length > 0, 'nothing was left out');
    assert.ok(recent.length === DEAF || old.length === 0, `${old.join()} rested while some that came later did not`);
    for (const {documents, ...rest} of compared) {
      t.diagnostic(JSON.stringify(rest));
      const {channel, torn, unexplained, altered, reasons, stored} = rest;
      assert.deepEqual({torn, unexplained, altered}, {torn: 0, unexplained: 0, altered: 0}, channel);
      const atTheEnd = reasons.at(-1) === 'publisher_left' ? 1 : 0;  // we stopped it
      assert.ok(reasons.slice(0, reasons.length - atTheEnd).every((reason) => reason === 'overload'), `${channel}: ${reasons}`);
      assert.ok(stored > 0, channel);
      const file = join(folder, `${channel}.mkv`);
      writeFileSync(file, Buffer.concat(documents.map(({bytes}) => bytes)));
      await decodeAll(file);
    }
  });

  test('nothing is lost at random, and nothing is asked for again', () => {
    const [from, to] = [calm.at(-1), relieved.at(-1)];
    assert.equal(to.kernelDrops, 0);
    assert.ok(to.nacks - from.nacks <= (to.received - from.received) / 1000, `${to.nacks - from.nacks} packets of ${to.received - from.received} were asked for again`);
    assert.ok(to.leftOut > 0);
  });

  test('with room again all record, at the full bit rate, without joining anew, and new sessions are let in', (t) => {
    t.diagnostic(`${relieved.length} s: ${JSON.stringify(relieved.at(-1))}`);
    const {refusing, askedForLess, resting} = relieved.at(-1);
    assert.deepEqual({refusing, askedForLess, resting}, {refusing: 0, askedForLess: 0, resting: 0});
    assert.equal(letIn, null);
    for (const {channel, joins, error} of [...heeding.cameras, ...deaf.cameras]) assert.deepEqual([joins, error], [1, null], channel);
    for (const {channel, documents} of compared) assert.ok(Date.now() - Number(documents.at(-1).tags.AWS_KINESISVIDEO_PRODUCER_TIMESTAMP) * 1000 < 30000, `${channel} does not record`);
  });
});

// SPDX-License-Identifier: Apache-2.0
// kill -9 while 20 producers and 5 cameras record, again and again: what was acknowledged PERSISTED or listed is there afterwards,
// bit for bit, and nothing partial is. TEST_KILLS=N takes N random moments (TEST_KILL_SEED repeats a run).
import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {rmSync} from 'node:fs';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {readMatroska} from './lib/matroska.mjs';
import {makeH264, makeOpus, scratch} from './lib/media_files.mjs';
import {block, cluster, endOfFragment, head, Producer} from './lib/put_media.mjs';
import {decodeDocuments, examine} from './lib/recording.mjs';
import {Server} from './lib/server.mjs';

const kills = Number(process.env.TEST_KILLS ?? 5);
const seed = Number(process.env.TEST_KILL_SEED ?? (process.env.TEST_KILLS ? Math.floor(Math.random() * 1e9) : 7));
const producers = 20;
const cameras = 5;
const before100k = 100_000;

/** mulberry32: the same moments and payloads for the same seed. */
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const next = random(seed);
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** One camera that speaks PutMedia: small fragments, several a second, every byte of them known. */
class Source {
  constructor(name) {
    this.name = name;
    this.timecode = 1_000_000;
    this.sent = new Map(); // time code -> hash of the payloads, of fragments that were sent whole
    this.persisted = new Map(); // fragment number -> time code
    this.checked = '0'; // the last number that GetMedia has shown
    this.listed = new Map();
    this.hurry = 0; // so many fragments without a pause
  }

  payload(timecode, index) {
    const bytes = Buffer.alloc((this.hurry > 0 ? 12_000 : 2_000) + ((timecode * 7 + index) % 9_000), timecode & 0xff);
    bytes.writeUInt32BE(timecode >>> 0, 0);
    bytes.writeUInt32BE(index, 4);
    return bytes;
  }

  /** Sends until the connection breaks. */
  async run(server) {
    const producer = await Producer.open(server, this.name).catch(() => null);
    if (!producer) return;
    this.producer = producer;
    await producer.send(head());
    while (!producer.gone) {
      const timecode = (this.timecode += 200);
      this.hurry--;
      const payloads = [0, 1, 2, 3].map((index) => this.payload(timecode, index));
      // In pieces, so that a kill meets fragments in all states.
      await producer.send(cluster(timecode, block(1, 0, payloads[0])));
      for (const [index, bytes] of payloads.slice(1).entries()) {
        if (this.hurry <= 0) await sleep(20 + 30 * Math.random());
        await producer.send(block(1, 40 * (index + 1), bytes, false));
      }
      this.sent.set(timecode, hash(Buffer.concat(payloads)));
      if (timecode % 400 === 0) await producer.send(endOfFragment);
    }
    // A fragment is whole only when its end has been sent; what is open here may still be: the server had all of its bytes.
    this.note();
  }

  note() {
    for (const ack of this.producer?.of('PERSISTED') ?? []) this.persisted.set(ack.FragmentNumber, ack.FragmentTimecode);
  }
}

describe(`kill -9, ${kills} times, seed ${seed}`, () => {
  const folder = scratch('put-kill');
  const dataDir = scratch('put-kill-data');
  const sources = Array.from({length: producers}, (_, i) => new Source(`producer-${i}`));
  const channels = Array.from({length: cameras}, (_, i) => `camera-${i + 1}`);
  const startUps = [];
  const counts = {persisted: 0, listed: 0, unacknowledged: 0, cameraFragments: 0};
  let server, kvs, video, audio, camera;
  const listedOf = Object.fromEntries(channels.map((name) => [name, new Map()]));

  const start = async () => {
    const began = performance.now();
    server = await Server.start({dataDir});
    startUps.push(performance.now() - began);
    kvs = new Kvs(server.url);
  };
  before(async () => {
    video = await makeH264(folder, {seconds: 30, bitrate: '300k', size: '320x240'});
    audio = await makeOpus(folder, {seconds: 30});
    await start();
    for (const source of sources) await kvs.call('CreateStream', {StreamName: source.name, DataRetentionInHours: 24});
  });
  after(async () => {
    await camera?.stop();
    await server?.stop();
    for (const each of [folder, dataDir]) rmSync(each, {recursive: true});
  });

  test('100,000 fragments to start with', async () => {
    const per = before100k / 4;
    await Promise.all(Array.from({length: 4}, async (_, index) => {
      const name = `filler-${index}`;
      await kvs.call('CreateStream', {StreamName: name, DataRetentionInHours: 24});
      const producer = await Producer.open(server, name);
      await producer.send(head());
      for (let from = 0; from < per; from += 500) {
        await producer.send(Buffer.concat(Array.from({length: 500}, (_, i) => cluster(1000 + from + i, block(1, 0, Buffer.alloc(40, i))))));
      }
      await producer.end(60_000);
      assert.equal(producer.of('PERSISTED').length, per);
    }));
  });

  /** Everything behind what was checked before: acknowledged and listed ones are there and whole. */
  async function check(source) {
    const listed = new Map((await kvs.fragments(source.name)).map((each) => [each.FragmentNumber, Number(each.ProducerTimestamp)]));
    for (const [number, timecode] of source.persisted) assert.equal(listed.get(number), timecode, `${source.name}: PERSISTED ${number} is not listed`);
    for (const [number, timecode] of source.listed) assert.equal(listed.get(number), timecode, `${source.name}: ${number} was listed`);
    const fresh = [...listed].filter(([number]) => number > source.checked).sort(([a], [b]) => (a < b ? -1 : 1));
    if (fresh.length === 0) return;
    const selector = source.checked === '0' ? {StartSelectorType: 'EARLIEST'} : {StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: source.checked};
    const documents = readMatroska(await kvs.mediaBytes(source.name, {StartSelector: selector, quiet: 1000, last: fresh.at(-1)[0]}));
    assert.deepEqual(documents.map((document) => document.tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER), fresh.map(([number]) => number));
    for (const [index, document] of documents.entries()) {
      const timecode = fresh[index][1];
      assert.equal(hash(Buffer.concat(document.blocks.map((each) => each.payload))), source.sent.get(timecode), `${source.name}: ${fresh[index][0]} is not what was sent`);
      if (!source.persisted.has(fresh[index][0])) counts.unacknowledged++;
    }
    counts.listed += fresh.length;
    source.checked = fresh.at(-1)[0];
    source.listed = listed;
  }

  async function life() {
    camera = Camera.start(server.url, ['--channel', 'camera', '--count', String(cameras), '--create', '--h264', video.path, '--opus', audio.path, '--ca', server.ca]);
    const running = sources.map((source) => source.run(server));
    const known = sources.map((source) => source.persisted.size);
    const until = performance.now() + 1500 + 2500 * next();
    // Every producer has something to lose, and the moment falls anywhere.
    while (performance.now() < until || sources.some((source, i) => { source.note(); return source.persisted.size <= known[i]; })) await sleep(20);
    for (const source of sources) for (const each of await kvs.fragments(source.name)) source.listed.set(each.FragmentNumber, Number(each.ProducerTimestamp));
    for (const name of channels) {
      const found = await kvs.fragments(name).catch(() => []);
      for (const each of found) listedOf[name].set(each.FragmentNumber, {...each});
    }
    // All at once at the end: the disk is behind, so what is acknowledged too early is not there afterwards.
    for (const source of sources) source.hurry = 60;
    await sleep(50 + 200 * next());
    await server.kill();
    await Promise.all(running);
    for (const source of sources) source.hurry = 0;
    await camera.stop();
    const persisted = sources.reduce((sum, source) => sum + source.persisted.size, 0);
    await start();
    await Promise.all(sources.map(check));
    for (const name of channels) {
      const found = new Map((await kvs.fragments(name).catch(() => [])).map((each) => [each.FragmentNumber, each]));
      for (const [number, each] of listedOf[name]) assert.deepEqual({...found.get(number)}, each, `${name}: ${number}`);
    }
    counts.persisted = persisted;
  }

  for (let i = 1; i <= kills; i++) test(`kill ${i}`, life);

  test('in the end every fragment is still what was sent, and the cameras\' decode', async () => {
    for (const source of sources) {
      source.checked = '0';
      source.listed = new Map();
    }
    counts.listed = counts.unacknowledged = 0;
    await Promise.all(sources.map(check));
    for (const name of channels) {
      if (listedOf[name].size === 0) continue;
      const documents = await kvs.documents(name, {quiet: 1500});
      examine(documents, {withAudio: true});
      const numbers = new Set(documents.map((document) => document.tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER));
      for (const number of listedOf[name].keys()) assert.ok(numbers.has(number), `${name}: ${number}`);
      counts.cameraFragments += documents.length;
      await decodeDocuments(documents.slice(-4), folder);
    }
    assert.ok(counts.cameraFragments > 0, 'no camera was recorded');
    assert.ok(counts.persisted >= producers * kills, `${counts.persisted} acknowledged`);
  });

  test('starting up after a kill, 100,000 fragments in the store, takes less than 2 s', () => {
    const slowest = Math.max(...startUps.slice(1));
    console.log(`put_kill: seed ${seed}, ${kills} kills, ${counts.persisted} PERSISTED and ${counts.listed} listed fragments of producers whole, `
      + `${counts.unacknowledged} of them not acknowledged, ${counts.cameraFragments} of cameras; start-up ${startUps.slice(1).map((ms) => ms.toFixed(0)).join(' ')} ms`);
    assert.ok(slowest < 2000, `${slowest} ms`);
  });
});

// SPDX-License-Identifier: Apache-2.0
// lane: media
// Viewers of a storage session: Chromium with the unmodified Kinesis SDK, a camera as the master.
import assert from 'node:assert/strict';
import {GetClipCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {Browser} from './lib/browser.mjs';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {scratch} from './lib/media_files.mjs';
import {mustRun, probe} from './lib/programs.mjs';
import {binary, credentials, region, Server} from './lib/server.mjs';

const RATE = 15, SECONDS = 6;
const tones = {master: 500, anna: 800, ben: 1250, carl: 2000};
const folder = scratch('viewers');
let server, kvs, browser, channelArn, master, results;

const camera = (name, seconds) => Camera.start(server.url, ['--channel', name, '--stream', name, '--create', '--ca', server.ca, '--duration', String(seconds),
  '--width', '640', '--height', '360', '--picture-rate', String(RATE), '--bitrate-kbps', '500']);
/**
 * The level in dB of a tone in the middle two seconds of a track, as ffmpeg decodes it (Goertzel). A few Hz around it count:
 * a timeline that follows a clock plays a thousandth faster or slower meanwhile.
 */
async function levelsOf(file, map) {
  const pcm = join(folder, 'sound.f32'), rate = 48000;
  await mustRun('ffmpeg', ['-v', 'error', '-y', '-i', file, '-map', map, '-ac', '1', '-ar', String(rate), '-f', 'f32le', pcm]);
  const bytes = readFileSync(pcm);
  const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  const middle = samples.subarray((samples.length >> 1) - rate, (samples.length >> 1) + rate);
  const at = (tone) => {
    const turn = 2 * Math.cos(2 * Math.PI * tone / rate);
    let [before, last] = [0, 0];
    middle.forEach((sample, i) => {
      const window = 0.5 - 0.5 * Math.cos(2 * Math.PI * i / middle.length);
      [before, last] = [last, sample * window + turn * last - before];
    });
    return 10 * Math.log10((before * before + last * last - turn * before * last) / (middle.length / 4) ** 2 + 1e-20);
  };
  return (tone) => Math.max(...Array.from({length: 13}, (_, i) => at(tone + i - 6)));
}
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const config = () => ({region, credentials, endpoint: server.url});
const view = (clientId, input = {}) => browser.call('view', {config: config(), channelArn, clientId, seconds: SECONDS, ...input});

before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  browser = await Browser.start();
  ({ChannelARN: channelArn} = await kvs.recordedChannel('hall'));
  const first = view('first', {deadline: 30});  // before there is a master
  master = camera('hall', 60);
  await kvs.untilFragments('hall', (all) => all.length >= 1, 30000);
  results = await Promise.all([first, view('second', {tone: 700}), view('third'), view('own-offer', {offers: true})]);
});
after(async () => {
  await master?.stop();
  await browser?.stop();
  await server?.stop();
  rmSync(folder, {recursive: true});
});

describe('a master and three viewers who all make a sound', () => {
  const listenFor = Object.values(tones);
  let heard, everybody;
  before(async () => {
    ({ChannelARN: channelArn} = await kvs.recordedChannel('room'));
    const all = Object.entries(tones).map(([clientId, tone]) => view(clientId, {tone, listenFor, seconds: 15, isMaster: clientId === 'master'}));
    const ends = await Promise.all(all);
    heard = Object.fromEntries(Object.keys(tones).map((name, i) => [name, ends[i]]));
    everybody = ends.map((each) => each.heard);
  });

  for (const [name, own] of Object.entries(tones)) {
    test(`${name} hears the three others and not itself`, (t) => {
      // While everybody is there.
      const [from, to] = [Math.max(...everybody.map((each) => each[0].at)) + 1500, Math.min(...everybody.map((each) => each.at(-1).at)) - 1000];
      assert.ok(to - from > 2000, `together for ${to - from} ms`);
      const late = heard[name].heard.filter(({at}) => at > from && at < to);
      const level = (tone) => median(late.map((each) => each[tone]));
      t.diagnostic(listenFor.map((tone) => `${tone} Hz ${level(tone).toFixed(1)} dB`).join(', '));
      const others = listenFor.filter((tone) => tone !== own).map(level);
      assert.ok(Math.max(...others) - Math.min(...others) < 6, others.join(' '));
      assert.ok(level(own) < Math.min(...others) - 40, `own ${level(own)}, others ${others.join(' ')}`);
    });
  }
});

describe('what was recorded of them', () => {
  const listed = Object.keys(tones).filter((name) => name !== 'master');

  test('the sound that readers get has everybody in it', async (t) => {
    const all = (await kvs.fragments('room')).sort((a, b) => a.ProducerTimestamp - b.ProducerTimestamp);
    const StartTimestamp = all[0].ProducerTimestamp, EndTimestamp = new Date(+all.at(-1).ProducerTimestamp + 1);
    const {Payload} = await kvs.archive.send(new GetClipCommand({StreamName: 'room', ClipFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: {StartTimestamp, EndTimestamp}}}));
    const file = join(folder, 'room.mp4');
    writeFileSync(file, await Payload.transformToByteArray());
    const level = await levelsOf(file, '0:a:0');
    t.diagnostic(Object.values(tones).map((tone) => `${tone} Hz ${level(tone).toFixed(1)} dB`).join(', '));
    for (const tone of Object.values(tones)) assert.ok(level(tone) > level(3100) + 30, `${tone} Hz: ${level(tone)} dB, ${level(3100)} dB where nobody is`);
  });

  test('each has a track of its own under its client id', async (t) => {
    const file = join(folder, 'room.mkv');
    await mustRun(binary, ['export', 'room', '-o', file, '--data-dir', server.dataDir]);
    const {streams} = await probe(file);
    const sound = streams.filter((each) => each.codec_name === 'opus');
    assert.deepEqual(sound.map((each) => each.tags?.title ?? '').sort(), ['', ...listed].sort());
    for (const {index, tags} of sound) {
      const name = tags?.title || 'master';
      const level = await levelsOf(file, `0:${index}`);
      const others = Object.values(tones).filter((tone) => tone !== tones[name]).map(level);
      t.diagnostic(`${name}: own ${level(tones[name]).toFixed(1)} dB, others at most ${Math.max(...others).toFixed(1)} dB`);
      assert.ok(level(tones[name]) > Math.max(...others) + 40, `${name}: ${level(tones[name])} against ${others.join(' ')}`);
    }
  });
});

describe('four viewers of one camera', () => {
  for (const [index, name] of ['a viewer that was there before the master', 'a viewer that speaks', 'a viewer', 'a viewer that makes the offer itself'].entries()) {
    test(`${name} sees it live`, (t) => {
      const {firstFrameMs, ages, size, video, statuses} = results[index];
      t.diagnostic(JSON.stringify({firstFrameMs, age: median(ages), frames: video?.framesDecoded, dropped: video?.framesDropped, lost: video?.packetsLost, freezes: video?.freezeCount}));
      assert.deepEqual(size, [640, 360]);
      assert.ok(video.framesReceived >= SECONDS * RATE * 0.9, `${video.framesReceived} frames`);
      assert.ok(video.framesDecoded > 0 && video.packetsLost === 0);
      assert.deepEqual(statuses, []);
    });
  }

  test('what they see is less than half a second old', () => {
    const age = median(results.flatMap((each) => each.ages));
    assert.ok(age < 500, `${age} ms`);
  });

  test('the first picture is there at once', () => {
    for (const {firstFrameMs} of results.slice(1)) assert.ok(firstFrameMs < 3000, `${firstFrameMs} ms`);
  });
});

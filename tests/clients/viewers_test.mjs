// SPDX-License-Identifier: Apache-2.0
// lane: media
// Viewers of a storage session: Chromium with the unmodified Kinesis SDK, a camera as the master.
import assert from 'node:assert/strict';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {Browser} from './lib/browser.mjs';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {blocksOf, readMatroska} from './lib/matroska.mjs';
import {makeH264, makeOpus, readOgg, scratch} from './lib/media_files.mjs';
import {measure} from './lib/outputs.mjs';
import {mustRun, probe} from './lib/programs.mjs';
import {binary, credentials, region, Server} from './lib/server.mjs';
import {makeVoice, onsets, speak} from './lib/voices.mjs';

const RATE = 15, SECONDS = 6;
const tones = {master: 500, anna: 800, ben: 1250, carl: 2000};
const folder = scratch('viewers');
let server, kvs, browser, channelArn, master, results, choir;

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
  choir = recordChoir().catch((error) => ({error}));
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
    const file = join(folder, 'room.mp4');
    writeFileSync(file, await kvs.clip('room', all));
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

/** A camera whose beeps come with flashes, and three viewers who make bursts of their tones at known times, one after the other in each second. */
async function recordChoir() {
  const voices = await Promise.all([['dora', 600, 0.35], ['emil', 1500, 0.55], ['fred', 2200, 0.75]].map(([name, tone, offset]) => makeVoice(folder, {name, tone, offset, seconds: 5})));
  const files = {video: await makeH264(folder, {seconds: 10, fps: 15, size: '320x180', bitrate: '300k', name: 'choir.h264'}), audio: await makeOpus(folder, {seconds: 9.8, channels: 1, name: 'choir.ogg'})};
  // Packets that are sent so late that their fragment is closed are not in what readers hear of it: no voice at a known time.
  for (let tries = 1; ; tries++) {
    const take = await recordVoices(`choir-${tries}`, voices, files);
    if (tries === 3 || take.voices.every(({lag}) => lag < 300)) return {...take, files};
  }
}

async function recordVoices(name, voices, files) {
  const {ChannelARN} = await kvs.recordedChannel(name);
  const leader = Camera.start(server.url, ['--channel', name, '--stream', name, '--ca', server.ca, '--h264', files.video.path, '--opus', files.audio.path, '--frame-rate', '15', '--duration', '60']);
  const [first] = await kvs.untilFragments(name, (all) => all.length >= 1, 30000);
  const phase = +first.ProducerTimestamp % 1000;  // of the flashes
  const said = await Promise.all(voices.map((voice) => speak({server, kvs, channelArn: ChannelARN, voice, phase})));
  leader.process.kill('SIGTERM');  // the last packets get two seconds
  const {cameras: [led]} = await leader.report();
  const fragments = await kvs.untilFragments(name, (all) => all.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) > led.published_ms - 200);
  return {name, voices: voices.map((voice, i) => ({...voice, ...said[i]})), fragments, packetsOfMaster: led.audio_frames};
}

describe('voices at known times', () => {
  before(async () => {
    choir = await choir;
    if (choir.error) throw choir.error;
  });

  test('the sound that readers get has everybody within 40 ms of his time', async (t) => {
    const file = join(folder, 'choir.mp4'), beep = 1000;
    writeFileSync(file, await kvs.clip(choir.name, choir.fragments));
    const {picture, ...found} = await onsets(file, [beep, ...choir.voices.map(({tone}) => tone)]);
    const flashes = (await measure(file)).video.marks;
    const zero = +choir.fragments[0].ProducerTimestamp / 1000 - picture;  // the wall clock at the file's own zero
    const expected = {[beep]: flashes, ...Object.fromEntries(choir.voices.map(({tone, offset, seconds, began}) =>
      [tone, Array.from({length: seconds}, (_, second) => began / 1000 - zero + second + offset)]))};
    t.diagnostic(choir.voices.map(({name, lag}) => `${name} was up to ${Math.round(lag)} ms late`).join(', '));
    for (const [tone, times] of Object.entries(expected)) {
      const off = times.map((time) => Math.round(1000 * (found[tone].map((at) => at - time).sort((a, b) => Math.abs(a) - Math.abs(b))[0] ?? Infinity)));
      t.diagnostic(`${tone} Hz: ${off.join(', ')} ms late`);
      assert.ok(off.length >= 5, `${off.length} times of ${tone} Hz`);
      for (const each of off) assert.ok(Math.abs(each) <= 40, `${tone} Hz: ${off.join(', ')} ms`);
      assert.equal(found[tone].length - times.length, tone === String(beep) ? 1 : 0, `${tone} Hz is heard at ${found[tone]}, made at ${times}`);  // the first flash is there from the start
    }
  });

  test('the Opus that is exported of each is what was sent, packet by packet', async (t) => {
    const file = join(folder, 'choir.mkv');
    await mustRun(binary, ['export', choir.name, '-o', file, '--data-dir', server.dataDir]);
    const documents = readMatroska(readFileSync(file));
    // The master repeats its file; its sound ends with its last picture.
    const film = readOgg(readFileSync(choir.files.audio.path)).slice(2);
    const sent = {'': Array.from({length: choir.packetsOfMaster}, (_, i) => film[i % film.length]), ...Object.fromEntries(choir.voices.map(({name, packets}) => [name, packets]))};
    const stored = Map.groupBy(blocksOf(documents, 'A_OPUS'), ({track, document}) => document.tracks.find(({number}) => number === track).name ?? '');
    assert.deepEqual([...stored.keys()].sort(), Object.keys(sent).sort());
    for (const [name, packets] of Object.entries(sent)) {
      const blocks = stored.get(name);
      t.diagnostic(`${name || 'the master'}: ${blocks.length} of ${packets.length} packets`);
      assert.ok(name === '' ? packets.length - blocks.length <= 4 : packets.length === blocks.length, `${name}: ${blocks.length} of ${packets.length} packets`);
      blocks.forEach(({payload}, i) => assert.ok(payload.equals(packets[i]), `packet ${i} of '${name}'`));
      const steps = blocks.slice(1).map(({ms}, i) => ms - blocks[i].ms).filter((step) => Math.abs(step - 20) > 2);
      assert.equal(steps.length, name === '' ? Math.floor((packets.length - 1) / film.length) : 0, `packets of '${name}' come after ${steps} ms`);  // the film's sound is shorter than its pictures
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

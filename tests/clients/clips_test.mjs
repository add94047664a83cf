// SPDX-License-Identifier: Apache-2.0
// GetClip, GetImages and HLS LIVE_REPLAY over a camera's recording: what comes out is compared with what GetMedia gives.
import assert from 'node:assert/strict';
import {GetClipCommand, GetImagesCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from './lib/camera.mjs';
import {errorOf, Kvs} from './lib/kvs.mjs';
import {blocksOf} from './lib/matroska.mjs';
import {scratch} from './lib/media_files.mjs';
import {decodeAll, mustRun, probe} from './lib/programs.mjs';
import {AAC, AVC} from './lib/recording.mjs';
import {Server} from './lib/server.mjs';

const WIDTH = 320, HEIGHT = 240, RATE = 15;
const folder = scratch('clips');
let server, kvs, listed, documents;

before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  const camera = Camera.start(server.url, ['--channel', 'porch', '--stream', 'porch', '--create', '--ca', server.ca, '--duration', '16',
    '--width', String(WIDTH), '--height', String(HEIGHT), '--picture-rate', String(RATE), '--bitrate-kbps', '400']);
  await camera.report();
  await kvs.call('CreateStream', {StreamName: 'forgetful', DataRetentionInHours: 0});
  await kvs.call('CreateStream', {StreamName: 'empty', DataRetentionInHours: 1});
  listed = await kvs.untilFragments('porch', (all) => all.length >= 6);
  documents = await kvs.documents('porch', {quiet: 1000});
  assert.equal(documents.length, listed.length);
});
after(async () => {
  await server?.stop();
  rmSync(folder, {recursive: true});
});

/** Boxes at the top level of an MP4. */
function boxes(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes.readUInt32BE(at);
    assert.ok(size >= 8, `a box of ${size} bytes at ${at}`);
    found.push(bytes.toString('latin1', at + 4, at + 8));
    at += size;
  }
  return found;
}

describe('GetClip', () => {
  const clip = async (type, StartTimestamp, EndTimestamp, StreamName = 'porch') => kvs.archive.send(new GetClipCommand(
    {StreamName, ClipFragmentSelector: {FragmentSelectorType: type, TimestampRange: {StartTimestamp, EndTimestamp}}}));

  for (const [type, time] of [['PRODUCER_TIMESTAMP', 'ProducerTimestamp'], ['SERVER_TIMESTAMP', 'ServerTimestamp']]) {
    test(`the fragments that start in the range, whole, as one MP4 with its index in front (${type})`, async () => {
      const [from, to] = [1, 4];
      const answer = await clip(type, listed[from][time], listed[to][time]);
      const bytes = Buffer.from(await answer.Payload.transformToByteArray());
      assert.equal(answer.ContentType, 'video/mp4');
      const order = boxes(bytes);
      assert.equal(order[0], 'ftyp');
      assert.ok(order.indexOf('moov') < order.indexOf('mdat'), order.join(' '));
      assert.ok(!order.includes('moof'), 'not fragmented');
      const file = join(folder, `${type}.mp4`);
      writeFileSync(file, bytes);
      await decodeAll(file);
      const {streams} = await probe(file, ['-count_packets']);
      const chosen = documents.slice(from, to + 1);
      const video = streams.find((each) => each.codec_type === 'video'), audio = streams.find((each) => each.codec_type === 'audio');
      assert.equal(video.codec_name, 'h264');
      assert.equal(audio.codec_name, 'aac');
      assert.equal(Number(video.nb_read_packets), blocksOf(chosen, AVC).length);
      // A fragment's sound begins up to three AAC units before its picture; a file begins with its first picture.
      const units = blocksOf(chosen, AAC).length - Number(audio.nb_read_packets);
      assert.ok(units >= 0 && units <= 3, `${units} units are missing`);
      const span = listed.slice(from, to + 1).reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0);
      assert.ok(Math.abs(Number(video.duration) * 1000 - span) < 1000 / RATE, `${video.duration} s of ${span} ms`);
      assert.ok(Math.abs(Number(video.start_time) - Number(audio.start_time)) < 0.04, `sound starts at ${audio.start_time}, pictures at ${video.start_time}`);
      assert.ok(Math.abs(Number(video.duration) - Number(audio.duration)) < 0.04 + 1 / RATE);
    });
  }

  test('says its length before it is sent', async () => {
    const url = new URL('/getClip', server.url);
    let headers;
    kvs.archive.middlewareStack.add((next) => async (args) => {
      const result = await next(args);
      headers = result.response?.headers;
      return result;
    }, {step: 'deserialize', name: 'headers', override: true});
    const answer = await clip('PRODUCER_TIMESTAMP', listed[0].ProducerTimestamp, listed[1].ProducerTimestamp);
    const bytes = await answer.Payload.transformToByteArray();
    kvs.archive.middlewareStack.remove('headers');
    assert.equal(Number(headers['content-length']), bytes.length, url.href);
    assert.equal(headers['transfer-encoding'], undefined);
  });

  test('what it refuses', async () => {
    const at = (ms) => new Date(+listed[0].ProducerTimestamp + ms);
    const refused = async (call, name, status = 400) => {
      const error = await errorOf(call);
      assert.deepEqual([error.name, error.status], [name, status], error.message);
    };
    await refused(clip('PRODUCER_TIMESTAMP', at(0), at(0)), 'InvalidArgumentException');
    await refused(clip('PRODUCER_TIMESTAMP', at(0), at(24 * 3600e3 + 1000)), 'InvalidArgumentException');
    await refused(clip('PRODUCER_TIMESTAMP', at(-7200e3), at(-3600e3)), 'ResourceNotFoundException', 404);
    await refused(clip('PRODUCER_TIMESTAMP', at(0), at(1000), 'nobody'), 'ResourceNotFoundException', 404);
    await refused(clip('PRODUCER_TIMESTAMP', at(0), at(1000), 'forgetful'), 'NoDataRetentionException');
  });
});

describe('GetImages', () => {
  const images = (input) => kvs.archive.send(new GetImagesCommand({StreamName: 'porch', ImageSelectorType: 'PRODUCER_TIMESTAMP', Format: 'PNG', SamplingInterval: 700, ...input}));
  const raw = async (bytes, args = []) => (await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-i', bytes, ...args, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'])).stdoutBytes;
  const size = WIDTH * HEIGHT * 3;
  let pictures;  // [{at: producer ms, pixels}] of the whole recording, decoded by ffmpeg

  before(async () => {
    pictures = [];
    for (const document of documents) {
      const file = join(folder, 'fragment.mkv');
      writeFileSync(file, document.bytes);
      const pixels = await raw(file, ['-fps_mode', 'passthrough', '-map', '0:v']);
      const blocks = blocksOf([document], AVC);
      assert.equal(pixels.length, blocks.length * size);
      const start = Number(document.tags.AWS_KINESISVIDEO_PRODUCER_TIMESTAMP) * 1000;
      blocks.forEach((block, i) => pictures.push({at: start + block.ms - blocks[0].ms, pixels: pixels.subarray(i * size, (i + 1) * size)}));
    }
  });

  const distance = (a, b) => {
    let sum = 0;
    for (let i = 0; i < a.length; i += 7) sum += (a[i] - b[i]) ** 2;
    return sum / Math.ceil(a.length / 7);
  };
  /** The picture that is shown at a time, and the most similar one of all. */
  const compare = (pixels, time) => {
    const shown = pictures.filter((each) => each.at <= time + 1).length - 1;
    const distances = pictures.map((each) => distance(each.pixels, pixels));
    const best = distances.indexOf(Math.min(...distances));
    return {shown: Math.max(shown, 0), best, psnr: 10 * Math.log10(255 ** 2 / distances[best])};
  };
  const decode = async (image, name) => {
    const file = join(folder, name);
    writeFileSync(file, Buffer.from(image.ImageContent, 'base64'));
    return file;
  };

  for (const [Format, least] of [['PNG', 40], ['JPEG', 30]]) {
    test(`${Format}: the picture that is shown at each time`, async () => {
      const StartTimestamp = listed[0].ProducerTimestamp, EndTimestamp = new Date(+StartTimestamp + 9000);
      const {Images, NextToken} = await images({Format, StartTimestamp, EndTimestamp});
      assert.equal(NextToken, undefined);
      assert.deepEqual(Images.map((image) => +image.TimeStamp - +StartTimestamp), Array.from({length: 13}, (_, i) => i * 700));
      for (const [index, image] of Images.entries()) {
        assert.equal(image.Error, undefined);
        const file = await decode(image, `${index}.${Format.toLowerCase()}`);
        const {streams: [stream]} = await probe(file);
        assert.deepEqual([stream.codec_name, stream.width, stream.height], [Format === 'PNG' ? 'png' : 'mjpeg', WIDTH, HEIGHT]);
        const found = compare(await raw(file), +image.TimeStamp);
        assert.equal(found.best, found.shown, `image ${index} is picture ${found.best}, expected ${found.shown}`);
        assert.ok(found.psnr > least, `image ${index}: ${found.psnr} dB`);
      }
    });
  }

  test('by server time, too', async () => {
    const {Images} = await images({ImageSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: listed[1].ServerTimestamp, EndTimestamp: new Date(+listed[1].ServerTimestamp + 1500)});
    assert.equal(Images.length, 3);
    const offset = +listed[1].ProducerTimestamp - +listed[1].ServerTimestamp;
    const found = compare(await raw(await decode(Images[1], 'server.png')), +Images[1].TimeStamp + offset);
    assert.ok(Math.abs(found.best - found.shown) <= 1, JSON.stringify(found));
  });

  test('sizes: both stretch, the height alone keeps the shape, the width alone is refused', async () => {
    const StartTimestamp = listed[0].ProducerTimestamp, EndTimestamp = StartTimestamp;
    for (const [input, expected] of [[{WidthPixels: 111, HeightPixels: 77}, [111, 77]], [{HeightPixels: 120}, [160, 120]], [{HeightPixels: 480}, [640, 480]]]) {
      for (const Format of ['JPEG', 'PNG']) {
        const {Images} = await images({Format, StartTimestamp, EndTimestamp, ...input});
        const {streams: [stream]} = await probe(await decode(Images[0], `size.${Format.toLowerCase()}`));
        assert.deepEqual([stream.width, stream.height], expected);
      }
    }
    assert.equal((await errorOf(images({StartTimestamp, EndTimestamp, WidthPixels: 100}))).name, 'ValidationException');
  });

  test('JPEG quality', async () => {
    const StartTimestamp = listed[0].ProducerTimestamp, EndTimestamp = StartTimestamp;
    const bytes = [];
    for (const quality of ['1', '30', '80', '100']) {
      const {Images} = await images({Format: 'JPEG', FormatConfig: {JPEGQuality: quality}, StartTimestamp, EndTimestamp});
      bytes.push(Images[0].ImageContent.length);
    }
    assert.deepEqual(bytes, [...bytes].sort((a, b) => a - b));
    assert.ok(bytes[3] > 2 * bytes[0], bytes.join(' '));
    for (const quality of ['0', '101', 'high']) {
      assert.equal((await errorOf(images({Format: 'JPEG', FormatConfig: {JPEGQuality: quality}, StartTimestamp, EndTimestamp}))).name, 'InvalidArgumentException');
    }
  });

  test('pages, and NO_MEDIA where nothing was recorded', async () => {
    const StartTimestamp = new Date(+listed[0].ProducerTimestamp - 3000), EndTimestamp = new Date(+StartTimestamp + 12000);
    const input = {Format: 'JPEG', StartTimestamp, EndTimestamp, SamplingInterval: 500, MaxResults: 7};
    const all = [];
    const sizes = [];
    for (let NextToken; ;) {
      const page = await images({...input, NextToken});
      all.push(...page.Images);
      sizes.push(page.Images.length);
      NextToken = page.NextToken;
      if (!NextToken) break;
    }
    assert.deepEqual(sizes, [7, 7, 7, 4]);
    assert.deepEqual(all.map((image) => +image.TimeStamp - +StartTimestamp), Array.from({length: 25}, (_, i) => i * 500));
    assert.deepEqual(all.map((image) => image.Error ?? 'image'), all.map((_, i) => (i < 6 ? 'NO_MEDIA' : 'image')));
    assert.equal((await errorOf(images({...input, NextToken: '12345'}))).name, 'InvalidArgumentException');
    const {Images} = await images({StreamName: 'empty', StartTimestamp, EndTimestamp: StartTimestamp});
    assert.deepEqual(Images.map((image) => image.Error), ['NO_MEDIA']);
  });

  test('what it refuses', async () => {
    const StartTimestamp = listed[0].ProducerTimestamp;
    const at = (ms) => new Date(+StartTimestamp + ms);
    for (const [input, name] of [
      [{StartTimestamp, EndTimestamp: at(-1)}, 'InvalidArgumentException'],
      [{StartTimestamp, EndTimestamp: at(300_001)}, 'InvalidArgumentException'],
      [{StartTimestamp, EndTimestamp: at(1000), SamplingInterval: 199}, 'InvalidArgumentException'],
      [{StartTimestamp, EndTimestamp: at(1000), StreamName: 'nobody'}, 'ResourceNotFoundException'],
      [{StartTimestamp, EndTimestamp: at(1000), StreamName: 'forgetful'}, 'NoDataRetentionException'],
    ]) assert.equal((await errorOf(images(input))).name, name, JSON.stringify(input));
  });
});

describe('HLS LIVE_REPLAY', {concurrency: true}, () => {
  const playlist = async (url) => {
    const master = await (await fetch(url)).text();
    const answer = await fetch(new URL(master.split('\n').find((line) => line && !line.startsWith('#')), url));
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return {
      text,
      first: Number(text.match(/#EXT-X-MEDIA-SEQUENCE:(\d+)/)[1]),
      numbers: [...text.matchAll(/FragmentNumber=(\d+)/g)].map((match) => match[1]),
      ended: text.includes('#EXT-X-ENDLIST'),
    };
  };

  test('fragments follow as time passes, each once and in its place, up to the end', async () => {
    const range = {StartTimestamp: listed[0].ProducerTimestamp, EndTimestamp: listed.at(-1).ProducerTimestamp};
    const url = await kvs.hlsUrl('porch', {PlaybackMode: 'LIVE_REPLAY', MaxMediaPlaylistFragmentResults: 3, HLSFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: range}});
    const began = Date.now();
    const seen = new Map();  // place in the sequence -> number
    let last;
    for (const end = began + 30000; Date.now() < end; await sleep(200)) {
      last = await playlist(url);
      assert.ok(last.numbers.length <= 3 && !last.text.includes('PLAYLIST-TYPE'), last.text);
      last.numbers.forEach((number, i) => {
        assert.equal(seen.get(last.first + i) ?? number, number, 'a place keeps its fragment');
        if (!seen.has(last.first + i)) seen.set(last.first + i, number);
      });
      const newest = last.first + last.numbers.length - 1;
      const played = listed.slice(0, newest).reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0);
      assert.ok(played <= Date.now() - began + 10_500, `fragment ${newest}, ${played} ms in, after ${Date.now() - began} ms`);
      if (last.ended) break;
    }
    assert.ok(last.ended, last.text);
    assert.deepEqual([...seen.entries()].sort((a, b) => a[0] - b[0]).map(([, number]) => number), listed.map((each) => each.FragmentNumber));
    const total = listed.slice(0, -1).reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0);
    assert.ok(Date.now() - began >= total - 10_500, 'not all at once');
  });

  test('without an end it goes over into what is being recorded', async () => {
    const camera = Camera.start(server.url, ['--channel', 'porch', '--stream', 'porch', '--ca', server.ca, '--duration', '12',
      '--width', String(WIDTH), '--height', String(HEIGHT), '--picture-rate', String(RATE), '--bitrate-kbps', '400']);
    const start = listed.at(-3);
    const url = await kvs.hlsUrl('porch', {PlaybackMode: 'LIVE_REPLAY', HLSFragmentSelector: {FragmentSelectorType: 'SERVER_TIMESTAMP', TimestampRange: {StartTimestamp: start.ServerTimestamp}}});
    let last = await playlist(url);
    assert.equal(last.numbers[0], start.FragmentNumber);
    assert.equal(last.numbers.length, 3);
    for (const end = Date.now() + 20000; Date.now() < end && last.first + last.numbers.length < 6; await sleep(300)) last = await playlist(url);
    assert.ok(last.first + last.numbers.length >= 6, last.text);
    assert.ok(!last.ended);
    await camera.report();
  });

  test('what it refuses', async () => {
    const ask = (HLSFragmentSelector) => errorOf(kvs.hlsUrl('porch', {PlaybackMode: 'LIVE_REPLAY', ...(HLSFragmentSelector ? {HLSFragmentSelector} : {})}));
    const StartTimestamp = listed[0].ServerTimestamp;
    assert.match((await ask()).message, /required when PlaybackMode is LIVE_REPLAY/);
    assert.match((await ask({TimestampRange: {EndTimestamp: StartTimestamp}})).message, /StartTimestamp is required/);
    assert.match((await ask({TimestampRange: {StartTimestamp, EndTimestamp: new Date(Date.now() + 60000)}})).message, /must be in the past/);
    assert.equal((await ask({TimestampRange: {StartTimestamp: new Date(+StartTimestamp - 7200e3), EndTimestamp: new Date(+StartTimestamp - 3600e3)}})).name, 'ResourceNotFoundException');
  });
});

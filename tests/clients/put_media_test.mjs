// SPDX-License-Identifier: Apache-2.0
// PutMedia as producers speak it: the captured Kinesis producer, real muxers, errors, two connections, high rates.
import assert from 'node:assert/strict';
import {GetClipCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {request} from 'node:http';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {errorOf, Kvs} from './lib/kvs.mjs';
import {readMatroska} from './lib/matroska.mjs';
import {scratch} from './lib/media_files.mjs';
import {decodeAll, mustRun, probe} from './lib/programs.mjs';
import {block, cluster, endOfFragment, head, knownCluster, Producer, putMediaHeaders, tags} from './lib/put_media.mjs';
import {binary, Server} from './lib/server.mjs';

const vectors = new URL('../vectors/', import.meta.url);
const frame = (size = 100, fill = 0xaa) => Buffer.alloc(size, fill);
const now = () => Date.now();

/** The clusters of a producer's body as [offset of the element, offset of its children, end], sizes known or not. */
function clustersOf(bytes) {
  const found = [];
  for (let at = bytes.indexOf('1f43b675', 0, 'hex'); at >= 0; at = bytes.indexOf('1f43b675', at + 4, 'hex')) found.push(at);
  return found;
}

/** The time code of the cluster at `at`: its first child but for a CRC-32. */
function timecodeOf(bytes, at) {
  let from = at + 4 + Math.clz32(bytes[at + 4]) - 23;
  if (bytes[from] === 0xbf) from += 6;
  assert.equal(bytes[from], 0xe7);
  const length = bytes[from + 1] & 0x7f;
  return Number(bytes.readUIntBE(from + 2, length));
}

const firstPictureMs = (file) => {
  const [{tracks, blocks}] = readMatroska(readFileSync(file));
  const {number} = tracks.find(({codec}) => codec[0] === 'V');
  return Math.min(...blocks.filter(({track}) => track === number).map(({ms}) => ms));
};

/** The hash of each packet's bytes from a time on (ms), as ffmpeg reads them: in Annex B, so that the container does not show. */
async function packetHashes(file, type, from = 0) {
  const filter = {h264: ['-bsf:v', 'h264_mp4toannexb'], hevc: ['-bsf:v', 'hevc_mp4toannexb']};
  const codec = (await probe(file)).streams.find((each) => each.codec_type[0] === type).codec_name;
  const {stdout} = await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-i', file, '-map', `0:${type}`, '-c', 'copy', ...(filter[codec] ?? []), '-f', 'framehash', '-']);
  const rows = stdout.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split(','));
  return rows.filter((row) => Number(row[2]) >= from).map((row) => row.at(-1).trim()).join('\n');
}

describe('PutMedia', () => {
  const folder = scratch('put-media');
  let server, kvs, idle;
  const stream = async (name, hours = 24) => {
    await kvs.call('CreateStream', {StreamName: name, DataRetentionInHours: hours});
    return name;
  };
  /** What GetMedia gives, once so many fragments are listed. */
  const stored = async (name, count) => {
    await kvs.untilFragments(name, (found) => found.length >= count);
    return kvs.documents(name, {quiet: 700});
  };
  const blocks = (documents) => documents.flatMap((document) => document.blocks.map((each) => `${each.track} ${each.ticks} ${each.key} ${each.payload.toString('base64')}`));

  before(async () => {
    server = await Server.start();
    kvs = new Kvs(server.url);
    // Silence takes 30 s: it runs beside everything else.
    await stream('idle');
    idle = await Producer.open(server, 'idle');
    idle.since = now();
    idle.socket.on('end', () => { idle.closedAfter = now() - idle.since; });
    idle.send(Buffer.concat([head(), cluster(now(), block(1, 0, frame())), endOfFragment]));
  });
  after(async () => {
    rmSync(folder, {recursive: true});
    await server?.stop();
  });

  describe('the captured Kinesis producer', () => {
    const body = readFileSync(new URL('kvssink-putmedia-body.mkv', vectors));
    const captured = JSON.parse(readFileSync(new URL('kvssink-putmedia.json', vectors))).find((entry) => entry.target === '/putMedia');
    const at = clustersOf(body);
    const sent = readMatroska(body)[0];

    test('the request is the literal one', () => {
      const lines = putMediaHeaders('mystream');
      const plain = ([name, value]) => [name, ['Authorization', 'X-Amz-Date'].includes(name) ? '' : value];
      assert.deepEqual(lines.map(plain), captured.headers.map(plain));
      const signedOf = (headers) => headers.find(([name]) => name === 'Authorization')[1].match(/SignedHeaders=[^,]+/)[0];
      assert.equal(signedOf(lines), signedOf(captured.headers));
    });

    test('acknowledgements come in order while the request is open', async () => {
      await stream('mystream');
      const producer = await Producer.open(server, 'mystream');
      assert.deepEqual(producer.statuses, [100, 200]);
      await producer.send(body.subarray(0, at[0]));
      const timecodes = at.map((offset) => Number(body.readBigUInt64BE(offset + 7)));
      for (const [index, offset] of at.entries()) {
        await producer.send(body.subarray(offset, offset + 15)); // up to the time code
        await producer.untilAck('BUFFERING', timecodes[index]);
        if (index > 0) await producer.untilAck('PERSISTED', timecodes[index - 1]);
        const end = at[index + 1] ?? body.length;
        for (let from = offset + 15; from < end; from += 7000) await producer.send(body.subarray(from, Math.min(end, from + 7000)));
      }
      await producer.untilAck('PERSISTED', timecodes.at(-1)); // its end-of-fragment tag: the body has not ended
      assert.ok(!producer.ended);
      const acks = await producer.end();
      assert.equal(acks.length, 3 * at.length);
      const listed = await kvs.fragments('mystream');
      assert.deepEqual(listed.map((each) => Number(each.ProducerTimestamp)), timecodes);
      for (const [index, timecode] of timecodes.entries()) {
        const own = acks.filter((ack) => ack.FragmentTimecode === timecode);
        assert.deepEqual(own.map((ack) => ack.EventType), ['BUFFERING', 'RECEIVED', 'PERSISTED']);
        for (const ack of own) assert.equal(ack.FragmentNumber, listed[index].FragmentNumber);
        assert.match(own[0].text, /^\{"EventType":"BUFFERING","FragmentTimecode":\d+,"FragmentNumber":"\d{47}"\}$/);
      }
    });

    test('GetMedia gives each cluster back bit for bit, one document each, and ffmpeg decodes them', async () => {
      const documents = await stored('mystream', at.length);
      assert.equal(documents.length, at.length);
      for (const [index, document] of documents.entries()) {
        const bytes = document.bytes;
        assert.ok(bytes.subarray(0, 40).equals(body.subarray(0, 40)), 'the EBML header as sent');
        assert.equal(bytes.toString('hex', 40, 52), '1853806701ffffffffffffff');
        assert.ok(bytes.subarray(52, 52 + at[0] - 45).equals(body.subarray(45, at[0])), 'Info and Tracks as sent');
        // Contract 4.3: our Tags, the cluster with eight bytes of size, the producer's tags, our last Tags.
        const start = bytes.indexOf('1f43b675', 0, 'hex');
        const size = Number(bytes.readBigUInt64BE(start + 4) & 0xffffffffffffffn);
        const children = bytes.subarray(start + 12, start + 12 + size);
        const end = at[index + 1] ?? body.length;
        const sentChildren = body.subarray(at[index] + 5, end);
        assert.ok(children.equals(sentChildren.subarray(0, children.length)), 'the cluster as sent');
        const behind = bytes.subarray(start + 12 + size);
        assert.ok(behind.subarray(0, sentChildren.length - children.length).equals(sentChildren.subarray(children.length)));
        assert.equal(bytes.toString('hex', 52 + at[0] - 45, 56 + at[0] - 45), '1254c367');
        const {tags: given} = document;
        assert.match(given.AWS_KINESISVIDEO_FRAGMENT_NUMBER, /^\d{47}$/);
        assert.equal(given.AWS_KINESISVIDEO_CONTINUATION_TOKEN, given.AWS_KINESISVIDEO_FRAGMENT_NUMBER);
        assert.equal(Number(given.AWS_KINESISVIDEO_PRODUCER_TIMESTAMP) * 1000, Number(body.readBigUInt64BE(at[index] + 7)));
        assert.match(given.AWS_KINESISVIDEO_MILLIS_BEHIND_NOW, /^\d+$/);
      }
      assert.deepEqual(blocks(documents), blocks([sent]));
      const file = join(folder, 'kvssink.mkv');
      writeFileSync(file, Buffer.concat(documents.map((document) => document.bytes)));
      await decodeAll(file);
      for (const document of documents) {
        writeFileSync(file, document.bytes);
        await decodeAll(file);
      }
    });

    test('HLS plays it', async () => {
      await decodeAll(await kvs.wholeHlsUrl('mystream', await kvs.fragments('mystream')), {before: ['-allowed_extensions', 'ALL']});
    });
  });

  describe('real muxers', () => {
    const video = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25:duration=5'];
    const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=5'];
    const clusters = ['-cluster_time_limit', '3000', '-cluster_size_limit', '5000000', '-f', 'matroska'];
    const rows = [
      ['h264-aac', [...video, ...sound, '-c:v', 'libx264', '-g', '25', '-bf', '2', '-c:a', 'aac'], ['V_MPEG4/ISO/AVC', 'A_AAC']],
      ['h264-live', [...video, '-c:v', 'libx264', '-g', '25', '-bf', '0', '-live', '1'], ['V_MPEG4/ISO/AVC']],
      ['h265', [...video, '-c:v', 'libx265', '-x265-params', 'keyint=25:min-keyint=25:open-gop=0:log-level=none'], ['V_MPEGH/ISO/HEVC']],
      ['h265-g711', [...video, ...sound, '-c:v', 'libx265', '-x265-params', 'keyint=25:open-gop=0:log-level=none', '-ar', '8000', '-c:a', 'pcm_alaw'], ['V_MPEGH/ISO/HEVC', 'A_MS/ACM']],
      ['aac', [...sound, '-c:a', 'aac', '-cluster_time_limit', '1000'], ['A_AAC']],
    ];
    for (const [name, args, codecs] of rows) {
      test(name, async () => {
        const clusterArgs = args.includes('-cluster_time_limit') ? ['-f', 'matroska'] : clusters;
        const {stdoutBytes: body} = await mustRun('ffmpeg', ['-nostdin', '-v', 'error', ...args, ...clusterArgs, 'pipe:1']);
        writeFileSync(join(folder, `${name}-sent.mkv`), body);
        await stream(name);
        const before = now() / 1000;
        const producer = await Producer.open(server, name, {type: 'RELATIVE', start: String(before)});
        for (let from = 0; from < body.length; from += 3001) await producer.send(body.subarray(from, from + 3001));
        const acks = await producer.end();
        const sent = readMatroska(body)[0];
        assert.deepEqual(sent.tracks.map((track) => track.codec), codecs);
        assert.deepEqual(producer.of('ERROR'), []);
        assert.equal(producer.of('PERSISTED').length, producer.of('BUFFERING').length, JSON.stringify(acks));
        assert.ok(producer.of('PERSISTED').length >= 3);
        const documents = await stored(name, producer.of('PERSISTED').length);
        assert.deepEqual(documents.map((document) => document.tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER), producer.of('PERSISTED').map((ack) => ack.FragmentNumber));
        assert.deepEqual(blocks(documents), blocks([sent]));
        const file = join(folder, `${name}.mkv`);
        writeFileSync(file, Buffer.concat(documents.map((document) => document.bytes)));
        await decodeAll(file);
        for (const document of documents) {
          writeFileSync(file, document.bytes);
          await decodeAll(file);
          assert.equal((await probe(file)).streams.length, codecs.length);
        }
        // Lengths by the frames: together they are as long as the film.
        const listed = await kvs.fragments(name);
        const total = listed.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0);
        assert.ok(Math.abs(total - 5000) < 250, `${total} ms`);
        const expected = before * 1000 + timecodeOf(body, clustersOf(body)[0]);
        assert.ok(Math.abs(Number(listed[0].ProducerTimestamp) - expected) < 2, 'relative time codes count from the start timestamp');
      });
      test(`${name}: HLS`, async () => {
        const file = join(folder, `${name}-hls.mkv`);
        const url = await kvs.wholeHlsUrl(name, await kvs.fragments(name));
        await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-xerror', '-y', '-allowed_extensions', 'ALL', '-i', url, '-map', '0', '-c', 'copy', file]);
        const source = join(folder, `${name}-sent.mkv`);
        const played = codecs.filter((codec) => codec !== 'A_MS/ACM');
        assert.deepEqual((await probe(file)).streams.map((each) => each.codec_type).sort(), played.map((codec) => (codec[0] === 'V' ? 'video' : 'audio')).sort());
        for (const type of played.map((codec) => codec[0].toLowerCase())) {
          // Sound that is over before the first picture, or for the most part, is left out.
          const begin = codecs.length > 1 && type === 'a' ? Math.ceil(firstPictureMs(source) - 512 / 48) : 0;
          assert.equal(await packetHashes(file, type), await packetHashes(source, type, begin), type);
        }
        await decodeAll(url, {before: ['-allowed_extensions', 'ALL']});
        const master = await (await fetch(url)).text();
        const expected = {'h264-aac': /CODECS="avc1\.64[0-9A-F]{4},mp4a\.40\.2"/, h265: /CODECS="hvc1\.1\.6\.L\d+(\.[0-9A-F]+)*"/, aac: /CODECS="mp4a\.40\.2"/}[name];
        if (expected) assert.match(master, expected);
      });
      test(`${name}: HLS of MPEG-TS, the same pictures and sound when decoded`, async () => {
        const url = await kvs.wholeHlsUrl(name, await kvs.fragments(name), {ContainerFormat: 'MPEG_TS'});
        await decodeAll(url);
        const decoded = async (input, type) => (await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-xerror', '-i', input, '-map', `0:${type}`, '-fps_mode', 'passthrough', '-f', 'md5', '-'])).stdout;
        for (const type of codecs.filter((codec) => codec !== 'A_MS/ACM').map((codec) => codec[0].toLowerCase())) {
          const source = join(folder, `${name}-sent.mkv`);
          if (name !== 'h264-aac' || type !== 'a') {
            assert.equal(await decoded(url, type), await decoded(source, type), type);
            continue;
          }
          // Units of sound that begin before the first picture are left out. Not decoded: what a decoder makes of noise
          // depends on what it decoded before.
          const units = async (input) => (await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-xerror', '-i', input, '-map', '0:a', '-c', 'copy', '-f', 'adts', '-'])).stdoutBytes;
          const [played, sent] = [await units(url), await units(source)];
          const {sample_rate: rate} = (await probe(source)).streams.find((each) => each.codec_type === 'audio');
          let at = 0, left = 0;
          for (; at < sent.length - played.length; left += 1) at += (sent.readUInt32BE(at + 2) >> 5) & 0x1fff;  // the frame length of ADTS
          assert.ok(sent.subarray(at).equals(played));
          assert.equal(left, Math.ceil(firstPictureMs(source) * rate / 1024000), 'units before the first picture');
        }
      });
      test(`${name}: export`, async () => {
        const source = join(folder, `${name}-sent.mkv`);
        for (const kind of ['mkv', 'mp4']) {
          const file = join(folder, `${name}-exported.${kind}`);
          const exported = mustRun(binary, ['export', name, '-o', file, '--quiet', '--data-dir', server.dataDir]);
          if (codecs.includes('A_MS/ACM')) {
            await assert.rejects(exported, /A_MS\/ACM/);
            continue;
          }
          await exported;
          await decodeAll(file);
          for (const type of codecs.length === 2 ? ['v', 'a'] : [codecs[0][0].toLowerCase()]) {
            // The file begins with its first picture, or its first cluster's time. ffmpeg's Matroska counts milliseconds.
            const begin = codecs[0][0] === 'V' ? firstPictureMs(source) : timecodeOf(readFileSync(source), clustersOf(readFileSync(source))[0]);
            assert.equal(await packetHashes(file, type), await packetHashes(source, type, begin), `${kind}, ${type}`);
          }
          assert.ok(Math.abs(Number((await probe(file)).format.duration) - 5) < 0.1);
        }
      });
    }
  });

  test('a clip across a change of H.265 parameter sets: sample entry hev1, every picture in its own size', async () => {
    await stream('h265-sizes');
    const start = now() / 1000 - 60;
    for (const [index, size] of ['320x240', '480x360'].entries()) {
      const {stdoutBytes} = await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=2`, '-c:v', 'libx265',
        '-x265-params', 'keyint=25:min-keyint=25:open-gop=0:log-level=none', '-cluster_time_limit', '3000', '-cluster_size_limit', '5000000', '-f', 'matroska', 'pipe:1']);
      const producer = await Producer.open(server, 'h265-sizes', {type: 'RELATIVE', start: String(start + 2 * index)});
      await producer.send(stdoutBytes);
      await producer.end();
    }
    const listed = await kvs.untilFragments('h265-sizes', (found) => found.length >= 4);
    const TimestampRange = {StartTimestamp: listed[0].ProducerTimestamp, EndTimestamp: new Date(+listed.at(-1).ProducerTimestamp + 1)};
    const {Payload} = await kvs.archive.send(new GetClipCommand({StreamName: 'h265-sizes', ClipFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange}}));
    const clip = Buffer.from(await Payload.transformToByteArray());
    assert.ok(clip.includes('hev1') && !clip.includes('hvc1'));
    const file = join(folder, 'h265-sizes.mp4');
    writeFileSync(file, clip);
    await decodeAll(file);
    const {stdout} = await mustRun('ffprobe', ['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=width,height', '-of', 'json', file]);
    const sizes = JSON.parse(stdout).frames.map(({width, height}) => `${width}x${height}`);
    assert.deepEqual(sizes, [...Array(50).fill('320x240'), ...Array(50).fill('480x360')]);
  });

  test('time codes: absolute and relative, decimals of the start as decimals', async () => {
    const rows = [['absolute', 'ABSOLUTE', '5', 1_700_000_000_123, 1_700_000_000_123], ['relative', 'RELATIVE', '1700000000.5', 250, 1_700_000_000_750],
      ['unpadded', 'RELATIVE', '1700000000.05', 1, 1_700_000_000_051], ['float', 'RELATIVE', '1.7000000005E9', 0, 1_700_000_000_500]];
    for (const [name, type, start, timecode, expected] of rows) {
      await stream(name);
      const producer = await Producer.open(server, name, {type, start});
      await producer.send(Buffer.concat([head(), cluster(timecode, block(1, 0, frame()), block(1, 40, frame()))]));
      const acks = await producer.end();
      assert.deepEqual(acks.map((ack) => [ack.EventType, ack.FragmentTimecode]), ['BUFFERING', 'RECEIVED', 'PERSISTED'].map((type) => [type, timecode]));
      const [listed] = await kvs.fragments(name);
      assert.equal(Number(listed.ProducerTimestamp), expected, name);
      assert.equal(listed.FragmentLengthInMilliseconds, 80);
    }
  });

  test('tags behind a cluster stay with its fragment', async () => {
    await stream('tags');
    const producer = await Producer.open(server, 'tags');
    await producer.send(Buffer.concat([head(), cluster(1000, block(1, 0, frame())), tags({motion: 'yes', zone: 'door'}), cluster(2000, block(1, 0, frame())), endOfFragment]));
    await producer.untilAck('PERSISTED', 2000);
    await producer.end();
    const [first, second] = await stored('tags', 2);
    assert.equal(first.tags.motion, 'yes');
    assert.equal(first.tags.zone, 'door');
    assert.equal(second.tags.motion, undefined);
  });

  test('a stream without retention: nothing is PERSISTED, GetMedia gives it', async () => {
    await stream('live', 0);
    const producer = await Producer.open(server, 'live');
    await producer.send(Buffer.concat([head(), ...[1000, 2000].map((ms) => cluster(ms, block(1, 0, frame(100, ms / 1000)))), endOfFragment]));
    await producer.untilAck('RECEIVED', 2000);
    const acks = await producer.end();
    assert.deepEqual(acks.map((ack) => ack.EventType), ['BUFFERING', 'RECEIVED', 'BUFFERING', 'RECEIVED']);
    const documents = await kvs.documents('live', {quiet: 700});
    assert.deepEqual(documents.map((document) => document.blocks[0].payload[0]), [1, 2]);
    assert.deepEqual(documents.map((document) => document.tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER), producer.of('RECEIVED').map((ack) => ack.FragmentNumber));
  });

  test('without acknowledgements: only errors', async () => {
    await stream('silent');
    const producer = await Producer.open(server, 'silent', {acks: '0'});
    await producer.send(Buffer.concat([head(), cluster(1000, block(1, 0, frame())), cluster(1000)]));
    const acks = await producer.end();
    assert.deepEqual(acks.map((ack) => [ack.EventType, ack.ErrorId]), [['ERROR', 4004]]);
    assert.equal((await kvs.fragments('silent')).length, 1);
  });

  test('every error a body can cause, by id and name; the connection ends', async () => {
    const two = [{number: 1, type: 1, codec: 'V_TEST'}, {number: 2, type: 2, codec: 'A_TEST'}];
    const good = cluster(1000, block(1, 0, frame()));
    const rows = [
      [4001, 'MAX_FRAGMENT_SIZE_REACHED', head(), Buffer.concat([Buffer.from('1f43b675', 'hex'), Buffer.from('0100000003000000', 'hex'), Buffer.from('e7820064', 'hex')])],
      [4002, 'MAX_FRAGMENT_DURATION_REACHED', head(), cluster(1000, block(1, 0, frame()), block(1, 20_001, frame()))],
      [4004, 'FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS', head(), good, cluster(999, block(1, 0, frame()))],
      [4006, 'INVALID_MKV_DATA', Buffer.from('this is no Matroska stream')],
      [4006, 'INVALID_MKV_DATA', head(), good, head()],
      [4006, 'INVALID_MKV_DATA', head(), good.subarray(0, good.length - 1)],
      [4007, 'INVALID_PRODUCER_TIMESTAMP', head(), cluster(5_000_000_000_000, block(1, 0, frame()))],
      [4009, 'FRAGMENT_METADATA_LIMIT_REACHED', head(), good, tags({['n'.repeat(129)]: 'v'})],
      [4010, 'TRACK_NUMBER_MISMATCH', head(), cluster(1000, block(7, 0, frame()))],
      [4011, 'FRAMES_MISSING_FOR_TRACK', head(two), good, endOfFragment],
      [4012, 'MORE_THAN_ALLOWED_TRACKS_FOUND', head([1, 2, 3, 4].map((number) => ({number, type: 1, codec: 'V_TEST'}))), good],
    ];
    const before = await server.metrics();
    for (const [index, [id, code, ...parts]] of rows.entries()) {
      const name = await stream(`error-${index}`);
      const producer = await Producer.open(server, name);
      producer.send(Buffer.concat(parts)); // the client goes on: the server ends the answer by itself
      if (id === 4006 && parts.length === 2 && parts[1].length < good.length) producer.socket.write('0\r\n\r\n');
      await producer.until(() => producer.ended, `end after ${id}`);
      const [error] = producer.of('ERROR');
      assert.equal(producer.of('ERROR').length, 1, `${id}: ${JSON.stringify(producer.acks)}`);
      assert.equal(error?.ErrorId, id, JSON.stringify(producer.acks));
      assert.equal(error.ErrorCode, code);
      const whole = producer.of('PERSISTED').map((ack) => ack.FragmentNumber);
      assert.deepEqual((await kvs.fragments(name)).map((each) => each.FragmentNumber), whole, 'nothing partial is listed');
      producer.abort();
    }
    let metrics;
    for (const end = now() + 5000; now() < end; await sleep(50)) {
      metrics = await server.metrics();
      if (metrics.tidegate_put_media_connections === before.tidegate_put_media_connections) break;
    }
    const more = (name) => metrics[name] - before[name];
    for (const id of new Set(rows.map(([each]) => each))) {
      assert.equal(more(`tidegate_put_media_errors_total{id="${id}"}`), rows.filter(([each]) => each === id).length, `metric of ${id}`);
    }
    assert.equal(more('tidegate_put_media_connections_total'), rows.length);
    assert.equal(metrics.tidegate_put_media_connections, before.tidegate_put_media_connections);
    const persisted = (await Promise.all(rows.map((_, index) => kvs.fragments(`error-${index}`)))).flat();
    assert.equal(more('tidegate_put_media_fragments_total'), persisted.length);
  });

  test('a fragment over 50 MB is refused without being held', async () => {
    await stream('large');
    const producer = await Producer.open(server, 'large');
    await producer.send(Buffer.concat([head(), cluster(1000)]));
    const piece = block(1, 0, frame(1_000_000));
    for (let sent = 0; sent < 55 && !producer.ended; sent++) await producer.send(piece);
    await producer.until(() => producer.ended, 'end');
    assert.equal(producer.of('ERROR')[0].ErrorId, 4001);
    producer.abort();
  });

  test('what is wrong with the request is an HTTP error', async () => {
    await stream('refused');
    const arn = (await kvs.call('DescribeStream', {StreamName: 'refused'})).StreamInfo.StreamARN;
    const rows = [
      [404, 'ResourceNotFoundException', putMediaHeaders('nobody')],
      [400, 'InvalidArgumentException', putMediaHeaders('refused', {type: 'SOMETIMES'})],
      [400, 'InvalidArgumentException', putMediaHeaders('refused', {change: {'x-amzn-fragment-timecode-type': null}})],
      [400, 'InvalidArgumentException', putMediaHeaders('refused', {type: 'RELATIVE', start: 'yesterday'})],
      [400, 'InvalidArgumentException', putMediaHeaders('refused', {type: 'RELATIVE', change: {'x-amzn-producer-start-timestamp': null}})],
      [400, 'InvalidArgumentException', putMediaHeaders('refused', {change: {'x-amzn-stream-arn': arn}})],
      [400, 'InvalidArgumentException', putMediaHeaders('', {change: {'x-amzn-stream-name': null}})],
      [403, 'InvalidSignatureException', putMediaHeaders('refused').map(([name, value]) => [name, name === 'x-amzn-stream-name' ? 'other' : value])],
    ];
    for (const [status, type, headers] of rows) {
      const producer = await Producer.open(server, '', {headers});
      await producer.until(() => producer.body !== undefined, 'a body');
      assert.equal(producer.status, status, producer.body);
      assert.equal(producer.answer['x-amzn-errortype'], type, producer.body);
      assert.ok(JSON.parse(producer.body).Message?.length > 10, producer.body);
      assert.ok(!producer.statuses.includes(100), 'the body was not asked for');
      producer.abort();
    }
    const byArn = await Producer.open(server, '', {headers: putMediaHeaders('', {change: {'x-amzn-stream-name': null, 'x-amzn-stream-arn': arn}})});
    await byArn.send(Buffer.concat([head(), cluster(1000, block(1, 0, frame()))]));
    assert.equal((await byArn.end()).at(-1).EventType, 'PERSISTED');
  });

  test('a client that knows its length and expects nothing', async () => {
    await stream('plain');
    const body = Buffer.concat([head(), ...[1000, 2000, 3000].map((ms) => knownCluster(ms, block(1, 0, frame())))]);
    const headers = Object.fromEntries(putMediaHeaders('plain', {change: {'transfer-encoding': null, Expect: null, 'content-length': String(body.length)}}));
    const answer = await new Promise((resolve, reject) => {
      const sent = request({port: server.httpPort, host: '127.0.0.1', path: '/putMedia', method: 'POST', headers}, resolve).on('error', reject);
      sent.end(body);
    });
    let text = '';
    for await (const chunk of answer) text += chunk;
    assert.equal(answer.statusCode, 200);
    const acks = text.trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(acks.filter((ack) => ack.EventType === 'PERSISTED').map((ack) => ack.FragmentTimecode), [1000, 2000, 3000]);
  });

  test('a connection that breaks leaves nothing partial', async () => {
    await stream('broken');
    const producer = await Producer.open(server, 'broken');
    await producer.send(Buffer.concat([head(), cluster(1000, block(1, 0, frame())), cluster(2000, block(1, 0, frame()))]));
    await producer.untilAck('PERSISTED', 1000);
    await producer.untilAck('BUFFERING', 2000);
    await producer.abort();
    const next = await Producer.open(server, 'broken');
    await next.send(Buffer.concat([head(), cluster(2000, block(1, 0, frame(50))), endOfFragment]));
    await next.untilAck('PERSISTED', 2000, 4000);
    const listed = await kvs.fragments('broken');
    assert.deepEqual(listed.map((each) => Number(each.ProducerTimestamp)), [1000, 2000]);
    await next.end();
  });

  test('a deleted stream ends the connection with 4008', async () => {
    await stream('deleted');
    const producer = await Producer.open(server, 'deleted');
    await producer.send(Buffer.concat([head(), cluster(1000, block(1, 0, frame())), endOfFragment]));
    await producer.untilAck('PERSISTED', 1000);
    await kvs.call('DeleteStream', {StreamARN: (await kvs.call('DescribeStream', {StreamName: 'deleted'})).StreamInfo.StreamARN});
    await producer.send(cluster(2000, block(1, 0, frame())));
    await producer.until(() => producer.ended, 'end');
    assert.equal(producer.of('ERROR')[0].ErrorId, 4008);
    assert.equal((await errorOf(kvs.fragments('deleted'))).name, 'ResourceNotFoundException');
    producer.abort();
  });

  test('two connections of one producer: the old one drains, and a stalled one hides nothing for long', async () => {
    await stream('overlap');
    const old = await Producer.open(server, 'overlap');
    await old.send(Buffer.concat([head(), cluster(1000, block(1, 0, frame(100, 1))), cluster(2000, block(1, 0, frame(100, 2)))]));
    await old.untilAck('BUFFERING', 2000);
    const fresh = await Producer.open(server, 'overlap');
    await fresh.send(Buffer.concat([head(), cluster(3000, block(1, 0, frame(100, 3))), endOfFragment]));
    await fresh.untilAck('RECEIVED', 3000);
    assert.equal(fresh.of('PERSISTED').length, 0, 'the old fragment has the lower number and is still open');
    await old.send(endOfFragment);
    await fresh.untilAck('PERSISTED', 3000, 2000);
    // In mid-fragment the old connection falls silent.
    await old.send(cluster(4000, block(1, 0, frame(100, 4))));
    await old.untilAck('BUFFERING', 4000);
    const began = now();
    await fresh.send(Buffer.concat([cluster(5000, block(1, 0, frame(100, 5))), endOfFragment]));
    await fresh.untilAck('PERSISTED', 5000, 10_000);
    assert.ok(now() - began > 3000 && now() - began < 8000, `${now() - began} ms`);
    await old.send(Buffer.concat([block(1, 40, frame(100, 4)), endOfFragment]));
    await old.untilAck('PERSISTED', 4000);
    await Promise.all([old.end(), fresh.end()]);
    const listed = await kvs.fragments('overlap');
    const times = listed.toSorted((a, b) => (a.FragmentNumber < b.FragmentNumber ? -1 : 1)).map((each) => Number(each.ProducerTimestamp));
    assert.deepEqual(times, [1000, 2000, 3000, 5000, 4000]);
    const documents = await stored('overlap', 5);
    assert.deepEqual(documents.map((document) => document.blocks[0].payload[0]), [1, 2, 3, 5, 4]);
    // The number that was given back is nobody's; the acknowledgements name the one that counts.
    const number = old.of('PERSISTED').at(-1).FragmentNumber;
    assert.ok(listed.some((each) => each.FragmentNumber === number));
  });

  test('a producer at full speed and one that never reads its acknowledgements: memory stays bounded', async () => {
    const rss = () => Number(readFileSync(`/proc/${server.process.pid}/status`, 'latin1').match(/VmRSS:\s+(\d+)/)[1]) / 1024;
    await stream('fast');
    await stream('deaf');
    const started = now();
    const before = rss();
    let peak = before;
    const watch = setInterval(() => { peak = Math.max(peak, rss()); }, 50);
    const deaf = await Producer.open(server, 'deaf');
    deaf.socket.pause();
    let deafSent = 0;
    const flood = (async () => {
      await deaf.send(head());
      for (let ms = 1; now() - started < 12_000 && !deaf.gone; ms++) {
        const sent = deaf.send(Buffer.concat([cluster(ms, block(1, 0, frame(20))), endOfFragment]));
        deafSent++;
        if ((await Promise.race([sent, sleep(1000, 'stuck')])) === 'stuck') return 'held back';
      }
      return 'never held back';
    })();
    const producer = await Producer.open(server, 'fast');
    await producer.send(head());
    const payload = frame(1_000_000);
    let fragments = 0;
    for (; now() - started < 10_000 && fragments < 600; fragments++) await producer.send(cluster(1000 + fragments, block(1, 0, payload)));
    await producer.end(30_000);
    const seconds = (now() - started) / 1000;
    assert.equal(await flood, 'held back');
    clearInterval(watch);
    // Once it reads, it goes on at once.
    const resumed = now();
    deaf.socket.resume();
    await deaf.end(20_000);
    assert.equal(deaf.of('PERSISTED').length, deafSent);
    assert.ok(now() - resumed < 15_000);
    assert.equal(producer.of('PERSISTED').length, fragments);
    console.log(`put_media: ${fragments} MB in ${seconds.toFixed(1)} s, ${deafSent} fragments from a producer that does not read; RSS ${before.toFixed(0)} MB, peak ${peak.toFixed(0)} MB`);
    // 256 MB of it are the cache of recent fragments; 32 MB are on their way to the disk, and one fragment is open.
    assert.ok(peak - before < 256 + 32 + 100, `${peak - before} MB more`);
  });

  test('silence: IDLE every 5 s, and the end after 30 s', async () => {
    await idle.until(() => idle.ended, 'end of the silent connection', 40_000);
    const took = now() - idle.since;
    assert.deepEqual(idle.acks.map((ack) => ack.EventType), ['BUFFERING', 'RECEIVED', 'PERSISTED', ...Array(idle.of('IDLE').length).fill('IDLE')]);
    assert.ok(idle.of('IDLE').length >= 5 && idle.of('IDLE').length <= 6, JSON.stringify(idle.acks));
    assert.equal(idle.of('IDLE')[0].text, '{"EventType":"IDLE"}');
    assert.ok(took > 29_500, `${took} ms`);
    idle.abort();
  });
});

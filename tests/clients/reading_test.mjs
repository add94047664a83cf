// SPDX-License-Identifier: Apache-2.0
// The reading side with real clients: GetMedia that is interrupted all the time, fragments by list, coverage, and the
// commands that list and export.
import assert from 'node:assert/strict';
import {GetMediaForFragmentListCommand, ListFragmentsCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {GetMediaCommand} from '@aws-sdk/client-kinesis-video-media';
import {createHash} from 'node:crypto';
import {existsSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from './lib/camera.mjs';
import {errorOf, Kvs} from './lib/kvs.mjs';
import {blocksOf, readMatroska} from './lib/matroska.mjs';
import {scratch} from './lib/media_files.mjs';
import {readPlain, readPresigned, readSigned} from './lib/own_api.mjs';
import {decodeAll, probe, run} from './lib/programs.mjs';
import {AAC, AVC} from './lib/recording.mjs';
import {binary, credentials, region, Server} from './lib/server.mjs';

const folder = scratch('reading');
let server, kvs;
before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
});
after(async () => {
  await server?.stop();
  rmSync(folder, {recursive: true});
});

const camera = (name, seconds, more = []) => Camera.start(server.url, ['--channel', name, '--stream', name, '--create', '--ca', server.ca, '--duration', String(seconds),
  '--width', '320', '--height', '240', '--picture-rate', '15', '--bitrate-kbps', '200', ...more]);
const numberOf = (document) => document.tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER;

/** The first `count` documents of a GetMedia call, which is then cut; each with the time at which it was whole. */
async function firstDocuments(StreamName, StartSelector, count) {
  const abort = new AbortController();
  const answer = await kvs.media.send(new GetMediaCommand({StreamName, StartSelector}), {abortSignal: abort.signal});
  let bytes = Buffer.alloc(0);
  const found = [];
  try {
    for await (const chunk of answer.Payload) {
      bytes = Buffer.concat([bytes, chunk]);
      const whole = readMatroska(bytes).filter((document) => document.tags.AWS_KINESISVIDEO_CONTINUATION_TOKEN);
      for (const document of whole.slice(found.length)) found.push({...document, cameAt: Date.now()});
      if (found.length >= count) break;
    }
  } finally {
    answer.Payload.destroy();
    abort.abort();
  }
  return found;
}

describe('GetMedia during a live recording', () => {
  test('a reader that reconnects after every fragment loses and repeats nothing', async (t) => {
    const recording = camera('often', 25);
    await kvs.untilFragments('often', (all) => all.length >= 1, 20000);
    const seen = [];
    const lateness = [];
    let reconnects = 0;
    for (let selector = {StartSelectorType: 'EARLIEST'}; seen.length < 10; reconnects++) {
      const documents = await firstDocuments('often', selector, reconnects % 4 === 3 ? 2 : 1);
      assert.ok(documents.length > 0, `nothing came after ${JSON.stringify(selector)}`);
      for (const document of documents) {
        seen.push(numberOf(document));
        // Server time of the first packet; the fragment ends when the next one begins.
        const listed = (await kvs.fragments('often')).find((each) => each.FragmentNumber === numberOf(document));
        lateness.push(document.cameAt - (+listed.ServerTimestamp + listed.FragmentLengthInMilliseconds));
      }
      selector = reconnects % 3 === 0 ? {StartSelectorType: 'CONTINUATION_TOKEN', ContinuationToken: documents.at(-1).tags.AWS_KINESISVIDEO_CONTINUATION_TOKEN}
        : {StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: seen.at(-1)};
    }
    await recording.report();
    const listed = (await kvs.fragments('often')).map((each) => each.FragmentNumber).sort();
    assert.deepEqual(seen, listed.slice(0, seen.length));
    // The first were there already; the others came live.
    const live = lateness.slice(4).sort((a, b) => a - b);
    t.diagnostic(`${reconnects} connections, ${seen.length} fragments; a live one was whole ${live.join(', ')} ms after its end`);
    assert.ok(live.at(-1) < 2500, `a live fragment came ${live.at(-1)} ms after its end: more than one fragment late`);
  });

  test('every selector begins with the right fragment', async () => {
    const listed = await kvs.fragments('often');
    const begins = async (StartSelector) => numberOf((await firstDocuments('often', StartSelector, 1))[0]);
    assert.equal(await begins({StartSelectorType: 'EARLIEST'}), listed[0].FragmentNumber);
    for (const [index, each] of [[1, listed[1]], [4, listed[4]]]) {
      const inside = (time) => new Date(+time + each.FragmentLengthInMilliseconds / 2);
      assert.equal(await begins({StartSelectorType: 'PRODUCER_TIMESTAMP', StartTimestamp: inside(each.ProducerTimestamp)}), each.FragmentNumber, `producer ${index}`);
      assert.equal(await begins({StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: inside(each.ServerTimestamp)}), each.FragmentNumber, `server ${index}`);
      assert.equal(await begins({StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: each.FragmentNumber}), listed[index + 1].FragmentNumber);
    }
    assert.equal(await begins({StartSelectorType: 'PRODUCER_TIMESTAMP', StartTimestamp: new Date(1000)}), listed[0].FragmentNumber);
  });
});

describe('fragments by list', () => {
  const bytesOf = async (StreamName, Fragments) => {
    const {Payload, ContentType} = await kvs.archive.send(new GetMediaForFragmentListCommand({StreamName, Fragments}));
    assert.equal(ContentType, 'video/webm');
    return Buffer.from(await Payload.transformToByteArray());
  };
  test('the same pictures and sound as GetMedia, in the order of the list', async () => {
    const media = await kvs.documents('often', {quiet: 1500});
    const order = [...media.keys()].reverse();
    const documents = readMatroska(await bytesOf('often', order.map((i) => numberOf(media[i]))));
    assert.equal(documents.length, media.length);
    order.forEach((index, at) => {
      const [expected, found] = [media[index], documents[at]];
      assert.equal(numberOf(found), numberOf(expected));
      for (const codec of [AVC, AAC]) {
        const payloads = (document) => blocksOf([document], codec).map((block) => [block.ms, block.payload.toString('hex')]);
        assert.deepEqual(payloads(found), payloads(expected));
      }
      assert.equal(found.tags.AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP, expected.tags.AWS_KINESISVIDEO_PRODUCER_TIMESTAMP);
      assert.equal(found.tags.AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP, found.tags.AWS_KINESISVIDEO_SERVER_TIMESTAMP);
      assert.equal(found.tags.AWS_KINESISVIDEO_CONTINUATION_TOKEN, undefined);
    });
    writeFileSync(join(folder, 'list.mkv'), documents.at(-1).bytes);
    await decodeAll(join(folder, 'list.mkv'));
  });
  test('a thousand in one call, without holding them', async (t) => {
    const numbers = (await kvs.fragments('often')).map((each) => each.FragmentNumber);
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readStatus())[1]);
    const Fragments = Array.from({length: 1000}, (_, i) => numbers[i % numbers.length]);
    await bytesOf('often', Fragments.slice(0, numbers.length)); // rendered and cached
    const before = memory();
    const documents = readMatroska(await bytesOf('often', Fragments));
    const grown = memory() - before;
    assert.deepEqual(documents.map(numberOf), Fragments);
    t.diagnostic(`${(documents.reduce((sum, each) => sum + each.bytes.length, 0) / 1e6).toFixed(1)} MB; the server grew by ${grown} kB`);
    assert.ok(grown < 30000, `the server grew by ${grown} kB`);
  });
  test('errors', async () => {
    const [{FragmentNumber}] = await kvs.fragments('often');
    const error = async (StreamName, Fragments) => errorOf(bytesOf(StreamName, Fragments));
    assert.equal((await error('often', ['17'])).name, 'ResourceNotFoundException');
    assert.equal((await error('nowhere', [FragmentNumber])).status, 404);
    assert.equal((await error('often', Array(1001).fill(FragmentNumber))).name, 'FragmentLimitExceededException');
    await kvs.call('CreateStream', {StreamName: 'forgets', DataRetentionInHours: 0});
    assert.equal((await error('forgets', [FragmentNumber])).name, 'InvalidArgumentException'); // the model has no NoDataRetention here
    const {NextToken} = await kvs.archive.send(new ListFragmentsCommand({StreamName: 'often', MaxResults: 1}));
    assert.equal((await errorOf(kvs.archive.send(new ListFragmentsCommand({StreamName: 'forgets', NextToken})))).name, 'InvalidArgumentException');
  });
});

const readStatus = () => readFileSync(`/proc/${server.process.pid}/status`, 'utf8');

describe('a camera that stops and comes again', () => {
  let listed;
  const total = () => listed.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0);
  before(async () => {
    await camera('twice', 8).report();
    const first = (await kvs.untilFragments('twice', (all) => all.length >= 2)).length;
    await sleep(1500); // the camera is away
    await camera('twice', 8).report();
    listed = await kvs.untilFragments('twice', (all) => all.length >= first + 3);
    // Nothing more comes: the last says that its publisher has left.
    for (const end = Date.now() + 15000; Date.now() < end; await sleep(100)) {
      const {body} = await readSigned(server, '/api/v1/streams/twice/coverage');
      if (body.gaps.at(-1)?.open) break;
    }
    listed = await kvs.fragments('twice');
  });

  test('coverage shows the gap with its reason, by either signature', async (t) => {
    const {status, body} = await readSigned(server, '/api/v1/streams/twice/coverage');
    assert.equal(status, 200);
    t.diagnostic(JSON.stringify(body));
    assert.equal(body.ranges.length, 2);
    assert.deepEqual(body.gaps.map((gap) => [gap.reason, gap.open]), [['publisher_left', false], ['publisher_left', true]]);
    assert.equal(body.gaps[0].start, body.ranges[0].end);
    assert.equal(body.gaps[0].end, body.ranges[1].start);
    assert.ok(body.gaps[0].end - body.gaps[0].start > 1.4, 'the camera was away for 1.5 s and more');
    assert.equal(body.live, false);
    // By the fragments: the same places, to the millisecond that ListFragments rounds to.
    assert.ok(Math.abs(body.ranges[0].start * 1000 - listed[0].ProducerTimestamp) < 2);
    const recorded = body.ranges.reduce((sum, range) => sum + range.end - range.start, 0);
    assert.ok(Math.abs(recorded * 1000 - total()) <= listed.length + 1, `${recorded} s in ranges, ${total()} ms in fragments`);
    const from = (body.gaps[0].start + 0.25).toFixed(6), to = new Date((body.gaps[0].start + 0.75) * 1000).toISOString();
    const inside = await readPresigned(server, '/api/v1/streams/twice/coverage', {from, to});
    assert.equal(inside.status, 200, JSON.stringify(inside.body));
    assert.deepEqual([inside.body.ranges.length, inside.body.gaps.length, inside.body.gaps[0].start], [0, 1, Number(from)]);
  });
  test('unsigned and unknown reads are refused', async () => {
    assert.deepEqual(Object.keys((await readPlain(server, '/api/v1/streams/twice/coverage')).body), ['code', 'message']);
    assert.equal((await readPlain(server, '/api/v1/streams/twice/coverage')).status, 403);
    assert.equal((await readSigned(server, '/api/v1/streams/nowhere/coverage')).status, 404);
    assert.equal((await readSigned(server, '/api/v1/streams/twice/secrets')).type, 'UnknownOperationException');
    assert.equal((await readSigned(server, '/api/v1/streams/twice/coverage?to=tomorrow')).status, 400);
  });

  const keys = ['--endpoint', () => server.url, '--region', region, '--access-key', credentials.accessKeyId, '--secret-key', credentials.secretAccessKey];
  const sources = {directory: () => ['--data-dir', server.dataDir], server: () => keys.map((each) => (typeof each === 'function' ? each() : each))};
  const tidegate = (...args) => run(binary, args);

  for (const [source, flags] of Object.entries(sources)) {
    describe(`commands that read from the ${source}`, () => {
      const lines = async (...args) => {
        const {code, stdout, stderr} = await tidegate(...args, ...flags(), '--json');
        assert.equal(code, 0, stderr);
        return stdout.trim().split('\n').map((line) => JSON.parse(line));
      };
      // A data directory shows what is indexed: within a second of being durable.
      before(async () => {
        for (const end = Date.now() + 5000; Date.now() < end && (await lines('fragments', 'twice')).length < listed.length; await sleep(100));
      });
      test('streams', async () => {
        const stream = (await lines('streams')).find((each) => each.streamName === 'twice');
        assert.deepEqual([stream.retentionHours, stream.gaps, stream.live], [24, 1, false]);
        assert.ok(Math.abs(stream.recordedMicroseconds / 1000 - total()) <= listed.length + 1);
        if (source === 'directory') assert.equal(stream.fragments, listed.length);
        const table = await tidegate('streams', ...flags());
        assert.match(table.stdout, /^STREAM .*\n(.*\n)*twice +24 h /m);
      });
      test('fragments', async () => {
        const found = await lines('fragments', 'twice');
        assert.deepEqual(found.map((each) => each.fragmentNumber), listed.map((each) => each.FragmentNumber));
        assert.deepEqual(found.map((each) => each.sizeInBytes), listed.map((each) => each.FragmentSizeInBytes));
        assert.deepEqual(found.filter((each) => each.gapBefore).map((each) => each.gapBefore.reason).slice(-1), ['publisher_left']);
        assert.equal(found.at(-1).endedBy, 'publisher_left');
        const table = await tidegate('fragments', 'twice', ...flags());
        assert.match(table.stdout, /missing: publisher left/);
        assert.match(table.stdout, new RegExp(`\\n${listed.length} fragments, `));
        assert.equal((await lines('fragments', 'twice', '--from', String((+listed[1].ProducerTimestamp - 1) / 1000))).length, listed.length - 1);
      });
      for (const kind of ['mkv', 'mp4']) {
        test(`export to .${kind}`, async (t) => {
          const file = join(folder, `${source}.${kind}`);
          const [report] = await lines('export', 'twice', '-o', file);
          t.diagnostic(JSON.stringify(report));
          const documents = await kvs.documents('twice', {quiet: 1500});
          const pictures = blocksOf(documents, AVC).length;
          assert.equal(report.videoFrames, pictures);
          assert.equal(report.cuts.length, 1);
          await decodeAll(file);
          const {streams, format} = await probe(file, ['-count_frames']);
          const video = streams.find((each) => each.codec_type === 'video'), sound = streams.find((each) => each.codec_type === 'audio');
          assert.equal(streams.length, 2);
          assert.equal(video.codec_name, 'h264');
          assert.equal(sound.codec_name, kind === 'mkv' && source === 'directory' ? 'opus' : 'aac');
          assert.equal(Number(video.nb_read_frames), pictures);
          assert.ok(Math.abs(Number(format.duration) * 1000 - total()) < 150, `${format.duration} s, ${total()} ms in fragments`);
          const ends = await Promise.all(['v', 'a'].map(async (type) => lastEnd(file, type)));
          t.diagnostic(`video ends at ${ends[0].toFixed(3)} s, sound at ${ends[1].toFixed(3)} s`);
          assert.ok(Math.abs(ends[0] - ends[1]) <= 0.1, `video ends at ${ends[0]}, sound at ${ends[1]}`);
          if (kind === 'mp4') assert.ok(readFileSync(file).indexOf('moov') < readFileSync(file).indexOf('mdat'), 'the index is in front');
          assert.deepEqual(await payloadHashes(file), blocksOf(documents, AVC).map((block) => sha(block.payload)));
        });
      }
    });
  }

  test('a part: whole fragments that reach into the window', async () => {
    const file = join(folder, 'part.mp4');
    const middle = listed[1];
    const inside = (+middle.ProducerTimestamp + middle.FragmentLengthInMilliseconds / 2) / 1000;
    const {code, stdout, stderr} = await tidegate('export', 'twice', '-o', file, '--from', inside.toFixed(3), '--to', (inside + 0.01).toFixed(3), '--data-dir', server.dataDir, '--json');
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).fragments, 1);
    assert.match(stderr, /^exporting twice: 0 %\nexporting twice: 100 %\n$/);
    assert.ok(Math.abs(Number((await probe(file)).format.duration) * 1000 - middle.FragmentLengthInMilliseconds) < 100);
  });

  test('mistakes leave no file and say what to do', async () => {
    const file = join(folder, 'mistake.mkv');
    const here = ['--data-dir', server.dataDir];
    const cases = [
      [['export', 'nobody', '-o', file, ...here], /there is no stream "nobody"/],
      [['export', 'nobody', '-o', file, ...sources.server()], /nobody/],
      [['export', 'twice', '-o', file, '--from', '1000', '--to', '2000', ...here], /has nothing recorded there/],
      [['export', 'twice', '-o', file, '--from', '2000', '--to', '1000', ...here], /--to must be after --from/],
      [['export', 'twice', '-o', file, '--from', 'noon', ...here], /--from is a time/],
      [['export', 'twice', '-o', join(folder, 'missing/x.mkv'), ...here], /No such file or directory/],
      [['export', 'twice', '-o', join(folder, 'x.avi'), ...here], /ends with .mkv or .mp4/],
      [['export', 'twice', '-o', join(folder, 'part.mp4'), ...here], /exists: choose another name, or --force/],
      [['fragments', 'twice', '--data-dir', folder], /is no data directory/],
      [['streams', '--endpoint', 'http://127.0.0.1:1', '--access-key', 'a', '--secret-key', 'b'], /refused/],
    ];
    for (const [args, message] of cases) {
      const {code, stderr} = await tidegate(...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, message);
      assert.ok(!existsSync(file));
    }
    assert.deepEqual(readdirSync(folder).filter((name) => name.endsWith('.partial')), []);
    assert.equal((await tidegate('export', 'twice', '-o', join(folder, 'part.mp4'), '--force', '--quiet', ...here)).code, 0);
  });

  test('a full disk ends an export and leaves nothing', async () => {
    const {code, stderr} = await run('bash', ['-c', `ulimit -f 100; trap '' XFSZ; exec ${binary} export twice -o ${join(folder, 'full.mp4')} --data-dir ${server.dataDir}`]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /File too large/);
    assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('full')), []);
  });
});

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Where the last packet of a kind ends, in seconds from the file's start. */
async function lastEnd(file, type) {
  const {stdout} = await run('ffprobe', ['-v', 'error', '-select_streams', type, '-show_entries', 'packet=pts_time,duration_time', '-of', 'csv=p=0', file]);
  return Math.max(...stdout.trim().split('\n').map((line) => line.split(',').slice(0, 2).reduce((sum, each) => sum + (Number(each) || 0), 0)));
}

/** SHA-256 of every picture in the file as it is stored there. */
async function payloadHashes(file) {
  const {stdout} = await run('ffprobe', ['-v', 'error', '-select_streams', 'v', '-show_packets', '-show_data_hash', 'sha256', '-of', 'json', file]);
  return JSON.parse(stdout).packets.map((packet) => packet.data_hash.replace('SHA256:', ''));
}

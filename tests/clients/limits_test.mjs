// SPDX-License-Identifier: Apache-2.0
// AWS's quotas over a server with `limits = "aws"`: the documented errors, through the npm SDK v3 clients, a signaling socket
// and PutMedia.
import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {GetMediaCommand} from '@aws-sdk/client-kinesis-video-media';
import {JoinStorageSessionAsViewerCommand, JoinStorageSessionCommand} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {GetClipCommand, GetHLSStreamingSessionURLCommand, GetImagesCommand, GetMediaForFragmentListCommand, ListFragmentsCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {errorOf, Kvs} from './lib/kvs.mjs';
import {SignalingSocket} from './lib/master.mjs';
import {readMatroska} from './lib/matroska.mjs';
import {block, cluster, endOfFragment, head, Producer} from './lib/put_media.mjs';
import {mustRun} from './lib/programs.mjs';
import {Server} from './lib/server.mjs';

let server, kvs, ChannelARN, StreamARN, wss;
const nextSecond = () => sleep(1050);

/** A Void element of so many bytes. */
function padding(size) {
  const element = Buffer.alloc(size);
  element.writeUInt8(0xec, 0);
  element.writeUInt32BE(0x10000000 | (size - 5), 1);
  return element;
}

/** Sends the calls at once; how many succeeded, and the errors of the others. */
async function burst(count, call) {
  const results = await Promise.allSettled(Array.from({length: count}, (_, i) => call(i)));
  const errors = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
  return {passed: count - errors.length, errors, names: [...new Set(errors.map((error) => `${error.name} ${error.$metadata?.httpStatusCode}`))]};
}

before(async () => {
  server = await Server.start({args: ['--limits', 'aws', '--limit', 'streams=3', '--limit', 'channels=2', '--limit', 'storage_channels=1', '--limit', 'tags_per_resource=2',
    '--limit', 'retention_hours=48', '--limit', 'viewers_per_channel=2', '--limit', 'connect_rate=4', '--limit', 'session_viewers=1', '--limit', 'signaling_idle_timeout_seconds=3',
    '--limit', 'put_media_bytes_per_second=400000']});
  kvs = new Kvs(server.url);
  ({ChannelARN, StreamARN} = await kvs.recordedChannel('yard'));
  await kvs.call('CreateStream', {StreamName: 'second', DataRetentionInHours: 1});
  wss = (role) => kvs.endpoints(ChannelARN, role, ['WSS']).then((found) => found.WSS);
});
after(async () => { await server?.stop(); });

test('viewers of a storage session: the text that clients look for', async () => {
  const url = await wss('VIEWER');
  const sockets = await Promise.all(['one', 'two'].map((clientId) => SignalingSocket.open(server, url, ChannelARN, {clientId})));
  const join = (clientId) => kvs.storage.send(new JoinStorageSessionAsViewerCommand({channelArn: ChannelARN, clientId}));
  await join('one');
  await sockets[0].next('SDP_OFFER');
  await nextSecond();
  const error = await errorOf(join('two'));
  assert.deepEqual([error.name, error.status], ['ClientLimitExceededException', 400]);
  assert.match(error.message, /maximum number of viewers connected to the session/i);
  await join('one');  // the same viewer again is no other viewer
  await sockets[0].next('SDP_OFFER');
  await Promise.all(sockets.map((socket) => socket.close()));
  await nextSecond();
});

describe('what an account may have', () => {
  test('streams, channels, tags, retention', async () => {
    const fails = async (name, operation, input) => {
      const error = await errorOf(kvs.call(operation, input));
      assert.deepEqual([error.name, error.status], [name, 400], error.message);
    };
    await fails('TagsPerResourceExceededLimitException', 'CreateStream', {StreamName: 'tagged', Tags: {a: '1', b: '2', c: '3'}});
    await fails('TagsPerResourceExceededLimitException', 'TagStream', {StreamARN, Tags: {a: '1', b: '2', c: '3'}});
    await fails('InvalidArgumentException', 'CreateStream', {StreamName: 'long', DataRetentionInHours: 49});
    await kvs.call('CreateStream', {StreamName: 'third', Tags: {a: '1', b: '2'}});
    await fails('AccountStreamLimitExceededException', 'CreateStream', {StreamName: 'fourth'});
    await kvs.call('CreateSignalingChannel', {ChannelName: 'second'});
    await fails('AccountChannelLimitExceededException', 'CreateSignalingChannel', {ChannelName: 'third'});
    const {ChannelInfo, StreamInfo} = {...await kvs.call('DescribeSignalingChannel', {ChannelName: 'second'}), ...await kvs.call('DescribeStream', {StreamName: 'second'})};
    await fails('ClientLimitExceededException', 'UpdateMediaStorageConfiguration',
      {ChannelARN: ChannelInfo.ChannelARN, MediaStorageConfiguration: {Status: 'ENABLED', StreamARN: StreamInfo.StreamARN}});
  });
});

describe('how often', () => {
  test('5 DescribeStream a second and stream, then as many as time allows', async () => {
    await nextSecond();
    const {passed, names} = await burst(12, () => kvs.call('DescribeStream', {StreamName: 'second'}));
    assert.ok(passed >= 5 && passed <= 7, `${passed} passed`);
    assert.deepEqual(names, ['ClientLimitExceededException 400']);
    await kvs.call('DescribeStream', {StreamName: 'yard'});
    await nextSecond();
    await kvs.call('DescribeStream', {StreamName: 'second'});
  });
  test('50 ListStreams a second', async () => {
    const {passed, names} = await burst(80, () => kvs.call('ListStreams'));
    assert.ok(passed >= 50 && passed < 80, `${passed} passed`);
    assert.deepEqual(names, ['ClientLimitExceededException 400']);
  });
  test('2 JoinStorageSession a second and channel', async () => {
    const {passed, names} = await burst(5, () => kvs.storage.send(new JoinStorageSessionCommand({channelArn: ChannelARN})));
    assert.ok(passed >= 2 && passed <= 3, `${passed} passed`);
    assert.deepEqual(names, ['ClientLimitExceededException 400']);
  });
  test('5 playlists a second and playback session; another session has its own', async () => {
    const statuses = async (token, resource, count) => {
      const answers = await Promise.all(Array.from({length: count}, () => fetch(`${server.url}/hls/v1/${resource}?SessionToken=${token}`)));
      return answers.filter((answer) => answer.headers.get('x-amzn-errortype') === 'ClientLimitExceededException').map((answer) => answer.status);
    };
    // The count comes before the token is looked at.
    assert.deepEqual(await statuses('one', 'getHLSMediaPlaylist.m3u8', 5), []);
    const over = await statuses('one', 'getHLSMediaPlaylist.m3u8', 5);
    assert.ok(over.length >= 3 && over.every((status) => status === 400), `${over}`);
    assert.deepEqual(await statuses('two', 'getHLSMediaPlaylist.m3u8', 5), []);
    assert.deepEqual(await statuses('one', 'getMP4MediaFragment.mp4', 20), []);
  });
  test('25 session URLs a second and stream', async () => {
    const call = () => kvs.archive.send(new GetHLSStreamingSessionURLCommand({StreamName: 'second', PlaybackMode: 'LIVE'}));
    const {errors} = await burst(40, call);
    const refused = errors.filter((error) => error.name === 'ClientLimitExceededException').length;
    assert.ok(refused >= 5 && refused <= 15, `${refused} were refused`);
  });
});

describe('connections', () => {
  test('GetMedia: 3 a stream, and one more when one has ended', async () => {
    const open = async () => {
      const abort = new AbortController();
      const answer = await kvs.media.send(new GetMediaCommand({StreamName: 'yard', StartSelector: {StartSelectorType: 'NOW'}}), {abortSignal: abort.signal});
      answer.Payload.on('error', () => {});
      return () => { answer.Payload.destroy(); abort.abort(); };
    };
    const closers = [await open(), await open(), await open()];
    const error = await errorOf(open());
    assert.deepEqual([error.name, error.status], ['ConnectionLimitExceededException', 400]);
    closers.pop()();
    const again = await Promise.race([(async () => {
      for (;;) {
        await nextSecond();
        const opened = await open().catch((failed) => (failed.name === 'ConnectionLimitExceededException' ? null : Promise.reject(failed)));
        if (opened) return opened;
      }
    })(), sleep(8000, null, {ref: false})]);
    assert.ok(again, 'a place is free again');
    for (const close of [...closers, again]) close();
  });
  test('PutMedia: 1 a stream, at its pace', async () => {
    const first = await Producer.open(server, 'second', {type: 'RELATIVE', start: String(Date.now() / 1000 - 60)});
    assert.equal(first.status, 200);
    const second = await Producer.open(server, 'second');
    assert.deepEqual([second.status, second.answer['x-amzn-errortype']], [400, 'ConnectionLimitExceededException']);
    second.abort();
    // 400,000 bytes a second: the first second's worth at once, the rest in two seconds more.
    const {stdoutBytes: film} = await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25:duration=3',
      '-c:v', 'libx264', '-g', '25', '-bf', '0', '-live', '1', '-cluster_time_limit', '3000', '-cluster_size_limit', '5000000', '-f', 'matroska', 'pipe:1']);
    const began = Date.now();
    await first.send(film);
    for (let left = 1_200_000 - film.length; left > 0; left -= 20_000) await first.send(padding(20_000));
    await first.end();
    const seconds = (Date.now() - began) / 1000;
    assert.ok(seconds > 1.5 && seconds < 6, `${seconds} s`);
  });
});

describe('fragments', () => {
  // A fragment of a second: 25 pictures.
  const second = (at, pictures = 25) => cluster(at, ...Array.from({length: pictures}, (_, i) => block(1, i * 40, Buffer.from('x'), i === 0)), endOfFragment);
  const SENT = 12, FROM = 1_790_000_000_000;

  test('PutMedia: 5 a second of a connection, and GetMedia likewise', async () => {
    await nextSecond();
    const producer = await Producer.open(server, 'third');
    await producer.send(head());
    const began = Date.now();
    for (let i = 0; i < SENT; i++) await producer.send(second(FROM + 1000 * i));
    await producer.untilAck('RECEIVED', FROM + 1000 * (SENT - 1));
    const putting = (Date.now() - began) / 1000;
    await producer.end();
    assert.deepEqual(producer.of('ERROR'), []);
    // The first second's worth at once, and then a fifth of a second for each.
    assert.ok(putting >= (SENT - 5 - 1) / 5 - 0.05 && putting < 8, `${putting} s`);

    const abort = new AbortController();
    const answer = await kvs.media.send(new GetMediaCommand({StreamName: 'third', StartSelector: {StartSelectorType: 'EARLIEST'}}), {abortSignal: abort.signal});
    const asked = Date.now(), chunks = [];
    answer.Payload.on('error', () => {});
    const count = () => readMatroska(Buffer.concat(chunks)).filter((document) => document.blocks.length > 0).length;
    for await (const chunk of answer.Payload) {
      chunks.push(chunk);
      if (count() >= SENT) break;
    }
    const getting = (Date.now() - asked) / 1000;
    abort.abort();
    assert.ok(getting >= (SENT - 5) / 5 - 0.1 && getting < 8, `${getting} s`);
  });
  test('PutMedia: one that is shorter than a second', async () => {
    await nextSecond();
    const producer = await Producer.open(server, 'third');
    await producer.send(head());
    await producer.send(second(FROM + 100_000));
    await producer.untilAck('RECEIVED', FROM + 100_000);
    await producer.send(second(FROM + 101_000, 12));
    await producer.untilAck('ERROR', FROM + 101_000);
    const [{ErrorId, ErrorCode}] = producer.of('ERROR');
    assert.deepEqual([ErrorId, ErrorCode], [4002, 'MIN_FRAGMENT_DURATION_REACHED']);
    await producer.until(() => producer.ended, 'the end of the answer');
    producer.abort();
    const metrics = await server.metrics();
    assert.equal(metrics['tidegate_put_media_errors_total{id="4002"}'], 1);
  });
});

describe('points of a stream', () => {
  // What PutMedia sent above.
  let fragments, range;
  const refusedOf = (answers) => answers.filter((answer) => answer.status === 400 && answer.headers.get('x-amzn-errortype') === 'ClientLimitExceededException').length;
  before(async () => {
    ({Fragments: fragments} = await kvs.archive.send(new ListFragmentsCommand({StreamName: 'second'})));
    fragments.sort((a, b) => a.ProducerTimestamp - b.ProducerTimestamp);
    range = {StartTimestamp: fragments[0].ProducerTimestamp, EndTimestamp: new Date(+fragments.at(-1).ProducerTimestamp + 1000)};
    await nextSecond();
  });

  test('metadata: ListFragments takes its MaxResults', async () => {
    const {passed, names} = await burst(16, () => kvs.archive.send(new ListFragmentsCommand({StreamName: 'second', MaxResults: 1000})));
    assert.ok(passed >= 10 && passed < 16, `${passed} passed`);
    assert.deepEqual(names, ['ClientLimitExceededException 400']);
    await kvs.archive.send(new ListFragmentsCommand({StreamName: 'yard', MaxResults: 1000}));  // another stream has its own
  });
  test('metadata: GetImages takes 400, and its MaxResults', async () => {
    await nextSecond();
    const {passed, names} = await burst(30, () => kvs.archive.send(new GetImagesCommand({StreamName: 'second', ImageSelectorType: 'PRODUCER_TIMESTAMP',
      StartTimestamp: range.StartTimestamp, EndTimestamp: range.StartTimestamp, Format: 'JPEG', MaxResults: 1})));
    assert.ok(passed >= 24 && passed < 30, `${passed} passed`);
    assert.deepEqual(names, ['ClientLimitExceededException 400']);
  });
  test('metadata: a playlist takes what it may show', async () => {
    await nextSecond();
    const url = await kvs.wholeHlsUrl('second', fragments);
    await nextSecond();
    const playlist = new URL('getHLSMediaPlaylist.m3u8', url);
    playlist.search = `${new URL(url).search}&TrackNumber=1`;
    const answers = await Promise.all(Array.from({length: 4}, () => fetch(playlist)));
    assert.equal(answers.filter((answer) => answer.status === 200).length, 2, `${answers.map((answer) => answer.status)}`);
    assert.equal(refusedOf(answers), 2);
  });
  test('media: what is read is shared by all reads, and a long list is paid for afterwards', async () => {
    await nextSecond();
    const url = await kvs.wholeHlsUrl('second', fragments);
    const segment = new URL('getMP4MediaFragment.mp4', url);
    segment.search = `${new URL(url).search}&TrackNumber=1&FragmentNumber=${fragments[0].FragmentNumber}`;
    const clip = () => kvs.archive.send(new GetClipCommand({StreamName: 'second', ClipFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: range}}));
    const list = (count) => kvs.archive.send(new GetMediaForFragmentListCommand({StreamName: 'second', Fragments: Array(count).fill(fragments[0].FragmentNumber)}));
    assert.equal((await fetch(segment)).status, 200);
    await nextSecond();
    const long = await list(1000);  // two seconds' worth
    long.Payload.destroy();
    assert.equal(refusedOf([await fetch(segment)]), 1, 'a segment');
    const images = () => kvs.archive.send(new GetImagesCommand({StreamName: 'second', ImageSelectorType: 'PRODUCER_TIMESTAMP',
      StartTimestamp: range.StartTimestamp, EndTimestamp: range.EndTimestamp, Format: 'JPEG'}));
    for (const [what, call] of [['GetClip', clip], ['GetImages', images], ['GetMediaForFragmentList', () => list(1)]]) {
      const error = await errorOf(call());
      assert.deepEqual([error.name, error.status], ['ClientLimitExceededException', 400], `${what}: ${error.message}`);
    }
    await nextSecond();
    await nextSecond();
    assert.equal((await fetch(segment)).status, 200);
    (await clip()).Payload.destroy();
  });
});

describe('signaling', () => {
  test('connections a second, viewers a channel, and the same viewer again', async () => {
    await nextSecond();
    const endpoint = await wss('VIEWER');
    const refusal = (options) => SignalingSocket.open(server, endpoint, ChannelARN, options)
      .then(() => assert.fail('it connected'), (error) => [error.status, error.headers['x-amzn-errortype']]);
    const one = await SignalingSocket.open(server, endpoint, ChannelARN, {clientId: 'one'});
    const two = await SignalingSocket.open(server, endpoint, ChannelARN, {clientId: 'two'});
    assert.deepEqual(await refusal({clientId: 'three'}), [400, 'ClientLimitExceededException']);
    const again = await SignalingSocket.open(server, endpoint, ChannelARN, {clientId: 'two'});
    const burstOfSockets = await Promise.allSettled(Array.from({length: 12}, () => SignalingSocket.open(server, endpoint, ChannelARN, {clientId: 'one'})));
    const refused = burstOfSockets.filter((result) => result.status === 'rejected').map(({reason}) => [reason.status, reason.headers?.['x-amzn-errortype']]);
    assert.ok(refused.length >= 4, `${refused.length} were refused`);
    for (const each of refused) assert.deepEqual(each, [400, 'ClientLimitExceededException']);
    for (const socket of [one, two, again, ...burstOfSockets.map((result) => result.value).filter(Boolean)]) await socket.close();
  });
  test('20 candidates a second and socket; what is over it is told by its correlation id', async () => {
    await nextSecond();
    const master = await SignalingSocket.open(server, await wss('MASTER'), ChannelARN);
    for (let i = 0; i < 30; i++) master.send('ICE_CANDIDATE', {candidate: `candidate:${i}`}, {recipient: 'somebody', correlationId: `c${i}`});
    const {statusResponse} = await master.next('STATUS_RESPONSE');
    assert.deepEqual([statusResponse.errorType, statusResponse.statusCode, statusResponse.success], ['ClientLimitExceededException', '400', false]);
    assert.match(statusResponse.correlationId, /^c2\d$/);
    const began = Date.now();
    await Promise.race([master.closed, sleep(8000, null, {ref: false})]);
    assert.ok(master.closeCode, 'a silent socket is closed');
    assert.ok(Date.now() - began > 1500, 'not before its time');
  });
});

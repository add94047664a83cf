// SPDX-License-Identifier: Apache-2.0
// Images to S3 (a real radosgw, which checks the signatures) and notifications, through failures of the far end and of the server.
import assert from 'node:assert/strict';
import {verify, X509Certificate} from 'node:crypto';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {get} from 'node:https';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {blocksOf, readMatroska} from './lib/matroska.mjs';
import {scratch} from './lib/media_files.mjs';
import {mustRun} from './lib/programs.mjs';
import {block, element, endOfFragment, head, knownCluster, Producer, tags} from './lib/put_media.mjs';
import {Radosgw, s3Keys} from './lib/radosgw.mjs';
import {AVC} from './lib/recording.mjs';
import {accountId, region, Server} from './lib/server.mjs';

const WIDTH = 320, HEIGHT = 240, RATE = 10;
const pixelBytes = WIDTH * HEIGHT * 3;
const folder = scratch('delivery');
const dataDir = join(folder, 'data');
const topic = `arn:aws:sns:${region}:${accountId}:doors`;
let s3, server, kvs, hook;

const startServer = async () => {
  server = await Server.start({dataDir, args: ['--s3-endpoint', s3.url, '--s3-access-key', s3Keys.accessKeyId, '--s3-secret-key', s3Keys.secretAccessKey,
    '--notification-topic', `${topic}=${hook.url}/doors`]});
  kvs = new Kvs(server.url);
};

/** Polls until `condition` gives something true; that. */
async function until(condition, what, deadline = 15000) {
  for (const end = Date.now() + deadline; Date.now() < end; await sleep(100)) {
    const found = await condition();
    if (found) return found;
  }
  throw new Error(`${what} did not come in ${deadline} ms\n${server.output.slice(-3000)}`);
}

const metric = async (name, kind = 'images') => (await server.metrics())[`tidegate_delivery_${name}{kind="${kind}"}`];

async function sendImagesOf(StreamName, change, following) {
  await kvs.call('UpdateImageGenerationConfiguration', {StreamName, ImageGenerationConfiguration: {
    Status: 'ENABLED', ImageSelectorType: 'PRODUCER_TIMESTAMP', DestinationConfig: {Uri: 's3://pictures', DestinationRegion: region},
    SamplingInterval: 400, Format: 'JPEG', ...change}});
  await until(async () => await metric('streams') === following, `${following} streams that are followed`);
}

async function notifyOf(StreamName, Uri, following) {
  await kvs.call('UpdateNotificationConfiguration', {StreamName, NotificationConfiguration: {Status: 'ENABLED', DestinationConfig: {Uri}}});
  await until(async () => await metric('streams', 'notifications') === following, `${following} streams that are followed`);
}

/** An endpoint as SNS posts to: what came, and how many of the next it refuses with 500. */
class Hook {
  static async start() {
    const hook = new Hook();
    hook.posts = [];
    hook.refuse = 0;
    hook.server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const refused = hook.refuse > 0;
      if (refused) hook.refuse--;
      const body = JSON.parse(Buffer.concat(chunks));
      hook.posts.push({path: request.url, headers: request.headers, body, message: JSON.parse(body.Message), refused});
      response.writeHead(refused ? 500 : 200).end();
    });
    await new Promise((resolve) => hook.server.listen(0, '127.0.0.1', resolve));
    hook.url = `http://127.0.0.1:${hook.server.address().port}`;
    return hook;
  }

  of(stream) {
    return this.posts.filter((post) => post.message.StreamArn.includes(`:stream/${stream}/`));
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

const fetchPem = (url) => new Promise((resolve, reject) => get(url, {ca: server.caPem()}, async (answer) => {
  let text = '';
  for await (const chunk of answer) text += chunk;
  resolve(text);
}).on('error', reject));

/** As receivers of SNS do it: the members by name, a line for the name and one for the value. */
const isSignedBy = (pem, body) => verify('sha256',
  Buffer.from(['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'].map((name) => `${name}\n${body[name]}\n`).join('')),
  new X509Certificate(pem).publicKey, Buffer.from(body.Signature, 'base64'));

/** What ffmpeg makes of a file, as raw pictures. */
const pixelsOf = async (file, args = []) =>
  (await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-i', file, ...args, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'])).stdoutBytes;

const distance = (a, b) => {
  let sum = 0;
  for (let i = 0; i < a.length; i += 29) sum += (a[i] - b[i]) ** 2;
  return sum / Math.ceil(a.length / 29);
};

/** The index of the most similar picture, and how similar it is. */
function bestOf(pictures, pixels) {
  const distances = pictures.map((each) => distance(each, pixels));
  const best = distances.indexOf(Math.min(...distances));
  return {best, psnr: 10 * Math.log10(255 ** 2 / distances[best])};
}

/** A stored image, checked with ffmpeg. */
async function decode(stored, codec) {
  const file = join(folder, 'image');
  writeFileSync(file, stored.bytes);
  const pixels = await pixelsOf(file);
  assert.equal(stored.bytes.toString('latin1', 0, 4).includes('PNG') ? 'png' : 'mjpeg', codec);
  assert.equal(pixels.length, pixelBytes);
  return pixels;
}

/** {front, account, stream, time, id, end} of each key. */
const read = (keys) => keys.map((key) => {
  const parts = key.match(/^(.*?)(\d{12})_([^_]+)_(\d{13})_([0-9a-f-]{36})\.(jpg|png)$/);
  assert.ok(parts, key);
  return {key, front: parts[1], account: parts[2], stream: parts[3], time: Number(parts[4]), id: parts[5], end: parts[6]};
}).sort((a, b) => a.time - b.time);
const imagesOf = async (stream) => read((await s3.keys('pictures')).filter((key) => key.includes(`${accountId}_${stream}_`)));

before(async () => {
  hook = await Hook.start();
  s3 = await Radosgw.start();
  await s3.createBucket('pictures');
  await startServer();
});
after(async () => {
  await server?.stop();
  await s3?.stop();
  hook?.stop();
  rmSync(folder, {recursive: true, force: true});
});

describe('fragments of a producer', () => {
  const seconds = 8;
  let track, fragments, pictures;

  before(async () => {
    const file = join(folder, 'video.mkv');
    await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=${WIDTH}x${HEIGHT}:rate=${RATE}:duration=${seconds}`,
      '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-bf', '0', '-g', String(RATE), '-keyint_min', String(RATE), '-sc_threshold', '0', file]);
    const [document] = readMatroska(readFileSync(file));
    track = {number: 1, type: 1, codec: AVC, codecPrivate: document.tracks[0].codecPrivate};
    const blocks = blocksOf([document], AVC);
    assert.equal(blocks.length, seconds * RATE);
    fragments = Array.from({length: seconds}, (_, i) => blocks.slice(i * RATE, (i + 1) * RATE));
    assert.ok(fragments.every((each) => each[0].key));
    const pixels = await pixelsOf(file, ['-fps_mode', 'passthrough']);
    pictures = Array.from({length: blocks.length}, (_, i) => pixels.subarray(i * pixelBytes, (i + 1) * pixelBytes));
    for (const name of ['gate', 'yard', 'door']) await kvs.call('CreateStream', {StreamName: name, DataRetentionInHours: 1});
  });

  /** Sends the fragments numbered `which`, a second each from `start` on, with the tags of each; their acknowledged numbers. */
  async function put(stream, start, which, tagsOf) {
    const producer = await Producer.open(server, stream);
    producer.send(head([track]));
    for (const i of which) {
      const frames = fragments[i].map((each, k) => block(1, k * 1000 / RATE, each.payload, each.key));
      await producer.send(Buffer.concat([knownCluster(start + i * 1000, ...frames), ...(tagsOf(i) ? [tags(tagsOf(i))] : []), endOfFragment]));
    }
    await producer.until(() => producer.of('PERSISTED').length === which.length, 'PERSISTED of all');
    await producer.end();
    return Object.fromEntries(producer.of('PERSISTED').map((ack) => [ack.FragmentTimecode, ack.FragmentNumber]));
  }
  const wanted = {AWS_KINESISVIDEO_IMAGE_GENERATION: ''};

  test('those with the tag, and no other: names, metadata and pictures', async () => {
    const start = Date.now() - 60000;
    await sendImagesOf('gate', {}, 1);
    const prefix = 'front door+ü/x';
    const numbers = await put('gate', start, [0, 1, 2, 3, 4],
      (i) => ({1: {...wanted, AWS_KINESISVIDEO_IMAGE_PREFIX: prefix, Zone: 'A  1', 'bad name': 'x'}, 3: wanted, 4: {Zone: 'B'}})[i]);
    const images = await until(async () => {
      const found = await imagesOf('gate');
      return found.length >= 6 && found;
    }, 'six images');
    assert.deepEqual(images.map((each) => each.time - start), [1000, 1400, 1800, 3000, 3400, 3800]);
    assert.deepEqual(images.map((each) => [each.front, each.account, each.stream, each.end]),
      images.map((_, i) => [i < 3 ? `${prefix}_` : '', accountId, 'gate', 'jpg']));
    for (const [i, image] of images.entries()) {
      const stored = await s3.get('pictures', image.key);
      const fragment = start + (i < 3 ? 1000 : 3000);
      assert.equal(stored.type, 'image/jpeg');
      // radosgw gives names back with dashes; what is sent has underscores (delivery_test.cpp).
      const {aws_kinesisvideo_server_timestamp: serverTime, ...metadata} = Object.fromEntries(
        Object.entries(stored.metadata).map(([name, value]) => [name.replaceAll('-', '_'), value]));
      assert.deepEqual(metadata, {aws_kinesisvideo_fragment_number: numbers[fragment], aws_kinesisvideo_producer_timestamp: String(fragment), ...(i < 3 ? {zone: 'A  1'} : {})});
      assert.ok(Math.abs(Number(serverTime) - Date.now()) < 60000, serverTime);
      const found = bestOf(pictures, await decode(stored, 'mjpeg'));
      assert.equal(found.best, (image.time - start) / 1000 * RATE, `image ${i}`);
      assert.ok(found.psnr > 28, `image ${i}: ${found.psnr} dB`);
    }
    assert.equal(await metric('sent_total'), 6);

    await sendImagesOf('gate', {SamplingInterval: 1000, Format: 'PNG', WidthPixels: 160}, 1);
    await put('gate', start, [6], () => wanted);
    const small = await until(async () => (await imagesOf('gate')).find((each) => each.end === 'png'), 'a small image');
    const {bytes, type} = await s3.get('pictures', small.key);
    assert.deepEqual([type, small.time - start, bytes.readUInt32BE(16), bytes.readUInt32BE(20)], ['image/png', 6000, 160, 120], 'a width alone keeps the shape');
  });

  test('the object store down, the server killed, both back: every image is there, once', async () => {
    const start = Date.now() - 40000;
    await sendImagesOf('yard', {SamplingInterval: 500, Format: 'PNG', DestinationConfig: {Uri: 's3://pictures/kept', DestinationRegion: region}}, 2);
    await put('yard', start, [0, 1], () => wanted);
    await until(async () => (await imagesOf('yard')).length === 4, 'four images');
    await s3.stopGateway();
    await put('yard', start, [2, 3], () => wanted);
    await until(async () => await metric('failing_streams') === 1, 'a stream that fails');
    assert.match(server.output, /image_generation of .*:stream\/yard\/\d+ does not get through and is tried again: http:\S+ does not answer/);
    await server.kill();
    await startServer();
    await put('yard', start, [4, 5], (i) => (i === 5 ? wanted : undefined));
    await until(async () => await metric('failing_streams') === 1, 'a stream that fails again');
    await s3.startGateway();
    const images = await until(async () => {
      const found = await imagesOf('yard');
      return found.length >= 10 && found;
    }, 'ten images');
    assert.deepEqual(images.map((each) => each.time - start), [0, 500, 1000, 1500, 2000, 2500, 3000, 3500, 5000, 5500]);
    assert.ok(images.every((each) => each.front === 'kept/'));
    await until(async () => await metric('failing_streams') === 0, 'the end of the failure');
    assert.equal((server.output.match(/does not get through/g) ?? []).length, 1, 'one line for one failure');
    assert.equal((server.output.match(/goes on/g) ?? []).length, 1);
    const last = await s3.get('pictures', images.at(-1).key);
    assert.equal(bestOf(pictures, await decode(last, 'png')).best, 55);
  });

  test('notifications of those with the tag: shape, signature, again when refused and after a kill', async () => {
    const start = Date.now() - 30000;
    const told = {AWS_KINESISVIDEO_NOTIFICATION: ''};
    await notifyOf('door', topic, 1);
    hook.refuse = 2;
    const numbers = await put('door', start, [0, 1, 2, 3], (i) => ({1: {...told, Zone: 'A "1"', Ort: 'Tür'}, 3: told})[i]);
    await until(() => hook.of('door').filter((post) => !post.refused).length === 2, 'two notifications');
    const posts = hook.of('door');
    assert.deepEqual(posts.map((post) => post.refused), [true, true, false, false]);
    assert.equal(new Set(posts.slice(0, 3).map((post) => post.body.MessageId)).size, 1, 'another attempt has the same id');
    const {StreamInfo: {StreamARN}} = await kvs.call('DescribeStream', {StreamName: 'door'});
    const {body, message, headers, path} = posts[2];
    assert.deepEqual(Object.keys(body), ['Type', 'MessageId', 'TopicArn', 'Subject', 'Message', 'Timestamp', 'SignatureVersion', 'Signature', 'SigningCertURL']);
    assert.deepEqual([body.Type, body.TopicArn, body.Subject, body.SignatureVersion, path],
      ['Notification', topic, 'Kinesis Video Streams Notification', '2', '/doors']);
    assert.deepEqual([headers['x-amz-sns-message-type'], headers['x-amz-sns-message-id'], headers['x-amz-sns-topic-arn']], ['Notification', body.MessageId, topic]);
    assert.ok(Math.abs(new Date(body.Timestamp) - Date.now()) < 30000, body.Timestamp);
    const {FragmentStartServerTimestamp, ...rest} = message;
    assert.deepEqual(rest, {StreamArn: StreamARN, FragmentNumber: numbers[start + 1000], FragmentStartProducerTimestamp: start + 1000,
      NotificationType: 'PERSISTED', NotificationPayload: {Zone: 'A "1"', Ort: 'Tür'}});
    assert.ok(Math.abs(FragmentStartServerTimestamp - Date.now()) < 30000);
    assert.deepEqual([posts[3].message.FragmentNumber, posts[3].message.NotificationPayload], [numbers[start + 3000], {}]);
    const pem = await fetchPem(body.SigningCertURL);
    for (const post of posts) assert.ok(isSignedBy(pem, post.body));
    assert.ok(!isSignedBy(pem, {...body, Message: body.Message.replace('PERSISTED', 'PERSISTEE')}));

    hook.refuse = Infinity;
    const later = await put('door', start, [4, 5, 6], (i) => (i === 5 ? undefined : told));
    await until(() => hook.of('door').length > posts.length, 'an attempt');
    await server.kill();
    hook.refuse = 0;
    await startServer();
    await until(() => hook.of('door').filter((post) => !post.refused).length >= 4, 'two more');
    const [, , ...accepted] = hook.of('door').filter((post) => !post.refused);
    assert.deepEqual(accepted.map((post) => post.message.FragmentNumber), [later[start + 4000], later[start + 6000]]);
    assert.ok(accepted.every((post) => isSignedBy(pem, post.body)), 'the key outlives a restart');
  });
});

describe('a camera over WebRTC', () => {
  test('images at every multiple of the interval, of the picture that is shown then, and a notification of each fragment', async () => {
    const interval = 900;
    await kvs.recordedChannel('porch', 1);
    await sendImagesOf('porch', {SamplingInterval: interval, Format: 'PNG'}, 3);
    await notifyOf('porch', `${hook.url}/porch`, 2);
    const camera = Camera.start(server.url, ['--channel', 'porch', '--stream', 'porch', '--ca', server.ca, '--duration', '5',
      '--width', String(WIDTH), '--height', String(HEIGHT), '--picture-rate', String(RATE), '--bitrate-kbps', '400']);
    await camera.report();
    const documents = await kvs.documents('porch', {quiet: 700});
    const pictures = [];  // {at: producer ms, pixels} of the whole recording, decoded by ffmpeg
    for (const document of documents) {
      const file = join(folder, 'fragment.mkv');
      writeFileSync(file, document.bytes);
      const pixels = await pixelsOf(file, ['-fps_mode', 'passthrough', '-map', '0:v']);
      const blocks = blocksOf([document], AVC);
      const start = Number(document.tags.AWS_KINESISVIDEO_PRODUCER_TIMESTAMP) * 1000;
      blocks.forEach((each, i) => pictures.push({at: start + each.ms - blocks[0].ms, pixels: pixels.subarray(i * pixelBytes, (i + 1) * pixelBytes)}));
    }
    const first = Math.ceil(pictures[0].at / interval) * interval, last = pictures.at(-1).at;
    const expected = Array.from({length: Math.floor((last - first) / interval) + 1}, (_, i) => first + i * interval);
    assert.ok(expected.length >= 4, `${expected}`);
    const images = await until(async () => {
      const found = await imagesOf('porch');
      return found.length >= expected.length && found;
    }, `${expected.length} images`);
    const times = images.map((each) => each.time);
    // The last picture is shown for a moment after its own time.
    assert.ok([0, 1].includes(times.length - expected.length), `${times} of ${expected}`);
    assert.deepEqual(times.slice(0, expected.length), expected);
    for (const image of images) {
      const shown = pictures.filter((each) => each.at <= image.time + 1).length - 1;
      const found = bestOf(pictures.map((each) => each.pixels), await decode(await s3.get('pictures', image.key), 'png'));
      assert.equal(found.best, shown, `the image of ${image.time}`);
      assert.ok(found.psnr > 40, `the image of ${image.time}: ${found.psnr} dB`);
    }
    // And a notification of every fragment.
    const fragments = documents.map((document) => document.tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER);
    await until(() => hook.of('porch').length >= fragments.length, 'a notification of each');
    assert.deepEqual(hook.of('porch').map((post) => post.message.FragmentNumber), fragments);
    assert.ok(hook.of('porch').every((post) => post.path === '/porch' && post.body.TopicArn === `${hook.url}/porch`));
  });
});

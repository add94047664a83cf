// SPDX-License-Identifier: Apache-2.0
// Behaves as webrtc-sdk-c does, from its literal requests to its media: what that client could not use is a failure here.
import assert from 'node:assert/strict';
import {readFileSync, rmSync} from 'node:fs';
import {after, before, describe, test} from 'node:test';
import {firstDifference, readAnnexB} from './lib/annexb.mjs';
import {CBridge} from './lib/c_peer.mjs';
import {Camera} from './lib/camera.mjs';
import {clean} from './lib/impairment.mjs';
import {Kvs} from './lib/kvs.mjs';
import {makeH264, makeOpus, scratch} from './lib/media_files.mjs';
import {oneRead, RawWebSocket} from './lib/raw_tls.mjs';
import {decodeDocuments, examine} from './lib/recording.mjs';
import {credentials, region, Server} from './lib/server.mjs';
import {amzDate, sha256, signature, signedUrl} from './lib/sigv4.mjs';

const vectors = JSON.parse(readFileSync(new URL('../vectors/webrtc-sdk-c-master.json', import.meta.url)));
const host = `kinesisvideo.${region}.amazonaws.com`;
const seconds = 8;

/** The captured request with this text instead of its channel, to this host, signed now; every header stays where it was. */
function literal(target, {to = host, replace = []} = {}) {
  const captured = vectors.find((entry) => entry.target?.startsWith(target));
  const body = replace.reduce((text, [from, by]) => text.replaceAll(from, by), captured.body);
  const date = amzDate();
  const signed = ['host', 'user-agent', 'x-amz-date'];
  const fresh = {host: to, 'x-amz-date': date, 'content-length': String(Buffer.byteLength(body))};
  const headers = captured.headers.map(([name, value]) => [name, fresh[name.toLowerCase()] ?? value]);
  const proof = signature({method: 'POST', target: captured.target, headers, signed, payloadHash: sha256(body), secret: credentials.secretAccessKey, date, region});
  const credential = `${credentials.accessKeyId}/${date.slice(0, 8)}/${region}/kinesisvideo/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed.join(';')}, Signature=${proof}`;
  return {method: 'POST', target: captured.target, body, headers: headers.map(([name, value]) => [name, name === 'Authorization' ? authorization : value])};
}

/** How many jsmn tokens a text has: each object, array, key and value is one. */
function tokens(value) {
  if (Array.isArray(value)) return 1 + value.reduce((sum, each) => sum + tokens(each), 0);
  if (value && typeof value === 'object') return 1 + Object.values(value).reduce((sum, each) => sum + 1 + tokens(each), 0);
  return 1;
}

/** Everything clients.md asks of an HTTP answer. */
function usable(answer) {
  assert.ok(answer.whole, `the first read had no whole header: ${answer.readBytes} bytes`);
  assert.equal(answer.status, 200, answer.body);
  assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(answer.body, 'latin1'), 'header and body came in one read');
  assert.equal(answer.more, 0, 'nothing came after the first read');
  assert.equal(answer.headers['transfer-encoding'], undefined);
  assert.ok(Math.abs(Date.parse(answer.headers.date) - Date.now()) < 5000, answer.headers.date);
  assert.match(answer.headers['x-amzn-requestid'], /^[0-9a-f-]{36}$/);
  assert.ok(answer.ended, 'the server closed after connection: close');
  assert.ok(!answer.alpn, 'no protocol was negotiated');
  if (answer.body === '') return {};
  assert.ok(!answer.body.includes('\\'), `escapes are used raw: ${answer.body}`);
  const parsed = JSON.parse(answer.body);
  assert.ok(tokens(parsed) <= 100, `${tokens(parsed)} tokens`);
  return parsed;
}

describe('webrtc-sdk-c', () => {
  const folder = scratch('c-client');
  let server, kvs, video, audio, arn, endpoints;
  const hostOf = (url) => {
    const match = url.match(/^(https|wss):\/\/([^/:]+)(\/.*)?$/);
    assert.ok(match, `${url} has a port or is no secure URL`);
    assert.ok(url.length <= 512);
    return match[2];
  };
  before(async () => {
    server = await Server.start({args: ['--public-url', `https://${host}`]});
    kvs = new Kvs(server.url);
    video = await makeH264(folder, {seconds, fps: 25, slices: 4});
    audio = await makeOpus(folder, {seconds});
  });
  after(async () => {
    rmSync(folder, {recursive: true});
    await server?.stop();
  });
  const inChannel = (to) => ({to, replace: [['arn:aws:kinesisvideo:us-west-2:123456789012:channel/mychannel/1234567890123', arn]]});

  test('a missing channel answers 404', async () => {
    const answer = await oneRead(server, host, literal('/describeSignalingChannel'));
    assert.equal(answer.status, 404);
    assert.equal(Number(answer.headers['content-length']), answer.body.length);
    assert.equal(answer.headers['x-amzn-errortype'], 'ResourceNotFoundException');
  });

  test('describeSignalingChannel', async () => {
    arn = (await kvs.recordedChannel('mychannel')).ChannelARN;
    const {ChannelInfo} = usable(await oneRead(server, host, literal('/describeSignalingChannel')));
    assert.deepEqual([ChannelInfo.ChannelARN, ChannelInfo.ChannelName, ChannelInfo.ChannelStatus, ChannelInfo.SingleMasterConfiguration.MessageTtlSeconds],
      [arn, 'mychannel', 'ACTIVE', 60]);
    assert.match(ChannelInfo.Version, /^[a-zA-Z0-9]{1,64}$/);
  });

  test('describeMediaStorageConfiguration', async () => {
    const {MediaStorageConfiguration} = usable(await oneRead(server, host, literal('/describeMediaStorageConfiguration', inChannel(host))));
    assert.equal(MediaStorageConfiguration.Status, 'ENABLED');
  });

  test('getSignalingChannelEndpoint gives URLs without a port', async () => {
    const {ResourceEndpointList} = usable(await oneRead(server, host, literal('/getSignalingChannelEndpoint', inChannel(host))));
    endpoints = Object.fromEntries(ResourceEndpointList.map((each) => [each.Protocol, each.ResourceEndpoint]));
    assert.deepEqual(Object.keys(endpoints).sort(), ['HTTPS', 'WEBRTC', 'WSS']);
    for (const url of Object.values(endpoints)) hostOf(url);
  });

  test('get-ice-server-config has an entry that the client takes', async () => {
    const name = hostOf(endpoints.HTTPS);
    const {IceServerList} = usable(await oneRead(server, name, literal('/v1/get-ice-server-config', inChannel(name))));
    assert.ok(IceServerList.length >= 1 && IceServerList.length <= 5);
    for (const each of IceServerList) {
      assert.ok(each.Uris.length >= 1 && each.Uris.length <= 4 && each.Uris.every((uri) => uri.length <= 127));
      assert.ok(each.Ttl > 30 && (each.Username ?? '').length <= 256 && (each.Password ?? '').length <= 256);
    }
  });

  test('a signature that is too old says so in the words the client looks for', async () => {
    const request = literal('/describeSignalingChannel');
    for (const [shift, words] of [[-3600000, 'Signature expired'], [3600000, 'Signature not yet current']]) {
      const date = amzDate(new Date(Date.now() + shift));
      const headers = request.headers.map(([name, value]) => [name, name.toLowerCase() === 'x-amz-date' ? date : value]);
      const signed = ['host', 'user-agent', 'x-amz-date'];
      const proof = signature({method: 'POST', target: request.target, headers, signed, payloadHash: sha256(request.body), secret: credentials.secretAccessKey, date, region});
      const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${date.slice(0, 8)}/${region}/kinesisvideo/aws4_request, SignedHeaders=${signed.join(';')}, Signature=${proof}`;
      const answer = await oneRead(server, host, {...request, headers: headers.map(([name, value]) => [name, name === 'Authorization' ? authorization : value])});
      assert.equal(answer.status, 403);
      assert.ok(answer.body.includes(words), answer.body);
    }
  });

  async function connected() {
    const captured = vectors.find((entry) => entry.method === 'GET');
    const url = new URL(endpoints.WSS);
    const signed = new URL(signedUrl({endpoint: endpoints.WSS, query: {'X-Amz-ChannelARN': arn}, accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey, region, expires: 604800}));
    const headers = captured.headers.map(([name, value]) => [name, name === 'Host' ? url.hostname : value]);
    return RawWebSocket.open(server, url.hostname, signed.pathname + signed.search, headers);
  }

  /** An offer as the C parser takes it. */
  function acceptable(frame) {
    assert.equal(frame.opcode, 1, 'a text frame');
    assert.ok(!frame.masked && frame.final && frame.text.length <= 18750, `${frame.text.length} bytes`);
    const message = JSON.parse(frame.text);
    assert.equal(message.messageType, 'SDP_OFFER');
    assert.ok(!('senderClientId' in message), 'no senderClientId from the storage session');
    const text = Buffer.from(message.messagePayload, 'base64').toString();
    assert.match(text, /^\{"type":\s*"offer",\s*"sdp":\s*"(?:[^"\\]|\\[rn])*"\}$/, 'flat, with no escapes but line breaks');
    const offer = JSON.parse(text);
    assert.ok(offer.sdp.endsWith('\n') && offer.sdp.length <= 25000);
    const [session, ...sections] = offer.sdp.split(/(?=^m=)/m);
    assert.match(session, /^a=group:BUNDLE /m);
    assert.ok(sections.length >= 1 && sections.length <= 5);
    const transports = new Set();
    for (const section of sections) {
      const lines = section.trim().split(/\r?\n/);
      assert.ok(lines.length <= 256 && lines.every((line) => line.length <= 512));
      assert.ok(!section.startsWith('m=application'));
      assert.equal(lines.filter((line) => /^a=(sendrecv|recvonly|sendonly|inactive)$/.test(line)).length, 1, 'one direction');
      const [ufrag, pwd] = ['ice-ufrag', 'ice-pwd'].map((name) => section.match(new RegExp(`^a=${name}:(\\S+)`, 'm'))?.[1]);
      assert.ok(ufrag && pwd, 'ICE credentials in the section');
      const fingerprint = offer.sdp.match(/^a=fingerprint:sha-256 ([0-9A-F:]{95})\r?$/m);
      assert.ok(fingerprint, 'an upper-case SHA-256 fingerprint');
      transports.add([ufrag, pwd, fingerprint[1]].join());
    }
    assert.equal(transports.size, 1, 'one transport for all sections');
    assert.match(offer.sdp, /^a=ice-options:.*trickle/m);
    assert.match(offer.sdp, /^a=rtpmap:\d+ opus\/48000/m);
    const profiles = [...offer.sdp.matchAll(/^a=fmtp:\d+ (.*profile-level-id=.*)$/gm)].map((match) => match[1]);
    assert.ok(profiles.some((each) => /42e01f/i.test(each) && /packetization-mode=1/.test(each) && /level-asymmetry-allowed=1/.test(each)), profiles.join(' | '));
    return offer;
  }

  test('the WebSocket answers a ping, and the offer is one the C parser takes', async () => {
    const socket = await connected();
    socket.send('hello', 9);
    assert.deepEqual([(await socket.nextFrame()).opcode], [10]);
    const name = hostOf(endpoints.WEBRTC);
    const answer = await oneRead(server, name, literal('/joinStorageSession', inChannel(name)));
    usable(answer);
    assert.ok(answer.ms < 1000, `JoinStorageSession took ${answer.ms} ms`);
    acceptable(await socket.nextText());
    socket.close();
  });

  test('capitalised keys, its answer and its media: recorded bit for bit', async (t) => {
    const name = hostOf(endpoints.WEBRTC);
    const socket = await connected();
    const bridge = await CBridge.start(server, {impairment: clean, folder});
    bridge.carry({socket, captured: vectors.find((entry) => entry.message?.action === 'SDP_ANSWER'),
      join: async () => usable(await oneRead(server, name, literal('/joinStorageSession', inChannel(name))))});
    try {
      const report = await Camera.start(bridge.url, ['--like-c-sdk', '--channel', 'mychannel', '--h264', video.path, '--opus', audio.path, '--insecure']).report();
      t.diagnostic(JSON.stringify(report).slice(0, 400));
      assert.deepEqual([...new Set(bridge.seen)].filter((type) => type !== 'SDP_OFFER' && type !== 'ICE_CANDIDATE'), []);
      await kvs.untilFragments('mychannel', (found) => found.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) > seconds * 1000 - 200);
      const documents = await kvs.documents('mychannel');
      const found = examine(documents, {withAudio: true});
      assert.equal(firstDifference(readAnnexB(video.bytes), found.video.units), null);
      assert.ok(Math.abs(found.audio.to - found.video.to) <= 100, `audio ends at ${found.audio.to}, video at ${found.video.to}`);
      await decodeDocuments(documents, folder);
    } finally {
      socket.close();
      await bridge.stop();
    }
  });
});

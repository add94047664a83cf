// SPDX-License-Identifier: Apache-2.0
// Whatever arrives: a documented error, or dropped and counted; and the next client is served.
import assert from 'node:assert/strict';
import {JoinStorageSessionCommand} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {randomBytes} from 'node:crypto';
import {createSocket} from 'node:dgram';
import {once} from 'node:events';
import {readFileSync, rmSync} from 'node:fs';
import {request as httpRequest} from 'node:http';
import {connect} from 'node:net';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {firstDifference} from './lib/annexb.mjs';
import {clean} from './lib/impairment.mjs';
import {Kvs} from './lib/kvs.mjs';
import {pack, SignalingSocket} from './lib/master.mjs';
import {makeH264, makeOpus, scratch} from './lib/media_files.mjs';
import {examine} from './lib/recording.mjs';
import {Relay} from './lib/relay.mjs';
import {accountId, credentials, region, Server} from './lib/server.mjs';
import {amzDate, signedHeaders, signedUrl} from './lib/sigv4.mjs';
import {WeriftSender} from './lib/werift_sender.mjs';

let server, kvs, channel;
const folder = scratch('bad-input');
before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  channel = await kvs.recordedChannel('target');
});
after(async () => {
  rmSync(folder, {recursive: true});
  await server?.stop();
});

/** After each table: the server lives and answers an ordinary client. */
async function serves() {
  assert.ok(server.alive(), server.output.slice(-4000));
  assert.equal((await kvs.call('DescribeStream', {StreamName: 'target'})).StreamInfo.StreamName, 'target');
}

const signing = {accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey, region};
const host = () => `127.0.0.1:${server.httpPort}`;

/** Sends a request exactly as given. */
function send({method = 'POST', target = '/describeStream', headers, body = ''}) {
  return new Promise((resolve, reject) => {
    const flat = [...headers, ['Content-Length', String(Buffer.byteLength(body))]].flat();
    const outgoing = httpRequest({host: '127.0.0.1', port: server.httpPort, method, path: target, headers: flat, setHost: false}, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve({status: answer.statusCode, type: answer.headers['x-amzn-errortype'], id: answer.headers['x-amzn-requestid'], body: Buffer.concat(chunks).toString()}));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const signed = (body, target = '/describeStream', options = {}) => ({target, body, headers: signedHeaders({target, host: host(), body, ...signing, ...options})});

describe('signatures', () => {
  const body = '{"StreamName":"target"}';
  const change = (name, by) => {
    const good = signed(body);
    return {...good, headers: good.headers.map(([n, v]) => (n === name ? [n, by(v)] : [n, v])).filter(([, v]) => v !== null)};
  };
  const old = amzDate(new Date(Date.now() - 3600000)), early = amzDate(new Date(Date.now() + 3600000));
  const table = {
    'none at all': [() => ({body, headers: [['Host', host()]]}), 403, 'MissingAuthenticationToken'],
    'another scheme': [() => change('Authorization', () => 'Basic dXNlcjpwYXNz'), 4, ''],
    'no parts': [() => change('Authorization', () => 'AWS4-HMAC-SHA256'), 400, 'IncompleteSignature'],
    'no signature part': [() => change('Authorization', (v) => v.replace(/, Signature=.*/, '')), 400, 'IncompleteSignature'],
    'no credential part': [() => change('Authorization', (v) => v.replace(/Credential=[^,]*, /, '')), 400, 'IncompleteSignature'],
    'a credential of three words': [() => change('Authorization', (v) => v.replace(/\/kinesisvideo\/aws4_request/, '')), 4, ''],
    'a signature that is no hex': [() => change('Authorization', (v) => v.replace(/Signature=.*/, `Signature=${'z'.repeat(64)}`)), 403, 'InvalidSignature'],
    'one changed digit': [() => change('Authorization', (v) => v.slice(0, -1) + (v.endsWith('0') ? '1' : '0')), 403, 'InvalidSignature'],
    'a changed body': [() => ({...signed(body), body: '{"StreamName":"targeT"}'}), 403, 'InvalidSignature'],
    'an unknown key': [() => signed(body, '/describeStream', {accessKey: 'AKIDNOBODY'}), 403, ''],
    'another service': [() => change('Authorization', (v) => v.replace('/kinesisvideo/', '/s3/')), 4, ''],
    'a day that is not the date\'s': [() => change('Authorization', (v) => v.replace(/\/\d{8}\//, '/20200101/')), 4, ''],
    'no date': [() => change('X-Amz-Date', () => null), 4, ''],
    'a date that is none': [() => change('X-Amz-Date', () => 'yesterday'), 4, ''],
    'an hour old': [() => signed(body, '/describeStream', {date: old}), 403, 'InvalidSignature', 'Signature expired'],
    'an hour early': [() => signed(body, '/describeStream', {date: early}), 403, 'InvalidSignature', 'Signature not yet current'],
    'host not signed': [() => signed(body, '/describeStream', {signed: ['x-amz-date']}), 4, ''],
    'a signed header that is not there': [() => change('Authorization', (v) => v.replace('SignedHeaders=host', 'SignedHeaders=absent;host')), 4, ''],
    '100 kB of signed headers': [() => change('Authorization', (v) => v.replace('SignedHeaders=host', `SignedHeaders=${'a;'.repeat(3000)}host`)), 4, ''],
  };
  for (const [name, [make, status, type, words]] of Object.entries(table)) {
    test(name, async () => {
      const answer = await send(make());
      if (status < 10) assert.equal(Math.floor(answer.status / 100), status, answer.body);
      else assert.equal(answer.status, status, answer.body);
      assert.match(answer.type ?? '', new RegExp(`^${type}`));
      if (words) assert.ok(answer.body.includes(words), answer.body);
      assert.match(answer.id ?? '', /^[0-9a-f-]{36}$/);
    });
  }
  test('the server serves the next client', serves);
});

describe('JSON', () => {
  const table = {
    'nothing': '', 'no JSON': 'StreamName=target', 'half an object': '{"StreamName":"tar', 'an array': '["target"]', 'a string': '"target"', 'null': 'null',
    'a number for a name': '{"StreamName":7}', 'an object for a name': '{"StreamName":{}}', 'null bytes': '\0\0\0\0', 'a nest of 100,000': '['.repeat(100000),
    'objects nested 100,000 deep': '{"a":'.repeat(100000), 'broken UTF-8': Buffer.from('7b2253747265616d4e616d65223a22ff227d', 'hex').toString('latin1'),
    'a lone surrogate': '{"StreamName":"\\ud800"}', 'trailing text': '{"StreamName":"target"} and more',
  };
  for (const [name, body] of Object.entries(table)) {
    test(name, async () => {
      const answer = await send(signed(body));
      assert.equal(answer.status, 400, `${answer.status} ${answer.body}`);
      assert.match(answer.type ?? '', /^(Serialization|InvalidArgument|Validation)Exception/);
      assert.ok(JSON.parse(answer.body).Message?.length > 0, answer.body);
    });
  }
  test('a body without end is refused', async () => {
    const answer = await send(signed(`{"StreamName":"${'x'.repeat(12 << 20)}"}`)).catch((error) => ({status: error.code}));
    assert.ok([400, 413, 'ECONNRESET', 'EPIPE'].includes(answer.status), String(answer.status));
  });
  test('the server serves the next client', serves);
});

describe('ARNs', () => {
  const good = `arn:aws:kinesisvideo:${region}:${accountId}:stream/target/1234567890123`;
  const table = ['arn', 'arn:aws', `${good}/more`, good.replace('kinesisvideo', 's3'), good.replace(accountId, '12'), good.replace(region, 'nowhere'), good.replace('stream/', 'bucket/'),
    good.replace('stream/target', 'stream/'), good.replace('1234567890123', 'soon'), good.replace('target', '../../etc/passwd'), `arn:${'a'.repeat(2000)}`, '', good.replace('target', 'tar\u0000get')];
  for (const arn of table) {
    test(JSON.stringify(arn.slice(0, 70)), async () => {
      const answer = await send(signed(JSON.stringify({StreamARN: arn})));
      assert.ok([400, 404].includes(answer.status), `${answer.status} ${answer.body}`);
      assert.match(answer.type, answer.status === 404 ? /^ResourceNotFoundException/ : /^InvalidArgumentException/);
    });
  }
  test('the server serves the next client', serves);
});

describe('connections', () => {
  /** What a raw connection answers to these bytes: the status code, or "closed". */
  async function raw(port, bytes) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(bytes);
    const answer = await Promise.race([once(socket, 'data').then(([data]) => data.toString('latin1').split(' ')[1]), once(socket, 'close').then(() => 'closed'), sleep(500, 'silent', {ref: false})]);
    socket.destroy();
    return answer;
  }
  const table = {
    'noise': () => randomBytes(3000), 'a line that never ends': () => `GET /${'a'.repeat(200000)}`, 'no version': () => 'POST /describeStream\r\n\r\n',
    'a header without end': () => `POST /describeStream HTTP/1.1\r\nHost: x\r\nA: ${'b'.repeat(300000)}\r\n\r\n`,
    'a negative length': () => 'POST /describeStream HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
    'two lengths': () => 'POST /describeStream HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef',
    'a chunk of no size': () => 'POST /describeStream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n',
    'HTTP/2 preface': () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'a TLS hello on the plain port': () => Buffer.from('160301020001000000', 'hex'),
  };
  for (const [name, bytes] of Object.entries(table)) {
    test(name, async () => {
      const answer = await raw(server.httpPort, bytes());
      assert.ok(/^(4\d\d|5\d\d|closed|silent)$/.test(answer), String(answer));
      assert.notEqual(answer, '500');
    });
  }
  test('noise on the TLS port', async () => {
    assert.match(await raw(server.httpsPort, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /closed|400|undefined/);
    await raw(server.httpsPort, randomBytes(2000));
  });
  test('an unknown path and another method', async () => {
    assert.equal((await send(signed('{}', '/inventStream'))).status, 404);
    const answer = await send({method: 'GET', target: '/describeStream', headers: signedHeaders({method: 'GET', target: '/describeStream', host: host(), ...signing})});
    assert.ok([404, 405].includes(answer.status), String(answer.status));
  });
  test('200 connections that say nothing do not keep others out', async () => {
    const sockets = await Promise.all(Array.from({length: 200}, async () => {
      const socket = connect(server.httpPort, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    }));
    await serves();
    for (const socket of sockets) socket.destroy();
  });
  test('the server serves the next client', serves);
});

describe('WebSocket connections', () => {
  const url = (endpoint, query, options = {}) => signedUrl({endpoint, query, ...signing, ...options});
  const refused = async (makeUrl, statuses) => {
    const {WSS} = await kvs.endpoints(channel.ChannelARN);
    const {WSS: viewer} = await kvs.endpoints(channel.ChannelARN, 'VIEWER');
    const error = await SignalingSocket.open(server, null, null, {url: makeUrl(WSS, viewer)}).then(() => null, (reason) => reason);
    assert.ok(error, 'it was let in');
    assert.ok(statuses.includes(error.status), `${error.status} ${error.message} ${error.body}`);
  };
  const arn = () => channel.ChannelARN;
  test('not signed', () => refused((master) => `${master}?X-Amz-ChannelARN=${encodeURIComponent(arn())}`, [400, 403]));
  test('a wrong signature', () => refused((master) => url(master, {'X-Amz-ChannelARN': arn()}).replace(/.$/, (c) => (c === '0' ? '1' : '0')), [403]));
  test('expired', () => refused((master) => url(master, {'X-Amz-ChannelARN': arn()}, {date: amzDate(new Date(Date.now() - 3600000))}), [403]));
  test('valid for a month', () => refused((master) => url(master, {'X-Amz-ChannelARN': arn()}, {expires: 2592000}), [400, 403]));
  test('no channel', () => refused((master) => url(master, {}), [400]));
  test('a channel that is no ARN', () => refused((master) => url(master, {'X-Amz-ChannelARN': 'target'}), [400]));
  test('an unknown channel', () => refused((master) => url(master, {'X-Amz-ChannelARN': arn().replace('target', 'nowhere')}), [404]));
  test('a viewer without a client id', () => refused((_, viewer) => url(viewer, {'X-Amz-ChannelARN': arn()}), [400]));
  test('a viewer with a reserved client id', () => refused((_, viewer) => url(viewer, {'X-Amz-ChannelARN': arn(), 'X-Amz-ClientId': 'AWS_me'}), [400]));
  test('a viewer with an impossible client id', () => refused((_, viewer) => url(viewer, {'X-Amz-ChannelARN': arn(), 'X-Amz-ClientId': 'a b'}), [400]));
  test('the server serves the next client', serves);
});

describe('signaling messages', () => {
  const payload = pack({type: 'answer', sdp: 'v=0'});
  const table = {
    'no JSON': 'hello', 'half an object': '{"action":"SDP_ANSWER"', 'an array': '[]', 'no action': JSON.stringify({messagePayload: payload, correlationId: 'c'}),
    'an unknown action': JSON.stringify({action: 'SDP_DANCE', messagePayload: payload, correlationId: 'c'}),
    'no payload': JSON.stringify({action: 'SDP_ANSWER', correlationId: 'c'}), 'a payload that is no base64': JSON.stringify({action: 'SDP_ANSWER', messagePayload: '***', correlationId: 'c'}),
    'a payload that is no JSON': JSON.stringify({action: 'SDP_ANSWER', messagePayload: pack('not json'), correlationId: 'c'}),
    'a payload over 10,000 characters': JSON.stringify({action: 'SDP_ANSWER', messagePayload: 'A'.repeat(12000), correlationId: 'c'}),
    'a recipient that is not there': JSON.stringify({action: 'SDP_OFFER', recipientClientId: 'a b', messagePayload: payload, correlationId: 'c'}),
    'numbers for texts': JSON.stringify({action: 7, messagePayload: 8, correlationId: 9}), 'a candidate that is none': JSON.stringify({action: 'ICE_CANDIDATE', messagePayload: pack({candidate: 'nonsense'}), correlationId: 'c'}),
    'an impossible correlation id': JSON.stringify({action: 'SDP_ANSWER', messagePayload: payload, correlationId: 'ä b'}), 'nested deep': `{"action":${'['.repeat(50000)}`,
  };
  test('none of them ends the connection of another, and a failure with a correlation id is told', async (t) => {
    const {WSS} = await kvs.endpoints(channel.ChannelARN);
    for (const [name, text] of Object.entries(table)) {
      const socket = await SignalingSocket.open(server, WSS, channel.ChannelARN);
      socket.sendText(text);
      await sleep(60);
      const statuses = socket.messages.filter((message) => message.messageType === 'STATUS_RESPONSE');
      const correlated = /"correlationId":"c"/.test(text) && name !== 'a candidate that is none';
      if (correlated && socket.closeCode === undefined) {
        assert.equal(statuses.length, 1, `${name}: ${JSON.stringify(socket.messages)}`);
        const {correlationId, statusCode, success, errorType} = statuses[0].statusResponse;
        assert.deepEqual([correlationId, typeof statusCode, success], ['c', 'string', false], name);
        assert.ok(errorType.endsWith('Exception'), `${name}: ${errorType}`);
      } else if (!correlated) {
        assert.deepEqual(statuses.filter((status) => status.statusResponse.success === false && !status.statusResponse.correlationId), [], name);
      }
      await socket.close();
    }
    t.diagnostic(`${Object.keys(table).length} messages`);
    await serves();
  });
  test('a binary message and a message without end', async () => {
    const {WSS} = await kvs.endpoints(channel.ChannelARN);
    for (const message of [randomBytes(500), Buffer.alloc(4 << 20, 'a').toString()]) {
      const socket = await SignalingSocket.open(server, WSS, channel.ChannelARN);
      socket.sendText(message);
      await sleep(100);
      await socket.close();
    }
    await serves();
  });
});

describe('answers to the offer', () => {
  const media = (kind, lines, port = 9) => [`m=${kind} ${port} UDP/TLS/RTP/SAVPF 96`, 'c=IN IP4 0.0.0.0', ...lines].join('\r\n');
  const transport = ['a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:active', 'a=rtcp-mux'];
  const sdpOf = (...sections) => `v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n${sections.join('\r\n')}\r\n`;
  const vp8 = ['a=rtpmap:96 VP8/90000', 'a=sendonly'], h264 = ['a=rtpmap:96 H264/90000', 'a=sendonly', 'a=fmtp:96 packetization-mode=1;profile-level-id=42e01f'];
  const without = (lines, start) => lines.filter((line) => !line.startsWith(start));
  /** The offer's own sections, answered: kinds and mids in its order. */
  const answering = (offer, make) => sdpOf(...offer.sdp.split(/(?=^m=)/m).slice(1).map((section) => make(section.match(/^m=(\w+)/)[1], section.match(/^a=mid:(\S+)/m)[1])));
  const inactiveAudio = (mid) => media('audio', [`a=mid:${mid}`, 'a=inactive', 'a=rtpmap:96 opus/48000/2', ...transport], 0);
  const onlyVideo = (lines, port) => (offer) => answering(offer, (kind, mid) => (kind === 'video' ? media('video', [`a=mid:${mid}`, ...lines], port) : inactiveAudio(mid)));
  const table = {
    'VP8 only': [onlyVideo([...vp8, ...transport]), /H\.?264/i],
    'video refused': [onlyVideo([...h264, ...transport], 0), /video/i],
    'video inactive': [onlyVideo([...without(h264, 'a=sendonly'), 'a=inactive', ...transport]), /video/i],
    'video only received': [onlyVideo([...without(h264, 'a=sendonly'), 'a=recvonly', ...transport]), /video/i],
    'no fingerprint': [onlyVideo([...h264, ...without(transport, 'a=fingerprint')]), /fingerprint/i],
    'no ICE credentials': [onlyVideo([...h264, ...without(without(transport, 'a=ice-ufrag'), 'a=ice-pwd')]), /ice/i],
    'garbage': [() => 'this is no session description', /./], 'nothing': [() => '', /./], 'noise': [() => randomBytes(3000).toString('latin1'), /./],
    'no sections': [() => sdpOf(), /./], '500 sections': [() => sdpOf(...Array.from({length: 500}, (_, i) => media('video', [`a=mid:${i}`]))).slice(0, 7000), /./],
  };
  for (const [name, [make, words]] of Object.entries(table)) {
    test(name, async () => {
      const {WSS} = await kvs.endpoints(channel.ChannelARN);
      const socket = await SignalingSocket.open(server, WSS, channel.ChannelARN);
      await kvs.storage.send(new JoinStorageSessionCommand({channelArn: channel.ChannelARN}));
      const {payload: offer} = await socket.next('SDP_OFFER');
      socket.send('SDP_ANSWER', {type: 'answer', sdp: make(offer)}, {correlationId: 'bad-answer'});
      const {statusResponse} = await socket.next('STATUS_RESPONSE');
      assert.deepEqual([statusResponse.correlationId, statusResponse.statusCode, statusResponse.errorType, statusResponse.success], ['bad-answer', '400', 'InvalidArgumentException', false]);
      assert.match(statusResponse.description, words);
      await socket.close();
    });
  }
  test('a good answer afterwards is recorded', async () => {
    await foreignRecording(server.url, server, 'after-bad-answers');
  });
});

/** A short recording by werift; `during` runs while media flows. */
async function foreignRecording(url, signalingServer, name, during = async () => {}) {
  const seconds = 4;
  const video = await makeH264(folder, {seconds, name: `${name}.h264`});
  const audio = await makeOpus(folder, {seconds, name: `${name}.ogg`});
  const through = new Kvs(url);
  const {ChannelARN} = await through.recordedChannel(name);
  const endpoints = await through.endpoints(ChannelARN);
  const signaling = await SignalingSocket.open(signalingServer, endpoints.WSS, ChannelARN);
  const sender = new WeriftSender();
  try {
    await through.storage.send(new JoinStorageSessionCommand({channelArn: ChannelARN}));
    signaling.send('SDP_ANSWER', await sender.answer((await signaling.next('SDP_OFFER')).payload), {correlationId: 'good'});
    await sender.connected;
    const [sent] = await Promise.all([sender.publish({videoBytes: video.bytes, audioBytes: readFileSync(audio.path), fps: video.fps}), during()]);
    await sleep(1000);
    await sender.close();
    await kvs.untilFragments(name, (found) => found.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) > seconds * 1000 - 200, 40000);
    const found = examine(await kvs.documents(name), {withAudio: true});
    assert.equal(firstDifference(sent.units, found.video.units), null);
  } finally {
    await sender.close().catch(() => {});
    await signaling.close();
  }
}

/** Malformed packets of each protocol of the media port. */
function* malformedPackets() {
  const stun = (type, attributes, length = attributes.length) => {
    const head = Buffer.alloc(20);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(length, 2);
    head.writeUInt32BE(0x2112a442, 4);
    randomBytes(12).copy(head, 8);
    return Buffer.concat([head, attributes]);
  };
  const attribute = (type, value, length = value.length) => Buffer.concat([Buffer.from([type >> 8, type & 255, length >> 8, length & 255]), value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
  yield Buffer.alloc(0);
  yield stun(1, Buffer.alloc(0)).subarray(0, 11);
  yield stun(1, Buffer.alloc(8), 65532);
  yield stun(1, attribute(6, Buffer.from('a'), 60000));
  yield stun(1, attribute(6, Buffer.from('nobody:knows')));
  yield stun(1, Buffer.concat([attribute(6, Buffer.from('nobody:knows')), attribute(8, randomBytes(20)), attribute(0x8028, randomBytes(4))]));
  yield stun(0x0111, attribute(9, Buffer.from([0, 0, 9, 99])));
  yield stun(0x3fff, Buffer.alloc(0));
  for (const type of [20, 21, 22, 23, 25, 63]) yield Buffer.concat([Buffer.from([type, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0]), randomBytes(40)]);
  yield Buffer.concat([Buffer.from('16fefd0000000000000000003001000024000000000000ffff', 'hex'), randomBytes(36)]);
  for (const length of [1, 2, 11, 12, 13, 28, 100, 1400]) {
    yield Buffer.concat([Buffer.from([0x80, 0x60]), randomBytes(length)]);
    yield Buffer.concat([Buffer.from([0x9f, 0xe0]), randomBytes(length)]);
    yield Buffer.concat([Buffer.from([0x80, 200]), randomBytes(length)]);
    yield Buffer.concat([Buffer.from([0x8f, 205, 0xff, 0xff]), randomBytes(length)]);
    yield Buffer.concat([Buffer.from([0xbf, 206, 0, 0]), randomBytes(length)]);
  }
  for (let first = 0; first < 256; first += 3) yield Buffer.concat([Buffer.from([first]), randomBytes(first * 5)]);
}

const dropped = async () => Object.entries(await server.metrics()).filter(([name]) => /drop|discard|reject|invalid|malformed|bad_|unknown|refused/i.test(name)).reduce((sum, [, value]) => sum + value, 0);

describe('media port', () => {
  test('malformed packets from strangers are dropped and counted', async () => {
    const before = await dropped();
    const socket = createSocket('udp4');
    let sent = 0;
    for (let round = 0; round < 5; round++) {
      for (const packet of malformedPackets()) {
        socket.send(packet, server.mediaPort, '127.0.0.1');
        sent++;
        if (sent % 20 === 0) await sleep(1);
      }
    }
    await sleep(300);
    socket.close();
    await serves();
    const counted = (await dropped()) - before;
    assert.ok(counted > sent / 2, `${counted} of ${sent} are counted`);
  });

  test('malformed, changed, cut and repeated packets inside a session harm nothing', async () => {
    const relay = await Relay.start(server, {impairment: clean, folder});
    const before = await dropped();
    try {
      await foreignRecording(relay.url, {caPem: () => readFileSync(relay.ca)}, 'attacked', async () => {
        const [proxy] = await Promise.all(relay.proxies.values());
        const [peer] = [...proxy.peers.values()].slice(-1);
        const recent = [];
        const pass = proxy.pass.bind(proxy);
        proxy.pass = (packet, onward) => {
          if (recent.length < 400) recent.push(Buffer.from(packet));
          pass(packet, onward);
        };
        const inject = (bytes) => peer.socket.send(bytes, proxy.target.port, proxy.target.address);
        for (let round = 0; round < 8; round++) {
          for (const packet of malformedPackets()) inject(packet);
          for (const packet of recent.splice(0, 60)) {
            inject(packet);
            inject(packet.subarray(0, Math.floor(packet.length / 2)));
            const changed = Buffer.from(packet);
            changed[changed.length >> 1] ^= 0x10;
            inject(changed);
          }
          await sleep(300);
        }
      });
    } finally {
      await relay.stop();
    }
    await serves();
    assert.ok((await dropped()) > before, 'what was dropped is counted');
  });
});

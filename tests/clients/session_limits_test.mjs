// SPDX-License-Identifier: Apache-2.0
// lane: media
// Limits in time: of the connections to a storage session, and of signaling sockets (GO_AWAY before their end). The figures
// are short ones; tests/clients/limits_test.mjs and the rooms have AWS's.
import assert from 'node:assert/strict';
import {JoinStorageSessionAsViewerCommand, JoinStorageSessionCommand} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {SignalingSocket} from './lib/master.mjs';
import {readPresigned} from './lib/own_api.mjs';
import {Server} from './lib/server.mjs';
import {WeriftSender} from './lib/werift_sender.mjs';

const LENGTH = 6, IDLE = 5, VIEWER_IDLE = 2, ALONE = 3;
let server, kvs;
const clients = [];  // sockets and peers to close

before(async () => {
  server = await Server.start({args: Object.entries({session_seconds: LENGTH, session_idle_seconds: IDLE, session_viewer_idle_seconds: VIEWER_IDLE,
    session_without_master_seconds: ALONE}).flatMap(([name, value]) => ['--limit', `${name}=${value}`])});
  kvs = new Kvs(server.url);
});
after(async () => {
  await Promise.all(clients.map((each) => each.close().catch(() => {})));
  await server?.stop();
});

const sessionsOf = async (channelName) => (await readPresigned(server, '/api/v1/sessions', {channelName})).body.sessions;
/** The record of a client's first connection, once it has ended. */
async function untilEnded(channelName, clientId, deadline = 20000) {
  let record;
  for (const end = Date.now() + deadline; Date.now() < end; await sleep(50)) {
    record = (await sessionsOf(channelName)).filter((each) => each.clientId === clientId).at(-1);
    if (record?.state === 'ended') return record;
  }
  throw new Error(`it goes on: ${JSON.stringify(record)}`);
}

/** A viewer's answer: it takes the pictures and no sound. */
async function listen(peer, offer) {
  await peer.setRemoteDescription(offer);
  for (const transceiver of peer.getTransceivers()) transceiver.setDirection(transceiver.kind === 'video' ? 'recvonly' : 'inactive');
  await peer.setLocalDescription(await peer.createAnswer());
  return {type: 'answer', sdp: peer.localDescription.sdp};
}

/** A client that is connected and sends nothing. */
async function connect(ChannelARN, clientId) {
  const {WSS} = await kvs.endpoints(ChannelARN, clientId ? 'VIEWER' : 'MASTER', ['WSS']);
  const socket = await SignalingSocket.open(server, WSS, ChannelARN, {clientId});
  clients.push(socket);
  const join = async () => {
    await kvs.storage.send(clientId ? new JoinStorageSessionAsViewerCommand({channelArn: ChannelARN, clientId}) : new JoinStorageSessionCommand({channelArn: ChannelARN}));
    const sender = new WeriftSender({withAudio: false});
    clients.push(sender);
    const offer = (await socket.next('SDP_OFFER')).payload;
    socket.send('SDP_ANSWER', clientId ? await listen(sender.peer, offer) : await sender.answer(offer));
    await Promise.race([sender.connected, sleep(5000, null, {ref: false}).then(() => { throw new Error(`${clientId ?? 'the master'} does not connect`); })]);
    return sender;
  };
  return {socket, join, sender: await join()};
}

/** Ended for this reason, so many seconds after it connected; the limit is looked at once a second. */
function ended(record, reason, seconds, words) {
  assert.equal(record.reason, reason, record.reasonText);
  assert.match(record.reasonText, words);
  const connected = record.steps.find(({step}) => step === 'dtls_connected').milliseconds / 1000;
  const lasted = record.endedAt - record.joinedAt - connected;
  assert.ok(lasted >= seconds - 0.05 && lasted < seconds + 2.5, `it lasted ${lasted} s`);
}

describe('what ends by time', {concurrency: true}, () => {
  test('a camera that sends all the time is ended at its age, and goes on with a new join', async () => {
    await kvs.recordedChannel('long');
    const camera = Camera.start(server.url, ['--channel', 'long', '--ca', server.ca, '--duration', String(LENGTH + 4), '--width', '320', '--height', '180', '--picture-rate', '15']);
    ended(await untilEnded('long'), 'session_too_long', LENGTH, /^the connection lasted 6 s, as long as the limit session_seconds allows: join again$/);
    const report = await camera.report();
    assert.ok(report, 'the camera ends well');
    const sessions = await sessionsOf('long');
    assert.ok(sessions.length >= 2 && sessions[0].steps.some(({step}) => step === 'first_fragment_durable'), JSON.stringify(sessions));
  });
  test('a master and a viewer that send nothing: each has its own patience', async () => {
    const {ChannelARN} = await kvs.recordedChannel('silent');
    const [master] = await Promise.all([connect(ChannelARN), connect(ChannelARN, 'v1')]);
    const told = master.sender.goodbye();
    ended(await untilEnded('silent', 'v1'), 'idle', VIEWER_IDLE, /no media went to or came from the viewer for 2 s.* session_viewer_idle_seconds /);
    ended(await untilEnded('silent'), 'idle', IDLE, /^the master sent no media for 5 s, as long as the limit session_idle_seconds allows/);
    await Promise.race([told, sleep(3000, null, {ref: false}).then(() => { throw new Error('the client is not told'); })]);
    await master.join();  // at once
  });
  test('a viewer without a master', async () => {
    const {ChannelARN} = await kvs.recordedChannel('alone');
    await connect(ChannelARN, 'v1');
    ended(await untilEnded('alone', 'v1'), 'no_master', ALONE, /^no master was connected for 3 s, as long as the limit session_without_master_seconds allows/);
  });
  test('a viewer that is sent pictures is neither idle nor alone', async () => {
    const {ChannelARN} = await kvs.recordedChannel('watched');
    await connect(ChannelARN, 'v1');
    const camera = Camera.start(server.url, ['--channel', 'watched', '--ca', server.ca, '--duration', String(LENGTH + 2), '--width', '320', '--height', '180', '--picture-rate', '15']);
    ended(await untilEnded('watched', 'v1'), 'session_too_long', LENGTH, /session_seconds/);
    await camera.stop();
  });
  test('a signaling socket is told by GO_AWAY at half of a short life, and closed at its end', async () => {
    const short = await Server.start({args: ['--limit', 'signaling_lifetime_seconds=4']});
    const api = new Kvs(short.url);
    const {ChannelARN} = await api.recordedChannel('short');
    const open = async (Role, options) => SignalingSocket.open(short, (await api.endpoints(ChannelARN, Role, ['WSS'])).WSS, ChannelARN, options);
    const began = Date.now();
    const [master, viewer] = [await open('MASTER'), await open('VIEWER', {clientId: 'v1'})];
    await Promise.all([master.next('GO_AWAY'), viewer.next('GO_AWAY')]);
    const told = Date.now() - began;
    assert.ok(told >= 1950 && told < 3500, `told after ${told} ms`);
    // As webrtc-sdk-c does: it connects anew, and the old socket goes.
    const next = await open('MASTER');
    await Promise.race([master.closed, sleep(1000, null, {ref: false})]);
    assert.equal(master.closeCode, 1000, 'taken over');
    await Promise.race([viewer.closed, sleep(4000, null, {ref: false})]);
    assert.equal(viewer.closeCode, 1001, 'as the JavaScript SDK, which does nothing: closed');
    assert.ok(Date.now() - began >= 3950);
    assert.equal(viewer.messages.filter((message) => message.messageType === 'GO_AWAY').length, 0, 'told once');
    await next.close();
    await short.stop();
  });
});

test('the metrics count them', async () => {
  const metrics = await server.metrics();
  const ends = (reason) => metrics[`tidegate_session_ends_total{reason="${reason}"}`];
  assert.ok(ends('session_too_long') >= 2 && ends('idle') >= 2 && ends('no_master') === 1, JSON.stringify(['session_too_long', 'idle', 'no_master'].map(ends)));
});

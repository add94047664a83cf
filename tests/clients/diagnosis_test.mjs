// SPDX-License-Identifier: Apache-2.0
// lane: media
// How a session fared: its steps, and why it ended, through the API, the command line, the log and the metrics. Each
// failure is provoked with real parts.
import assert from 'node:assert/strict';
import {JoinStorageSessionAsViewerCommand, JoinStorageSessionCommand} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {execFile} from 'node:child_process';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {promisify} from 'node:util';
import {Camera} from './lib/camera.mjs';
import {Kvs} from './lib/kvs.mjs';
import {SignalingSocket} from './lib/master.mjs';
import {readPlain, readPresigned, readSigned} from './lib/own_api.mjs';
import {binary, credentials, region, Server} from './lib/server.mjs';
import {WeriftSender} from './lib/werift_sender.mjs';

const LIMIT = 3;  // seconds that a client has to answer, and again to connect
let server, kvs;
const found = {};  // what became of the session of each channel

before(async () => {
  server = await Server.start({args: ['--connect-limit-seconds', String(LIMIT), '--limit', 'session_viewers=1']});
  kvs = new Kvs(server.url);
  const runs = Object.entries(provocations).map(async ([name, provoke]) => {
    found[name] = await provoke(name).catch((error) => { throw new Error(`${name}: ${error.stack}`); });
  });
  const failed = (await Promise.allSettled(runs)).filter(({reason}) => reason);
  assert.deepEqual(failed.map(({reason}) => reason.message), []);
});
after(async () => {
  await Promise.all(stillOpen.map((each) => each.close().catch(() => {})));
  await server?.stop();
});
const stillOpen = [];  // clients whose sessions go on

const sessionsOf = async (channelName) => (await readPresigned(server, '/api/v1/sessions', {channelName})).body.sessions;
async function untilSession(channelName, holds, deadline = 12000) {
  let all;
  for (const end = Date.now() + deadline; Date.now() < end; await sleep(50)) {
    all = await sessionsOf(channelName);
    if (all.length > 0 && holds(all[0])) return all[0];
  }
  throw new Error(`channel ${channelName}: ${JSON.stringify(all)}`);
}
const untilEnded = (channelName) => untilSession(channelName, (session) => session.state === 'ended');

/** A joined client: its signaling socket and the offer that it got. */
async function join(name, clientId) {
  const {ChannelARN} = await kvs.recordedChannel(name);
  const {WSS} = await kvs.endpoints(ChannelARN, clientId ? 'VIEWER' : 'MASTER', ['WSS']);
  const socket = await SignalingSocket.open(server, WSS, ChannelARN, {clientId});
  await kvs.storage.send(clientId ? new JoinStorageSessionAsViewerCommand({channelArn: ChannelARN, clientId}) : new JoinStorageSessionCommand({channelArn: ChannelARN}));
  return {ChannelARN, socket, offer: (await socket.next('SDP_OFFER')).payload};
}

/** werift answers, as `change` leaves its SDP; resolves with the record of the session's end. */
async function answerChanged(name, change) {
  const {socket, offer} = await join(name);
  const sender = new WeriftSender();
  const answer = await sender.answer(offer);
  socket.send('SDP_ANSWER', {...answer, sdp: change(answer.sdp)}, {correlationId: 'a'});
  const record = await untilEnded(name);
  await sender.close().catch(() => {});
  await socket.close();
  return record;
}
/** werift connects by this offer. */
async function connect(socket, offer, prepare = () => {}) {
  const sender = new WeriftSender();
  stillOpen.push(sender);
  const describe = sender.peer.setRemoteDescription.bind(sender.peer);
  sender.peer.setRemoteDescription = async (description) => {
    await describe(description);
    prepare(sender.peer);
  };
  socket.send('SDP_ANSWER', await sender.answer(offer));
  return sender;
}
async function joinAgain({ChannelARN, socket}) {
  await kvs.storage.send(new JoinStorageSessionCommand({channelArn: ChannelARN}));
  return (await socket.next('SDP_OFFER')).payload;
}
const withoutCandidates = (sdp) => sdp.replace(/^a=(candidate:.*|end-of-candidates)\r\n/gm, '');
/** An answer of a client that knows no address of the server, so that it checks none. */
const answerUnaware = (sender, offer) => sender.answer({...offer, sdp: withoutCandidates(offer.sdp)});

const provocations = {
  'vp8-only': (name) => answerChanged(name, (sdp) => sdp.replace(/^(m=video \d+ \S+) .*\r\n/m, '$1 96\r\n').replace(/^a=(rtpmap|fmtp|rtcp-fb):(?!.*opus).*\r\n/gmi, '')
    .replace(/^m=video.*\r\n/m, '$&a=rtpmap:96 VP8/90000\r\n')),
  'unreachable': async (name) => {
    const {socket, offer} = await join(name);
    const sender = new WeriftSender();
    const answer = await answerUnaware(sender, offer);
    await sender.close();
    socket.send('SDP_ANSWER', {...answer, sdp: withoutCandidates(answer.sdp)});
    // Nobody listens there; from loopback the server tries loopback only.
    socket.send('ICE_CANDIDATE', {candidate: 'candidate:1 1 udp 2130706431 127.0.0.9 9 typ host', sdpMid: '0', sdpMLineIndex: 0});
    const live = await untilSession(name, (session) => session.pairs.some((pair) => pair.checksSent > 0));
    const record = await untilEnded(name);
    await socket.close();
    return {live, record};
  },
  'no-names': async (name) => {
    const {socket, offer} = await join(name);
    const sender = new WeriftSender();
    const answer = await answerUnaware(sender, offer);
    await sender.close();
    socket.send('SDP_ANSWER', {...answer, sdp: withoutCandidates(answer.sdp)});
    socket.send('ICE_CANDIDATE', {candidate: 'candidate:1 1 udp 2130706431 f3a1b2c4-0000-4000-8000-000000000001.local 50000 typ host', sdpMid: '0', sdpMLineIndex: 0});
    const record = await untilEnded(name);
    await socket.close();
    return record;
  },
  'silent': async (name) => {
    const {socket} = await join(name);
    const record = await untilEnded(name);
    await socket.close();
    return record;
  },
  'hung-up': async (name) => {
    const {socket} = await join(name);
    await socket.close();
    return untilEnded(name);
  },
  'forged': (name) => answerChanged(name, (sdp) => sdp.replace(/^(a=fingerprint:sha-256) .*/gm, `$1 ${Array(32).fill('AB').join(':')}`)),
  'absent': async (name) => {
    const {ChannelARN} = await kvs.recordedChannel(name);
    await kvs.call('UpdateSignalingChannel', {ChannelARN, CurrentVersion: (await kvs.call('DescribeSignalingChannel', {ChannelARN})).ChannelInfo.Version,
      SingleMasterConfiguration: {MessageTtlSeconds: 5}});
    await kvs.storage.send(new JoinStorageSessionCommand({channelArn: ChannelARN}));
    const [waiting] = await sessionsOf(name);
    return {waiting, record: await untilEnded(name)};
  },
  'late': async (name) => {
    const {ChannelARN} = await kvs.recordedChannel(name);
    const {WSS} = await kvs.endpoints(ChannelARN);
    await kvs.storage.send(new JoinStorageSessionCommand({channelArn: ChannelARN}));
    await sleep(300);
    const socket = await SignalingSocket.open(server, WSS, ChannelARN);
    await socket.next('SDP_OFFER');
    const sessions = await sessionsOf(name);
    await socket.close();
    return sessions;
  },
  'crowded': async (name) => {
    const first = await join(name, 'v1');
    const refused = await kvs.storage.send(new JoinStorageSessionAsViewerCommand({channelArn: first.ChannelARN, clientId: 'v2'})).catch((error) => error);
    const sessions = await sessionsOf(name);
    await first.socket.close();
    return {refused, sessions};
  },
  'unmapped': async (name) => {
    const {ChannelARN} = await kvs.call('CreateSignalingChannel', {ChannelName: name});
    const refused = await kvs.storage.send(new JoinStorageSessionCommand({channelArn: ChannelARN})).catch((error) => error);
    return {refused, record: (await sessionsOf(name))[0]};
  },
  'no-profile': async (name) => {
    const {socket, offer} = await join(name);
    const AEAD_AES_256_GCM = 8;  // RFC 7714 14.2: not one of ours
    await connect(socket, offer, (peer) => peer.dtlsTransports.forEach((each) => Object.defineProperty(each, 'srtpProfiles', {value: [AEAD_AES_256_GCM]})));
    const record = await untilEnded(name);
    await socket.close();
    return record;
  },
  'replaced': async (name) => {
    const first = await join(name);
    await (await connect(first.socket, first.offer)).connected;
    const [before] = await sessionsOf(name);
    await (await connect(first.socket, await joinAgain(first))).connected;
    await untilSession(name, (session) => session.state === 'connected');
    const [second, record] = await sessionsOf(name);
    await first.socket.close();
    return {before, second, record};
  },
  'superseded': async (name) => {
    const first = await join(name);
    const offer = await joinAgain(first);
    await (await connect(first.socket, offer)).connected;
    await untilSession(name, (session) => session.state === 'connected');
    const [second, record] = await sessionsOf(name);
    await first.socket.close();
    return {second, record};
  },
  'moved': async (name) => {
    const first = await join(name);
    await (await connect(first.socket, first.offer)).connected;
    await untilSession(name, (session) => session.state === 'connected');
    const {StreamARN} = await kvs.call('CreateStream', {StreamName: `${name}-elsewhere`, DataRetentionInHours: 1});
    for (const MediaStorageConfiguration of [{Status: 'DISABLED'}, {Status: 'ENABLED', StreamARN}]) {
      await kvs.call('UpdateMediaStorageConfiguration', {ChannelARN: first.ChannelARN, MediaStorageConfiguration});
    }
    await joinAgain(first);
    const [second, record] = await sessionsOf(name);
    await first.socket.close();
    return {second, record};
  },
  'disabled': async (name) => {
    const {ChannelARN} = await kvs.recordedChannel(name);
    const {WSS} = await kvs.endpoints(ChannelARN);
    await kvs.storage.send(new JoinStorageSessionCommand({channelArn: ChannelARN}));
    await kvs.call('UpdateMediaStorageConfiguration', {ChannelARN, MediaStorageConfiguration: {Status: 'DISABLED'}});
    const socket = await SignalingSocket.open(server, WSS, ChannelARN);
    const record = await untilEnded(name);
    await socket.close();
    return record;
  },
  'vanished': async (name) => {
    await kvs.recordedChannel(name);
    const camera = Camera.start(server.url, ['--channel', name, '--ca', server.ca, '--duration', '60', '--width', '320', '--height', '180', '--picture-rate', '15']);
    await untilSession(name, (session) => session.steps.some(({step}) => step === 'first_fragment_durable'));
    await camera.stop();  // SIGKILL
    const killed = Date.now() / 1000;
    return {killed, record: await untilSession(name, (session) => session.state === 'ended', 45000)};
  },
  'healthy': async (name) => {
    await kvs.recordedChannel(name);
    const camera = Camera.start(server.url, ['--channel', name, '--ca', server.ca, '--duration', '4', '--width', '320', '--height', '180', '--picture-rate', '15']);
    const live = await untilSession(name, (session) => session.steps.some(({step}) => step === 'first_fragment_durable'));
    const record = await untilEnded(name);
    await camera.stop();
    return {live, record};
  },
};

const names = (session) => session.steps.map(({step}) => step);
const logged = (session) => server.output.split('\n').filter((line) => line.includes(`session ${session.sessionId} `) && line.includes(': ended after '));

/** The record says it, one line of the log says it, and the reason is counted. */
function tells(session, reason, words, steps) {
  assert.equal(session.state, 'ended');
  assert.equal(session.reason, reason, session.reasonText);
  assert.match(session.reasonText, words);
  if (steps) assert.deepEqual(names(session), steps);
  assert.ok(session.endedAt >= session.joinedAt);
  const lines = logged(session);
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.ok(lines[0].includes(session.reasonText), lines[0]);
}

describe('a session that fails says where and what to do', () => {
  test('an answer with VP8 only', () => tells(found['vp8-only'], 'description_refused', /^the answer offers VP8 only: offer H\.264$/, ['offer_sent']));
  test('a candidate that does not answer', () => {
    const {live, record} = found.unreachable;
    assert.equal(live.state, 'connecting');
    tells(record, 'no_path', new RegExp(`^no candidate pair answered: .*127\\.0\\.0\\.9:9.*: open UDP ${record.localCandidates[0].split(' ')[5]} on the way to this server or configure TURN$`),
      ['offer_sent', 'answered', 'first_candidate', 'first_check']);
    assert.ok(record.pairs.length >= 1 && record.pairs.every((pair) => pair.checksSent > 2 && !pair.answered && !pair.selected && pair.remote === '127.0.0.9:9'), JSON.stringify(record.pairs));
    assert.deepEqual(record.remoteCandidates, ['candidate:1 1 udp 2130706431 127.0.0.9 9 typ host']);
    assert.ok(record.endedAt - record.joinedAt >= LIMIT - 0.1 && record.endedAt - record.joinedAt < LIMIT + 3);
  });
  test('host names only', () => {
    tells(found['no-names'], 'no_candidates', /must send candidates over UDP.*\.local/, ['offer_sent', 'answered', 'first_candidate']);
    assert.match(found['no-names'].remoteCandidates[0], /\.local 50000 typ host$/);
    assert.deepEqual(found['no-names'].pairs, []);
  });
  test('a client that never answers', () => tells(found.silent, 'no_answer', /^the client did not answer the offer within 3 s: .*SDP_OFFER.*sdpOffer/, ['offer_sent']));
  test('a client that leaves signaling before it answers', () => tells(found['hung-up'], 'no_answer', /left signaling before it answered/, ['offer_sent']));
  test('a certificate that is not that of the SDP', () => tells(found.forged, 'wrong_certificate', /fingerprints in its SDP: a=fingerprint must be/,
    ['offer_sent', 'answered', 'first_candidate', 'first_check', 'ice_connected']));
  test('a client that is not connected to signaling', () => {
    const {waiting, record} = found.absent;
    assert.equal(waiting.state, 'waiting');
    assert.deepEqual([waiting.sessionId, waiting.reason], [record.sessionId, undefined]);
    tells(record, 'not_in_signaling', /not connected to signaling within 5 s .* as MASTER before it joins$/, []);
  });
  test('a client that comes to signaling after its join', () => {
    const [session, ...more] = found.late;
    assert.deepEqual([more.length, session.state, names(session)], [0, 'offered', ['offer_sent']]);
    assert.ok(session.steps[0].milliseconds >= 250, JSON.stringify(session.steps));
  });
  test('one viewer too many', () => {
    const {refused, sessions: [second, first]} = found.crowded;
    assert.ok(refused instanceof Error);
    assert.deepEqual([first.clientId, first.role, first.state], ['v1', 'VIEWER', 'offered']);
    assert.equal(second.clientId, 'v2');
    tells(second, 'join_refused', /maximum number of viewers/, []);
  });
  test('a channel without media storage', () => {
    assert.ok(found.unmapped.refused instanceof Error);
    tells(found.unmapped.record, 'join_refused', /call UpdateMediaStorageConfiguration with Status ENABLED/, []);
  });
});

describe('a session that ends in mid-life says why', () => {
  test('a client whose SRTP is none of ours', () => tells(found['no-profile'], 'dtls_failed', /no SRTP protection profile in common: the client must speak DTLS 1\.2 with SRTP_AEAD_AES_128_GCM or SRTP_AES128_CM_HMAC_SHA1_80$/,
    ['offer_sent', 'answered', 'first_candidate', 'first_check', 'ice_connected']));
  test('a newer join of the client connects', () => {
    const {before, second, record} = found.replaced;
    assert.deepEqual([before.state, before.sessionId, second.state], ['connected', record.sessionId, 'connected']);
    tells(record, 'replaced', /^a newer join of the client connected$/);
    assert.ok(names(record).includes('dtls_connected'));
  });
  test('a join that the client left for another one', () => {
    const {second, record} = found.superseded;
    assert.equal(second.state, 'connected');
    tells(record, 'superseded', /^a newer join of the client connected$/);
    assert.ok(!names(record).includes('dtls_connected'), 'it never connected');
    assert.ok(record.joinedAt <= second.joinedAt);
  });
  test('another stream for the channel', () => {
    const {second, record} = found.moved;
    tells(record, 'stream_changed', /^the channel records into another stream now: join again$/);
    assert.ok(names(record).includes('dtls_connected'));
    assert.notEqual(second.sessionId, record.sessionId);
    assert.equal(second.state, 'offered');
  });
  test('media storage that is disabled before the client comes', () => tells(found.disabled, 'stream_changed', /^media storage was disabled for the channel after the join$/, []));
  test('a camera that is killed', () => {
    const {killed, record} = found.vanished;
    tells(record, 'connection_lost', /no longer answers connectivity checks: the client or its network is gone without a word; it must join again$/);
    // Consent lasts 30 s from its last answer, and is asked for each 5 s (RFC 7675 5.1).
    assert.ok(record.endedAt - killed > 22 && record.endedAt - killed < 33, `ended ${record.endedAt - killed} s after the kill`);
  });
});

describe('a healthy session', () => {
  test('has every step in order, and ends when the master leaves', () => {
    const {live, record} = found.healthy;
    assert.equal(live.state, 'connected');
    const steps = names(record);
    assert.deepEqual([...steps].sort(), ['answered', 'dtls_connected', 'first_candidate', 'first_check', 'first_fragment_durable', 'first_frame', 'first_key_frame', 'first_rtp', 'ice_connected', 'offer_sent']);
    const order = ['offer_sent', 'answered', 'first_check', 'ice_connected', 'dtls_connected', 'first_rtp', 'first_frame', 'first_fragment_durable'];
    assert.deepEqual(steps.filter((step) => order.includes(step)), order);
    const times = record.steps.map(({milliseconds}) => milliseconds);
    assert.deepEqual(times, times.toSorted((a, b) => a - b));
    assert.ok(times.at(-1) > 1000 && times.at(-1) < 12000, `${times.at(-1)} ms to the first fragment`);
    assert.equal(record.pairs.filter((pair) => pair.selected && pair.answered).length, 1);
    assert.ok(record.localCandidates.length > 0 && record.remoteCandidates.length > 0);
    tells(record, 'client_left', /^the client closed the connection$/);
  });
});

describe('where it is read', () => {
  test('the metrics', async () => {
    const metrics = await server.metrics();
    const ends = (reason) => metrics[`tidegate_session_ends_total{reason="${reason}"}`];
    // The sockets of `late` and `crowded` are gone, and their offers may have ended since.
    assert.ok(ends('no_answer') >= 2);
    assert.deepEqual(['description_refused', 'no_path', 'no_candidates', 'wrong_certificate', 'not_in_signaling', 'join_refused', 'client_left', 'server_stopped'].map(ends), [1, 1, 1, 1, 1, 2, 1, 0]);
    assert.deepEqual(['dtls_failed', 'replaced', 'superseded', 'stream_changed', 'connection_lost'].map(ends), [1, 1, 1, 2, 1]);
    // A path had also those whose certificate or SRTP did not fit; twice `replaced`; `superseded`, `moved`.
    assert.deepEqual(['ice', 'first_frame', 'first_fragment'].map((what) => metrics[`tidegate_session_${what}_seconds_count`]), [8, 2, 2]);
    const sum = metrics.tidegate_session_first_fragment_seconds_sum;
    const durable = [found.healthy, found.vanished].map(({record}) => record.steps.find(({step}) => step === 'first_fragment_durable').milliseconds / 1000);
    assert.ok(Math.abs(sum - durable[0] - durable[1]) < 0.004, `${sum} s, ${durable} s`);
    assert.equal(metrics['tidegate_session_first_fragment_seconds_bucket{le="30"}'], 2);
    assert.equal(metrics['tidegate_session_first_fragment_seconds_bucket{le="0.5"}'], 0);
  });
  test('the API: newest first, in pages', async () => {
    const whole = (await readSigned(server, '/api/v1/sessions')).body;
    assert.equal(whole.nextToken, undefined);
    const times = whole.sessions.map((session) => session.joinedAt);
    assert.deepEqual(times, times.toSorted((a, b) => b - a));
    const paged = [];
    for (let token; ;) {
      const {body} = await readPresigned(server, '/api/v1/sessions', {maxResults: '3', ...(token ? {nextToken: token} : {})});
      assert.ok(body.sessions.length <= 3);
      paged.push(...body.sessions);
      token = body.nextToken;
      if (!token) break;
    }
    assert.deepEqual(paged.map((session) => session.sessionId), whole.sessions.map((session) => session.sessionId));
    assert.equal(whole.sessions.length, 21);
  });
  test('the API: what it refuses', async () => {
    assert.equal((await readPlain(server, '/api/v1/sessions')).status, 403);
    for (const target of ['/api/v1/sessions?channel=x', '/api/v1/sessions?maxResults=0', '/api/v1/sessions?nextToken=x']) assert.equal((await readSigned(server, target)).status, 400, target);
    assert.deepEqual((await sessionsOf('nobody')), []);
  });
  test('the command line', async () => {
    const run = promisify(execFile);
    const args = ['sessions', '--endpoint', server.url, '--region', region, '--access-key', credentials.accessKeyId, '--secret-key', credentials.secretAccessKey];
    const table = (await run(binary, args)).stdout.trim().split('\n');
    assert.equal(table.length, 22);
    assert.match(table[0], /^JOINED \(UTC\) +CHANNEL +CLIENT +STATE +ICE +FRAME +DURABLE +OUTCOME$/);
    assert.match(table.find((line) => line.includes(' vp8-only ')), /ended +- +- +- +description_refused: the answer offers VP8 only: offer H\.264$/);
    assert.match(table.find((line) => line.includes(' healthy ')), /master +ended +\d\.\d\d s +\d\.\d\d s +\d\.\d\d s +client_left: /);
    const json = (await run(binary, [...args, '--json', '--channel', 'healthy'])).stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(json, await sessionsOf('healthy'));
    // With a data directory and without one: only a running server knows.
    for (const more of [['--data-dir', server.dataDir], []]) {
      await assert.rejects(run(binary, ['sessions', ...more]), /sessions are in a running server's memory only: name it with --endpoint \(http:/);
    }
  });
});

test('a session that the stop of the server ends', async () => {
  const {socket, offer} = await join('to-the-end');
  const sender = new WeriftSender();
  socket.send('SDP_ANSWER', await sender.answer(offer));
  await sender.connected;
  const session = await untilSession('to-the-end', (each) => each.state === 'connected');
  server.process.kill('SIGTERM');
  await server.ended;
  const lines = logged(session);
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(lines[0], /server_stopped: the server is stopping: join again \(offer sent /);
  await sender.close().catch(() => {});
  await socket.close();
});

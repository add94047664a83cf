// SPDX-License-Identifier: Apache-2.0
// Access keys, policies and temporary credentials: made by `tidegate key` beside a running server, used by the npm SDK v3
// clients, a signaling socket, PutMedia and the server's own reads.
import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {createHash} from 'node:crypto';
import {chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {promisify} from 'node:util';
import {JoinStorageSessionCommand} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {GetMediaCommand} from '@aws-sdk/client-kinesis-video-media';
import {ListFragmentsCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {errorOf, Kvs} from './lib/kvs.mjs';
import {SignalingSocket} from './lib/master.mjs';
import {scratch} from './lib/media_files.mjs';
import {callSigned, readSigned} from './lib/own_api.mjs';
import {mustRun} from './lib/programs.mjs';
import {Producer} from './lib/put_media.mjs';
import {amzDate, signedHeaders} from './lib/sigv4.mjs';
import {accountId, binary, region, Server} from './lib/server.mjs';

const runFile = promisify(execFile);
const arn = (kind, name, created = '*') => `arn:aws:kinesisvideo:${region}:${accountId}:${kind}/${name}/${created}`;
let server, owner, folder;
const secrets = [];  // everything that must not be found in clear

const key = async (...args) => (await runFile(binary, ['key', ...args, '--data-dir', server.dataDir])).stdout;
const made = async (...args) => {
  const line = JSON.parse(await key(...args));
  secrets.push(line.SecretAccessKey, ...(line.SessionToken ? [line.SessionToken] : []));
  return line;
};
const clientsOf = (line) => new Kvs(server.url, {credentials: {accessKeyId: line.AccessKeyId, secretAccessKey: line.SecretAccessKey, sessionToken: line.SessionToken}});
const policy = (name, ...statements) => {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify({Version: '2012-10-17', Statement: statements}));
  return path;
};
const denied = async (call, {user, action, resource, because, status}) => {
  const error = await errorOf(call);
  assert.equal(error.name, 'AccessDeniedException', error.message);
  const reason = because ?? `because no identity-based policy allows the ${action} action`;
  assert.equal(error.message, `User: arn:aws:iam::${accountId}:${user} is not authorized to perform: ${action} on resource: ${resource} ${reason}`);
  if (status) assert.equal(error.status, status);
};
const socketOf = (line, endpoint, ChannelARN, options = {}) => SignalingSocket.open(server, endpoint, ChannelARN, {
  ...options, query: line.SessionToken ? {'X-Amz-Security-Token': line.SessionToken} : {},
  signing: {accessKey: line.AccessKeyId, secretKey: line.SecretAccessKey}});

before(async () => {
  folder = scratch('keys');
  server = await Server.start();
  owner = new Kvs(server.url);
});
after(async () => {
  await server?.stop();
  rmSync(folder, {recursive: true, force: true});
});

describe('a key made beside a running server', () => {
  let gate, kvs;
  test('is known at once and may do nothing', async () => {
    gate = await made('create', '--name', 'gate');
    assert.match(gate.AccessKeyId, /^AKIA[A-Z2-7]{16}$/);
    kvs = clientsOf(gate);
    await owner.call('CreateStream', {StreamName: 'door', DataRetentionInHours: 1});
    await denied(kvs.call('ListStreams'), {user: 'user/gate', action: 'kinesisvideo:ListStreams', resource: '*', status: 403});
    await denied(kvs.call('CreateStream', {StreamName: 'mine'}), {user: 'user/gate', action: 'kinesisvideo:CreateStream', resource: arn('stream', 'mine')});
    const {StreamInfo} = await owner.call('DescribeStream', {StreamName: 'door'});
    await denied(kvs.call('DescribeStream', {StreamName: 'door'}), {user: 'user/gate', action: 'kinesisvideo:DescribeStream', resource: StreamInfo.StreamARN});
    await denied(kvs.call('DescribeStream', {StreamARN: StreamInfo.StreamARN}), {user: 'user/gate', action: 'kinesisvideo:DescribeStream', resource: StreamInfo.StreamARN});
  });
  test('may do what its policy allows, on what it allows, when the command has ended', async () => {
    await key('attach', gate.AccessKeyId, policy('streams',
      {Effect: 'Allow', Action: ['kinesisvideo:*Stream', 'kinesisvideo:Get*'], Resource: `arn:aws:kinesisvideo:*:*:stream/gate-?/*`}));
    const {StreamARN} = await kvs.call('CreateStream', {StreamName: 'gate-1', DataRetentionInHours: 1});
    assert.equal((await kvs.call('DescribeStream', {StreamName: 'gate-1'})).StreamInfo.StreamARN, StreamARN);
    await denied(kvs.call('CreateStream', {StreamName: 'gate-12'}), {user: 'user/gate', action: 'kinesisvideo:CreateStream', resource: arn('stream', 'gate-12')});
    const change = {StreamARN, CurrentVersion: 'x', Operation: 'INCREASE_DATA_RETENTION', DataRetentionChangeInHours: 1};
    await denied(kvs.call('UpdateDataRetention', change), {user: 'user/gate', action: 'kinesisvideo:UpdateDataRetention', resource: StreamARN});
    assert.equal((await errorOf(kvs.call('CreateStream', {StreamName: 'gate-1'}))).name, 'ResourceInUseException');
  });
  test('is denied what a second policy denies, until that is taken away', async () => {
    await key('attach', gate.AccessKeyId, policy('no-delete', {Effect: 'Deny', Action: 'kinesisvideo:DeleteStream', Resource: '*'}), '--name', 'careful');
    const {StreamInfo: {StreamARN}} = await kvs.call('DescribeStream', {StreamName: 'gate-1'});
    await denied(kvs.call('DeleteStream', {StreamARN}), {user: 'user/gate', action: 'kinesisvideo:DeleteStream', resource: StreamARN,
      because: 'with an explicit deny in an identity-based policy'});
    await key('detach', gate.AccessKeyId, 'careful');
    await kvs.call('DeleteStream', {StreamARN});
  });
  test('cannot borrow the right to another stream by naming it beside', async () => {
    const {StreamARN} = await kvs.call('CreateStream', {StreamName: 'gate-2', DataRetentionInHours: 1});
    const door = (await owner.call('DescribeStream', {StreamName: 'door'})).StreamInfo.StreamARN;
    const body = JSON.stringify({StreamName: 'door', ResourceARN: StreamARN});
    const headers = signedHeaders({target: '/describeStream', host: `127.0.0.1:${server.httpPort}`, body, accessKey: gate.AccessKeyId, secretKey: gate.SecretAccessKey, region});
    const answer = await fetch(`${server.url}/describeStream`, {method: 'POST', headers: headers.filter(([name]) => name !== 'Host'), body});
    assert.equal(answer.headers.get('x-amzn-errortype'), 'AccessDeniedException');
    assert.match((await answer.json()).Message, new RegExp(`resource: ${door.replaceAll('/', '\\/')} `));
  });
  test('tags are conditions', async () => {
    await key('attach', gate.AccessKeyId, policy('streams',
      {Effect: 'Allow', Action: 'kinesisvideo:CreateStream', Resource: '*', Condition: {
        StringEquals: {'aws:RequestTag/site': ['north', 'south']}, 'ForAllValues:StringEquals': {'aws:TagKeys': ['site', 'floor']}}}));
    await kvs.call('CreateStream', {StreamName: 'north', Tags: {site: 'north', floor: '2'}});
    for (const Tags of [{site: 'west'}, {floor: '2'}, {site: 'north', owner: 'me'}, undefined]) {
      await denied(kvs.call('CreateStream', {StreamName: 'other', Tags}), {user: 'user/gate', action: 'kinesisvideo:CreateStream', resource: arn('stream', 'other')});
    }
  });
  test('is listed without its secret, and gone when revoked', async () => {
    const lines = (await key('list', '--json')).trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(lines.map((line) => [line.AccessKeyId, line.UserName, line.Policies]), [[gate.AccessKeyId, 'gate', ['streams']]]);
    const {AccessKeyId} = await made('session', gate.AccessKeyId);
    assert.equal((await key('list', '--json')).includes(AccessKeyId), true);
    const started = Date.now();
    await key('revoke', gate.AccessKeyId);
    const error = await errorOf(kvs.call('CreateStream', {StreamName: 'late', Tags: {site: 'north'}}));
    assert.ok(Date.now() - started < 5000);
    assert.deepEqual([error.name, error.status], ['InvalidClientTokenId', 403]);
    assert.equal((await key('list', '--json')).trim(), '', 'its sessions went with it');
  });
});

describe('keys by the server\'s own API', () => {
  const anything = JSON.stringify({Version: '2012-10-17', Statement: [{Effect: 'Allow', Action: 'kinesisvideo:*', Resource: '*'}]});
  const create = async (wish, as) => {
    const answer = await callSigned(server, 'POST', '/api/v1/keys', wish, as);
    if (answer.body.secretAccessKey) secrets.push(answer.body.secretAccessKey);
    return answer;
  };
  const lineOf = ({body}) => ({AccessKeyId: body.accessKeyId, SecretAccessKey: body.secretAccessKey});
  const refused = async (answer, status, code, text) => {
    const {status: got, type, body} = await answer;
    assert.deepEqual([got, type, body.code], [status, code, code], JSON.stringify(body));
    assert.match(body.message, text);
  };

  test('a key is in force when its making is answered, its policies too, and gone when its revoking is', async () => {
    const made = await create({name: 'by-api', policies: [{name: 'list', document: anything.replace('kinesisvideo:*', 'kinesisvideo:ListStreams')}]});
    assert.equal(made.status, 200);
    assert.match(made.body.accessKeyId, /^AKIA[A-Z2-7]{16}$/);
    const kvs = clientsOf(lineOf(made));
    await kvs.call('ListStreams');
    await denied(kvs.call('CreateStream', {StreamName: 'x'}), {user: 'user/by-api', action: 'kinesisvideo:CreateStream', resource: arn('stream', 'x')});
    const accessKeyId = made.body.accessKeyId;
    assert.equal((await callSigned(server, 'POST', '/api/v1/keys/policies', {accessKeyId, name: 'all', document: anything})).status, 200);
    await kvs.call('CreateStream', {StreamName: 'x'});
    assert.equal((await callSigned(server, 'DELETE', `/api/v1/keys/policies?accessKeyId=${accessKeyId}&name=all`)).status, 200);
    assert.equal((await errorOf(kvs.call('DescribeStream', {StreamName: 'x'}))).name, 'AccessDeniedException');
    const listed = (await readSigned(server, '/api/v1/keys')).body.keys.find((each) => each.accessKeyId === accessKeyId);
    assert.deepEqual([listed.name, listed.policies.map(({name}) => name)], ['by-api', ['list']]);
    assert.deepEqual((await callSigned(server, 'DELETE', `/api/v1/keys?accessKeyId=${accessKeyId}`)).body, {});
    assert.equal((await errorOf(kvs.call('ListStreams'))).name, 'InvalidClientTokenId');
    await owner.call('DeleteStream', {StreamARN: (await owner.call('DescribeStream', {StreamName: 'x'})).StreamInfo.StreamARN});
  });
  test('what is wrong with a name, a policy or a key is said, and nothing is made', async () => {
    const before = (await readSigned(server, '/api/v1/keys')).body.keys.length;
    const named = (name) => ({name, document: anything});
    await refused(create({name: 'a b'}), 400, 'InvalidArgumentException', /a name has 1 to 64 letters/);
    await refused(create({name: 'x'.repeat(65)}), 400, 'InvalidArgumentException', /a name has 1 to 64 letters/);
    await refused(create({policies: [{name: 'p', document: '{'}]}), 400, 'InvalidArgumentException', /policy p: /);
    await refused(create({policies: [{name: 'p', document: anything.replace('}]', ',"Principal":"*"}]')}]}), 400, 'InvalidArgumentException', /statement 1: the element Principal is not supported/);
    await refused(create({policies: [{name: 'p', document: anything.replace('"*"', `"${'x'.repeat(6200)}"`)}]}), 400, 'InvalidArgumentException', /policy p: .*6,?144/);
    await refused(create({policies: [named('p'), named('p')]}), 400, 'InvalidArgumentException', /two policies of the name p/);
    await refused(create({policies: Array.from({length: 11}, (_, i) => named(`p${i}`))}), 400, 'LimitExceededException', /at most 10 policies/);
    await refused(callSigned(server, 'DELETE', '/api/v1/keys?accessKeyId=AKIANOBODY'), 404, 'ResourceNotFoundException', /no access key AKIANOBODY/);
    await refused(callSigned(server, 'DELETE', '/api/v1/keys?accessKeyId=AKIDEXAMPLE'), 400, 'InvalidArgumentException', /the server's own key/);
    const policies = '/api/v1/keys/policies';
    await refused(callSigned(server, 'POST', policies, {accessKeyId: 'AKIDEXAMPLE', ...named('p')}), 400, 'InvalidArgumentException', /the server's own key/);
    await refused(callSigned(server, 'POST', policies, {accessKeyId: 'AKIANOBODY', ...named('p')}), 404, 'ResourceNotFoundException', /AKIANOBODY/);
    await refused(callSigned(server, 'DELETE', `${policies}?accessKeyId=AKIANOBODY&name=p`), 404, 'ResourceNotFoundException', /AKIANOBODY/);
    assert.equal((await readSigned(server, '/api/v1/keys')).body.keys.length, before);
  });
  test('only who is given each right may, and an unsigned or wrongly signed call does nothing', async () => {
    const clerk = lineOf(await create({name: 'clerk', policies: [{name: 'make', document: JSON.stringify({Version: '2012-10-17', Statement: [
      {Effect: 'Allow', Action: ['kinesisvideo:ListFragments', 'iam:CreateAccessKey'], Resource: '*'}]})}]}));
    const target = `/api/v1/keys?accessKeyId=${clerk.AccessKeyId}`;
    const other = await create({name: 'other'}, clerk);
    assert.equal(other.status, 200);
    await refused(callSigned(server, 'DELETE', target, undefined, clerk), 403, 'AccessDeniedException', /iam:DeleteAccessKey/);
    await refused(callSigned(server, 'POST', '/api/v1/keys/policies', {accessKeyId: clerk.AccessKeyId, name: 'p', document: anything}, clerk), 403, 'AccessDeniedException', /iam:PutUserPolicy/);
    await refused(callSigned(server, 'DELETE', `/api/v1/keys/policies?accessKeyId=${clerk.AccessKeyId}&name=make`, undefined, clerk), 403, 'AccessDeniedException', /iam:DeleteUserPolicy/);
    await refused(create({name: 'more'}, lineOf(other)), 403, 'AccessDeniedException', /kinesisvideo:ListFragments/);
    await refused(create({name: 'more'}, {...clerk, SecretAccessKey: 'wrong'}), 403, 'InvalidSignatureException', /signature/);
    const unsigned = await fetch(server.url + target, {method: 'DELETE'});
    assert.deepEqual([unsigned.status, unsigned.headers.get('x-amzn-errortype')], [403, 'MissingAuthenticationTokenException']);
    const names = (await readSigned(server, '/api/v1/keys')).body.keys.map(({name}) => name);
    assert.ok(names.includes('clerk') && names.includes('other') && !names.includes('more'), String(names));
    for (const line of [clerk, lineOf(other)]) assert.equal((await callSigned(server, 'DELETE', `/api/v1/keys?accessKeyId=${line.AccessKeyId}`)).status, 200);
  });
});

describe('other doors', () => {
  let camera, kvs, ChannelARN, StreamARN, wss;
  before(async () => {
    ({ChannelARN, StreamARN} = await owner.recordedChannel('yard'));
    wss = (await owner.endpoints(ChannelARN)).WSS;
    camera = await made('create', '--name', 'camera', '--policy', policy('camera',
      {Effect: 'Allow', Action: ['kinesisvideo:ConnectAsMaster', 'kinesisvideo:JoinStorageSession'], Resource: arn('channel', 'yard')}));
    kvs = clientsOf(camera);
  });
  test('the signaling socket: ConnectAsMaster is allowed, ConnectAsViewer is not', async () => {
    const socket = await socketOf(camera, wss, ChannelARN);
    await kvs.storage.send(new JoinStorageSessionCommand({channelArn: ChannelARN}));
    await socket.next('SDP_OFFER');
    await socket.close();
    const viewer = (await owner.endpoints(ChannelARN, 'VIEWER', ['WSS'])).WSS;
    const error = await socketOf(camera, viewer, ChannelARN, {clientId: 'v'}).then(() => assert.fail('it connected'), (refused) => refused);
    assert.equal(error.status, 403);
    assert.equal(error.headers['x-amzn-errortype'], 'AccessDeniedException');
    assert.match(error.body, /not authorized to perform: kinesisvideo:ConnectAsViewer on resource: arn:aws:kinesisvideo:.*:channel\/yard\/\d{13} /);
  });
  test('PutMedia and reads of recordings', async () => {
    const date = amzDate();
    const ask = async (method, target, headers) => {
      const signed = signedHeaders({method, target, host: `127.0.0.1:${server.httpPort}`, headers, date, accessKey: camera.AccessKeyId, secretKey: camera.SecretAccessKey, region});
      const answer = await fetch(server.url + target, {method, headers: signed.filter(([name]) => name !== 'Host')});
      return [answer.status, answer.headers.get('x-amzn-errortype'), await answer.text()];
    };
    const put = await ask('POST', '/putMedia', [['x-amzn-stream-name', 'yard'], ['x-amzn-fragment-timecode-type', 'ABSOLUTE']]);
    assert.deepEqual(put.slice(0, 2), [403, 'AccessDeniedException']);
    assert.match(put[2], new RegExp(`kinesisvideo:PutMedia on resource: ${StreamARN}`));
    const coverage = await ask('GET', '/api/v1/streams/yard/coverage', []);
    assert.deepEqual(coverage.slice(0, 2), [403, 'AccessDeniedException']);
    assert.match(coverage[2], new RegExp(`kinesisvideo:ListFragments on resource: ${StreamARN}`));
    await denied(kvs.archive.send(new ListFragmentsCommand({StreamName: 'yard'})), {user: 'user/camera', action: 'kinesisvideo:ListFragments', resource: StreamARN});
    await key('attach', camera.AccessKeyId, policy('read', {Effect: 'Allow', Action: 'kinesisvideo:ListFragments', Resource: arn('stream', '*')}));
    await kvs.archive.send(new ListFragmentsCommand({StreamName: 'yard'}));
    assert.equal((await ask('GET', '/api/v1/streams/yard/coverage', []))[0], 200);
  });
  test('a channel is given a stream only by who may do that to both', async () => {
    await key('attach', camera.AccessKeyId, policy('map', {Effect: 'Allow', Action: 'kinesisvideo:UpdateMediaStorageConfiguration', Resource: arn('channel', '*')}));
    await denied(kvs.call('UpdateMediaStorageConfiguration', {ChannelARN, MediaStorageConfiguration: {Status: 'ENABLED', StreamARN}}),
      {user: 'user/camera', action: 'kinesisvideo:UpdateMediaStorageConfiguration', resource: StreamARN});
  });
});

describe('temporary credentials', () => {
  let parent, ChannelARN;
  before(async () => {
    ({ChannelARN} = await owner.call('CreateSignalingChannel', {ChannelName: 'lane'}));
    parent = await made('create', '--policy', policy('parent', {Effect: 'Allow', Action: ['kinesisvideo:Describe*', 'kinesisvideo:List*', 'kinesisvideo:ConnectAsMaster'], Resource: '*'}));
  });
  test('have the rights of their key, narrowed by their own policy, and need their token', async () => {
    const session = await made('session', parent.AccessKeyId, '--policy', policy('narrow', {Effect: 'Allow', Action: ['kinesisvideo:List*', 'kinesisvideo:Create*'], Resource: '*'}));
    assert.match(session.AccessKeyId, /^ASIA[A-Z2-7]{16}$/);
    assert.ok(Math.abs(new Date(session.Expiration) - Date.now() - 3600_000) < 60_000);
    const kvs = clientsOf(session);
    await kvs.call('ListStreams');
    const user = `user/${parent.AccessKeyId}`;
    const {StreamInfo} = await owner.call('DescribeStream', {StreamName: 'door'});
    await denied(kvs.call('DescribeStream', {StreamName: 'door'}), {user, action: 'kinesisvideo:DescribeStream', resource: StreamInfo.StreamARN});
    await denied(kvs.call('CreateStream', {StreamName: 'x'}), {user, action: 'kinesisvideo:CreateStream', resource: arn('stream', 'x')});
    for (const SessionToken of [undefined, `${session.SessionToken}x`, parent.SecretAccessKey]) {
      const error = await errorOf(clientsOf({...session, SessionToken}).call('ListStreams'));
      assert.deepEqual([error.name, error.status, error.message], ['InvalidClientTokenId', 403, 'The security token included in the request is invalid.']);
    }
  });
  test('open a signaling socket by their token in the query', async () => {
    const session = await made('session', parent.AccessKeyId);
    const endpoint = (await owner.endpoints(ChannelARN, 'MASTER', ['WSS'])).WSS;
    const socket = await socketOf(session, endpoint, ChannelARN);
    await socket.close();
    for (const SessionToken of [undefined, 'wrong']) {
      const error = await socketOf({...session, SessionToken}, endpoint, ChannelARN).then(() => assert.fail('it connected'), (refused) => refused);
      assert.equal(error.status, 403);
    }
  });
  test('end when they say, with an error that says so', async () => {
    const session = await made('session', '--seconds', '2');
    const kvs = clientsOf(session);
    await kvs.call('CreateStream', {StreamName: 'by-the-owner'});
    await sleep(Math.max(0, new Date(session.Expiration) - Date.now() + 20));
    const error = await errorOf(kvs.call('ListStreams'));
    assert.deepEqual([error.name, error.status, error.message], ['ExpiredTokenException', 403, 'The security token included in the request is expired']);
  });
  test('cannot issue others, and a command that is wrong says what to do', async () => {
    const session = await made('session', parent.AccessKeyId);
    const fails = async (text, ...args) => {
      const error = await key(...args).then(() => assert.fail(`${args} succeeded`), (failed) => failed);
      assert.match(error.stderr, text);
    };
    await fails(/temporary credentials cannot issue others/, 'session', session.AccessKeyId);
    await fails(/there is no access key AKIANOBODY/, 'revoke', 'AKIANOBODY');
    await fails(/there is no access key AKIANOBODY/, 'attach', 'AKIANOBODY', policy('any', {Effect: 'Allow', Action: '*', Resource: '*'}));
    writeFileSync(join(folder, 'bad.json'), '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}');
    await fails(/bad\.json: policy statement 1: the element Principal is not supported/, 'attach', parent.AccessKeyId, join(folder, 'bad.json'));
  });
});

test('what a key has opened ends when it is revoked', async () => {
  const gone = await made('create', '--policy', policy('all', {Effect: 'Allow', Action: 'kinesisvideo:*', Resource: '*'}));
  const kvs = clientsOf(gone);
  await kvs.call('CreateStream', {StreamName: 'film', DataRetentionInHours: 1});
  const {ChannelARN} = await kvs.call('CreateSignalingChannel', {ChannelName: 'film'});
  const {stdoutBytes: film} = await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25:duration=2',
    '-c:v', 'libx264', '-g', '25', '-bf', '0', '-live', '1', '-cluster_time_limit', '3000', '-cluster_size_limit', '5000000', '-f', 'matroska', 'pipe:1']);
  const put = async (start) => {
    const producer = await Producer.open(server, 'film', {type: 'RELATIVE', start: String(start)});
    await producer.send(film);
    await producer.end();
  };
  const start = Date.now() / 1000 - 100;
  await put(start);
  const socket = await socketOf(gone, (await kvs.endpoints(ChannelARN, 'MASTER', ['WSS'])).WSS, ChannelARN);
  const kept = await SignalingSocket.open(server, (await owner.endpoints(ChannelARN, 'VIEWER', ['WSS'])).WSS, ChannelARN, {clientId: 'kept'});
  const urls = await Promise.all([kvs, owner].map(async (each) => each.wholeHlsUrl('film', await owner.fragments('film'))));
  const statuses = () => Promise.all(urls.map(async (url) => (await fetch(url)).status));
  assert.deepEqual(await statuses(), [200, 200]);
  const media = await kvs.media.send(new GetMediaCommand({StreamName: 'film', StartSelector: {StartSelectorType: 'EARLIEST'}}));
  const chunks = [], cut = new Promise((resolve) => media.Payload.on('data', (chunk) => chunks.push(chunk)).on('error', () => resolve('cut')).on('end', () => resolve('ended')));
  for (const end = Date.now() + 5000; Date.now() < end && Buffer.concat(chunks).length < film.length / 2; await sleep(20));
  const before = Buffer.concat(chunks).length;
  assert.ok(before > 0, 'GetMedia has begun');

  await key('revoke', gone.AccessKeyId);
  assert.deepEqual(await statuses(), [403, 200]);
  const refusal = await fetch(urls[0]);
  assert.equal(refusal.headers.get('x-amzn-errortype'), 'NotAuthorizedException');
  assert.match(await refusal.text(), /has been revoked/);
  await put(start + 10);
  assert.equal(await Promise.race([cut, sleep(5000, 'goes on', {ref: false})]), 'cut');
  assert.equal(Buffer.concat(chunks).length, before, 'nothing more came');
  await Promise.race([socket.closed, sleep(5000, null, {ref: false})]);
  assert.equal(socket.closeCode, 1000, 'the socket was closed');
  assert.equal(kept.closeCode, undefined, 'another key\'s socket stays');
  await kept.close();
});

describe('secrets', () => {
  test('are in clear neither in the data directory nor in the log', async () => {
    assert.ok(secrets.length >= 10);
    const files = readdirSync(server.dataDir, {recursive: true, withFileTypes: true}).filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
    assert.ok(files.some((file) => file.endsWith('catalog.sqlite-wal')) && files.some((file) => file.endsWith('catalog.sqlite')));
    const contents = [...files.map((file) => [file, readFileSync(file)]), ['log', Buffer.from(server.output)]];
    for (const secret of secrets) {
      for (const form of [secret, Buffer.from(secret).toString('base64').replace(/=*$/, ''), Buffer.from(secret).toString('hex'), Buffer.from(secret, 'base64url')]) {
        for (const [name, content] of contents) assert.equal(content.includes(form), false, `a secret is in ${name}`);
      }
    }
    // The search finds what is there: the hash of a token is kept on purpose.
    const token = secrets.findLast((secret) => secret.length > 100);
    const hash = createHash('sha256').update(token).digest('hex');
    assert.ok(contents.some(([, content]) => content.includes(hash)));
  });
  test('the file that opens them is for its owner only, and is refused otherwise', async () => {
    const path = join(server.dataDir, 'access_keys.key');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    chmodSync(path, 0o640);
    const error = await key('list').then(() => assert.fail('it was taken'), (failed) => failed);
    assert.match(error.stderr, /can be read by others.*chmod 600/);
    chmodSync(path, 0o600);
  });
});

test('keys survive a restart, with the key file where the configuration says', async () => {
  const dataDir = scratch('keys-restart');
  const keyFile = join(folder, 'elsewhere.key');
  const args = ['--key-file', keyFile];
  let one = await Server.start({dataDir, args});
  try {
    const {stdout} = await runFile(binary, ['key', 'create', '--data-dir', dataDir, ...args, '--policy', policy('all', {Effect: 'Allow', Action: '*', Resource: '*'})]);
    const line = JSON.parse(stdout);
    await one.stop();
    one = await Server.start({dataDir, args});
    const kvs = new Kvs(one.url, {credentials: {accessKeyId: line.AccessKeyId, secretAccessKey: line.SecretAccessKey}});
    await kvs.call('CreateStream', {StreamName: 'again'});
  } finally {
    await one.stop();
    rmSync(dataDir, {recursive: true, force: true});
  }
});

// SPDX-License-Identifier: Apache-2.0
// The control plane by the clients people use: npm SDK v3, the AWS CLI, and boto3 where it is installed.
import assert from 'node:assert/strict';
import {JoinStorageSessionCommand} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {GetIceServerConfigCommand, SendAlexaOfferToMasterCommand} from '@aws-sdk/client-kinesis-video-signaling';
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {errorOf, Kvs} from './lib/kvs.mjs';
import {pack, SignalingSocket} from './lib/master.mjs';
import {scratch} from './lib/media_files.mjs';
import {mustRun, run} from './lib/programs.mjs';
import {accountId, credentials, region, Server} from './lib/server.mjs';

let server, kvs;
before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
});
after(async () => { await server?.stop(); });

const fails = async (call, name, status = 400) => {
  const error = await errorOf(call);
  assert.equal(error.name, name, error.message);
  assert.equal(error.status, status);
  assert.ok(error.message.length > 0, 'an error has a message');
  assert.match(error.error.$metadata.requestId ?? '', /^[0-9a-f-]{36}$/);
};
const arnOf = (kind, name) => new RegExp(`^arn:aws:kinesisvideo:${region}:${accountId}:${kind}/${name}/\\d{13}$`);

describe('streams', () => {
  let arn;
  test('create, describe by name and by ARN', async () => {
    const {StreamARN} = await kvs.call('CreateStream', {StreamName: 'door', DeviceName: 'front', MediaType: 'video/h264,audio/aac', DataRetentionInHours: 48, Tags: {site: 'north'}});
    arn = StreamARN;
    assert.match(StreamARN, arnOf('stream', 'door'));
    for (const name of [{StreamName: 'door'}, {StreamARN}]) {
      const {StreamInfo} = await kvs.call('DescribeStream', name);
      assert.equal(StreamInfo.StreamARN, StreamARN);
      assert.deepEqual([StreamInfo.StreamName, StreamInfo.DeviceName, StreamInfo.MediaType, StreamInfo.DataRetentionInHours, StreamInfo.Status],
        ['door', 'front', 'video/h264,audio/aac', 48, 'ACTIVE']);
      assert.match(StreamInfo.Version, /^[a-zA-Z0-9]{1,64}$/);
      assert.ok(StreamInfo.KmsKeyId.length > 0);
      assert.ok(Math.abs(Date.now() - StreamInfo.CreationTime) < 60000);
    }
  });
  test('a second create, a missing stream, a bad name and neither name nor ARN', async () => {
    await fails(kvs.call('CreateStream', {StreamName: 'door'}), 'ResourceInUseException');
    await fails(kvs.call('DescribeStream', {StreamName: 'nowhere'}), 'ResourceNotFoundException', 404);
    await fails(kvs.call('CreateStream', {StreamName: 'not a name'}), 'InvalidArgumentException');
    await fails(kvs.call('CreateStream', {StreamName: 'x'.repeat(257)}), 'InvalidArgumentException');
    await fails(kvs.call('CreateStream', {}), 'InvalidArgumentException');
    await fails(kvs.call('DescribeStream', {}), 'InvalidArgumentException');
    await fails(kvs.call('DescribeStream', {StreamARN: 'arn:aws:s3:::bucket'}), 'InvalidArgumentException');
  });
  test('update and retention change need the current version and change it', async () => {
    const version = async () => (await kvs.call('DescribeStream', {StreamName: 'door'})).StreamInfo.Version;
    const first = await version();
    await fails(kvs.call('UpdateStream', {StreamName: 'door', CurrentVersion: 'wrong', DeviceName: 'back'}), 'VersionMismatchException');
    await kvs.call('UpdateStream', {StreamName: 'door', CurrentVersion: first, DeviceName: 'back'});
    const second = await version();
    assert.notEqual(second, first);
    await fails(kvs.call('UpdateDataRetention', {StreamName: 'door', CurrentVersion: first, Operation: 'INCREASE_DATA_RETENTION', DataRetentionChangeInHours: 1}), 'VersionMismatchException');
    await kvs.call('UpdateDataRetention', {StreamARN: arn, CurrentVersion: second, Operation: 'INCREASE_DATA_RETENTION', DataRetentionChangeInHours: 24});
    await kvs.call('UpdateDataRetention', {StreamName: 'door', CurrentVersion: await version(), Operation: 'DECREASE_DATA_RETENTION', DataRetentionChangeInHours: 12});
    await fails(kvs.call('UpdateDataRetention', {StreamName: 'door', CurrentVersion: await version(), Operation: 'DECREASE_DATA_RETENTION', DataRetentionChangeInHours: 1000}), 'InvalidArgumentException');
    await fails(kvs.call('UpdateDataRetention', {StreamName: 'door', CurrentVersion: await version(), Operation: 'HALVE', DataRetentionChangeInHours: 1}), 'InvalidArgumentException');
    const {StreamInfo} = await kvs.call('DescribeStream', {StreamName: 'door'});
    assert.deepEqual([StreamInfo.DeviceName, StreamInfo.DataRetentionInHours], ['back', 60]);
  });
  test('list pages through all of them and filters by the start of the name', async () => {
    for (let i = 0; i < 7; i++) await kvs.call('CreateStream', {StreamName: `yard-${i}`});
    const names = [];
    for (let NextToken; ;) {
      const page = await kvs.call('ListStreams', {MaxResults: 3, NextToken, StreamNameCondition: {ComparisonOperator: 'BEGINS_WITH', ComparisonValue: 'yard-'}});
      assert.ok(page.StreamInfoList.length <= 3);
      names.push(...page.StreamInfoList.map((info) => info.StreamName));
      NextToken = page.NextToken;
      if (!NextToken) break;
    }
    assert.deepEqual(names.sort(), Array.from({length: 7}, (_, i) => `yard-${i}`));
    await fails(kvs.call('ListStreams', {NextToken: 'made-up'}), 'InvalidArgumentException');
    await fails(kvs.call('ListStreams', {MaxResults: 0}), 'InvalidArgumentException');
  });
  test('data endpoints for every API are this server', async () => {
    for (const APIName of ['PUT_MEDIA', 'GET_MEDIA', 'LIST_FRAGMENTS', 'GET_MEDIA_FOR_FRAGMENT_LIST', 'GET_HLS_STREAMING_SESSION_URL', 'GET_DASH_STREAMING_SESSION_URL', 'GET_CLIP', 'GET_IMAGES']) {
      assert.equal((await kvs.call('GetDataEndpoint', {StreamName: 'door', APIName})).DataEndpoint, server.url);
    }
    await fails(kvs.call('GetDataEndpoint', {StreamName: 'door', APIName: 'GET_ALL'}), 'InvalidArgumentException');
    await fails(kvs.call('GetDataEndpoint', {StreamName: 'nowhere', APIName: 'GET_MEDIA'}), 'ResourceNotFoundException', 404);
  });
  test('tags of a stream: add, replace, list, remove, and the limit of 50', async () => {
    await kvs.call('TagStream', {StreamName: 'door', Tags: {site: 'south', 'a b': 'c=d'}});
    assert.deepEqual((await kvs.call('ListTagsForStream', {StreamARN: arn})).Tags, {site: 'south', 'a b': 'c=d'});
    await kvs.call('UntagStream', {StreamName: 'door', TagKeyList: ['a b', 'never-there']});
    assert.deepEqual((await kvs.call('ListTagsForStream', {StreamName: 'door'})).Tags, {site: 'south'});
    const many = Object.fromEntries(Array.from({length: 50}, (_, i) => [`key${i}`, 'v']));
    await fails(kvs.call('TagStream', {StreamName: 'door', Tags: many}), 'TagsPerResourceExceededLimitException');
    await kvs.call('TagResource', {ResourceARN: arn, Tags: [{Key: 'owner', Value: 'me'}]});
    assert.deepEqual((await kvs.call('ListTagsForResource', {ResourceARN: arn})).Tags, {site: 'south', owner: 'me'});
  });
  test('delete: with a wrong version not, then yes, then it is gone', async () => {
    await fails(kvs.call('DeleteStream', {StreamARN: arn, CurrentVersion: 'wrong'}), 'VersionMismatchException');
    await kvs.call('DeleteStream', {StreamARN: arn});
    await fails(kvs.call('DescribeStream', {StreamName: 'door'}), 'ResourceNotFoundException', 404);
    await fails(kvs.call('DeleteStream', {StreamARN: arn}), 'ResourceNotFoundException', 404);
  });
});

describe('channels', () => {
  let arn;
  const describeChannel = async () => (await kvs.call('DescribeSignalingChannel', {ChannelARN: arn})).ChannelInfo;
  test('create, describe, update, list', async () => {
    ({ChannelARN: arn} = await kvs.call('CreateSignalingChannel', {ChannelName: 'bell', ChannelType: 'SINGLE_MASTER', Tags: [{Key: 'floor', Value: '1'}]}));
    assert.match(arn, arnOf('channel', 'bell'));
    const info = await describeChannel();
    assert.deepEqual([info.ChannelName, info.ChannelType, info.ChannelStatus, info.SingleMasterConfiguration.MessageTtlSeconds], ['bell', 'SINGLE_MASTER', 'ACTIVE', 60]);
    await fails(kvs.call('UpdateSignalingChannel', {ChannelARN: arn, CurrentVersion: 'wrong', SingleMasterConfiguration: {MessageTtlSeconds: 30}}), 'VersionMismatchException');
    await kvs.call('UpdateSignalingChannel', {ChannelARN: arn, CurrentVersion: info.Version, SingleMasterConfiguration: {MessageTtlSeconds: 30}});
    assert.equal((await describeChannel()).SingleMasterConfiguration.MessageTtlSeconds, 30);
    assert.notEqual((await describeChannel()).Version, info.Version);
    const {ChannelInfoList} = await kvs.call('ListSignalingChannels', {ChannelNameCondition: {ComparisonOperator: 'BEGINS_WITH', ComparisonValue: 'be'}});
    assert.deepEqual(ChannelInfoList.map((each) => each.ChannelARN), [arn]);
    await fails(kvs.call('CreateSignalingChannel', {ChannelName: 'bell'}), 'ResourceInUseException');
    await fails(kvs.call('CreateSignalingChannel', {ChannelName: 'slow', SingleMasterConfiguration: {MessageTtlSeconds: 1}}), 'InvalidArgumentException');
    await fails(kvs.call('DescribeSignalingChannel', {ChannelName: 'nowhere'}), 'ResourceNotFoundException', 404);
  });
  test('tags of a channel', async () => {
    await kvs.call('TagResource', {ResourceARN: arn, Tags: [{Key: 'colour', Value: 'red'}]});
    assert.deepEqual((await kvs.call('ListTagsForResource', {ResourceARN: arn})).Tags, {floor: '1', colour: 'red'});
    await kvs.call('UntagResource', {ResourceARN: arn, TagKeyList: ['floor']});
    assert.deepEqual((await kvs.call('ListTagsForResource', {ResourceARN: arn})).Tags, {colour: 'red'});
  });
  test('endpoints differ by role, and WEBRTC exists only with storage', async () => {
    const master = await kvs.endpoints(arn, 'MASTER', ['WSS', 'HTTPS']);
    const viewer = await kvs.endpoints(arn, 'VIEWER', ['WSS', 'HTTPS']);
    assert.equal(master.HTTPS, server.url);
    assert.match(master.WSS, new RegExp(`^wss://127\\.0\\.0\\.1:${server.httpsPort}/`));
    assert.notEqual(master.WSS, viewer.WSS);
    await fails(kvs.endpoints(arn, 'MASTER', ['WSS', 'HTTPS', 'WEBRTC']), 'InvalidArgumentException');
  });
  test('media storage: mapping, its rules and its end', async () => {
    assert.equal((await kvs.call('DescribeMediaStorageConfiguration', {ChannelARN: arn})).MediaStorageConfiguration.Status, 'DISABLED');
    await fails(kvs.storage.send(new JoinStorageSessionCommand({channelArn: arn})), 'InvalidArgumentException');
    const {StreamARN: unkept} = await kvs.call('CreateStream', {StreamName: 'unkept', DataRetentionInHours: 0});
    const enable = (StreamARN) => kvs.call('UpdateMediaStorageConfiguration', {ChannelARN: arn, MediaStorageConfiguration: {Status: 'ENABLED', StreamARN}});
    await fails(enable(unkept), 'NoDataRetentionException');
    const {StreamARN} = await kvs.call('CreateStream', {StreamName: 'kept', DataRetentionInHours: 1});
    await enable(StreamARN);
    assert.deepEqual((await kvs.call('DescribeMediaStorageConfiguration', {ChannelName: 'bell'})).MediaStorageConfiguration, {Status: 'ENABLED', StreamARN});
    const {MappedResourceConfigurationList} = await kvs.call('DescribeMappedResourceConfiguration', {StreamName: 'kept'});
    assert.deepEqual(MappedResourceConfigurationList.map((each) => each.ARN), [arn]);
    assert.equal((await kvs.endpoints(arn)).WEBRTC, server.url);
    const {ChannelARN: other} = await kvs.call('CreateSignalingChannel', {ChannelName: 'other'});
    await fails(kvs.call('UpdateMediaStorageConfiguration', {ChannelARN: other, MediaStorageConfiguration: {Status: 'ENABLED', StreamARN}}), 'ResourceInUseException');
    await fails(kvs.call('DeleteStream', {StreamARN}), 'ResourceInUseException');
    await kvs.call('UpdateMediaStorageConfiguration', {ChannelARN: arn, MediaStorageConfiguration: {Status: 'DISABLED'}});
    await kvs.call('DeleteStream', {StreamARN});
  });
  test('ICE servers: at least one, valid for more than 30 s', async () => {
    const {IceServerList} = await kvs.signaling.send(new GetIceServerConfigCommand({ChannelARN: arn, ClientId: 'ProducerMaster', Service: 'TURN'}));
    assert.ok(IceServerList.length >= 1 && IceServerList.length <= 5);
    for (const each of IceServerList) {
      assert.ok(each.Uris.length >= 1 && each.Uris.length <= 4 && each.Uris.every((uri) => /^(stun|turns?):/.test(uri)), JSON.stringify(each));
      assert.ok(each.Ttl > 30);
    }
  });
  test('delete', async () => {
    await fails(kvs.call('DeleteSignalingChannel', {ChannelARN: arn, CurrentVersion: 'wrong'}), 'VersionMismatchException');
    await kvs.call('DeleteSignalingChannel', {ChannelARN: arn, CurrentVersion: (await describeChannel()).Version});
    await fails(kvs.call('DescribeSignalingChannel', {ChannelARN: arn}), 'ResourceNotFoundException', 404);
  });
});

describe('SendAlexaOfferToMaster', () => {
  const offer = {type: 'offer', sdp: 'v=0\r\n'}, answer = {type: 'answer', sdp: 'v=0\r\ns=answer\r\n'};
  let ChannelARN, endpoint;
  const call = (SenderClientId) => kvs.signaling.send(new SendAlexaOfferToMasterCommand({ChannelARN, SenderClientId, MessagePayload: pack(offer)}));
  const answerAsMaster = async (master) => {
    const got = await master.next('SDP_OFFER');
    assert.deepEqual(got.payload, offer);
    master.send('ICE_CANDIDATE', {candidate: 'candidate:1 1 UDP 1 192.0.2.1 9 typ host'}, {recipient: got.senderClientId});
    master.send('SDP_ANSWER', answer, {recipient: got.senderClientId});
    return got.senderClientId;
  };
  before(async () => {
    ({ChannelARN} = await kvs.call('CreateSignalingChannel', {ChannelName: 'doorbell', SingleMasterConfiguration: {MessageTtlSeconds: 5}}));
    endpoint = (await kvs.endpoints(ChannelARN, 'MASTER', ['WSS', 'HTTPS'])).WSS;
  });
  test('the master gets an ordinary offer, the caller its answer', async () => {
    const master = await SignalingSocket.open(server, endpoint, ChannelARN);
    const called = call('alexa-1');
    assert.equal(await answerAsMaster(master), 'alexa-1');
    assert.deepEqual(JSON.parse(Buffer.from((await called).Answer, 'base64')), answer);
    await master.close();
  });
  test('is held until the master is there', async () => {
    const called = call('alexa-2');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const master = await SignalingSocket.open(server, endpoint, ChannelARN);
    await answerAsMaster(master);
    assert.deepEqual(JSON.parse(Buffer.from((await called).Answer, 'base64')), answer);
    await master.close();
  });
  test('ends when nobody answers within the message time to live', async () => {
    const began = Date.now();
    await fails(call('alexa-3'), 'ResourceNotFoundException', 404);
    assert.ok(Date.now() - began >= 4900 && Date.now() - began < 8000, `${Date.now() - began} ms`);
    await fails(call('AWS_alexa'), 'InvalidArgumentException');
  });
});

describe('everything else', () => {
  test('image generation and notification configurations come back as they were given, until they are removed', async () => {
    await kvs.call('CreateStream', {StreamName: 'clip', DataRetentionInHours: 1});
    const ImageGenerationConfiguration = {Status: 'DISABLED', ImageSelectorType: 'SERVER_TIMESTAMP', SamplingInterval: 3000, Format: 'JPEG',
      FormatConfig: {JPEGQuality: '80'}, WidthPixels: 320, HeightPixels: 240, DestinationConfig: {Uri: 's3://pictures', DestinationRegion: region}};
    const NotificationConfiguration = {Status: 'DISABLED', DestinationConfig: {Uri: `arn:aws:sns:${region}:${accountId}:doors`}};
    for (const [kind, configuration] of [['ImageGenerationConfiguration', ImageGenerationConfiguration], ['NotificationConfiguration', NotificationConfiguration]]) {
      const described = async () => (await kvs.call(`Describe${kind}`, {StreamName: 'clip'}))[kind];
      assert.equal(await described(), undefined);
      await kvs.call(`Update${kind}`, {StreamName: 'clip', [kind]: configuration});
      assert.deepEqual(await described(), configuration);
      await kvs.call(`Update${kind}`, {StreamName: 'clip'});
      assert.equal(await described(), undefined);
      await fails(kvs.call(`Describe${kind}`, {StreamName: 'nobody'}), 'ResourceNotFoundException', 404);
    }
  });
  test('edge operations: no agent is known, no stream has a configuration', async () => {
    const HubDeviceArn = `arn:aws:iot:${region}:${accountId}:thing/hub`;
    const EdgeConfig = {HubDeviceArn, RecorderConfig: {MediaSourceConfig: {MediaUriSecretArn: `arn:aws:secretsmanager:${region}:${accountId}:secret:camera`, MediaUriType: 'RTSP_URI'}}};
    await fails(kvs.call('DescribeEdgeConfiguration', {StreamName: 'clip'}), 'StreamEdgeConfigurationNotFoundException', 404);
    await fails(kvs.call('DeleteEdgeConfiguration', {StreamName: 'clip'}), 'StreamEdgeConfigurationNotFoundException', 404);
    await fails(kvs.call('DescribeEdgeConfiguration', {StreamName: 'nobody'}), 'ResourceNotFoundException', 404);
    await fails(kvs.call('StartEdgeConfigurationUpdate', {StreamName: 'clip', EdgeConfig}), 'ResourceNotFoundException', 404);
    assert.deepEqual((await kvs.call('ListEdgeAgentConfigurations', {HubDeviceArn})).EdgeConfigs, []);
  });
  test('a wrong secret and an unknown key are refused', async () => {
    for (const wrong of [{...credentials, secretAccessKey: 'not it'}, {...credentials, accessKeyId: 'AKIDNOBODY'}]) {
      const error = await errorOf(new Kvs(server.url, {credentials: wrong}).call('ListStreams', {}));
      assert.equal(error.status, 403, error.message);
    }
  });
  test('the same over HTTPS with the server\'s own CA', async () => {
    const script = `import {Kvs} from '${import.meta.resolve('./lib/kvs.mjs')}'; const kvs = new Kvs('https://localhost:${server.httpsPort}');
      const {StreamInfo} = await kvs.call('DescribeStream', {StreamName: 'clip'}); console.log(StreamInfo.StreamName, (await kvs.call('GetDataEndpoint', {StreamName: 'clip', APIName: 'GET_MEDIA'})).DataEndpoint);`;
    const {stdout} = await mustRun(process.execPath, ['--input-type=module', '-e', script], {env: {NODE_EXTRA_CA_CERTS: server.ca}});
    assert.equal(stdout.trim(), `clip https://localhost:${server.httpsPort}`);
  });
  test('what was created is still there after a restart', async () => {
    const folder = scratch('restart');
    const first = await Server.start({dataDir: folder});
    const before = await new Kvs(first.url).recordedChannel('kept');
    await new Kvs(first.url).call('TagResource', {ResourceARN: before.ChannelARN, Tags: [{Key: 'a', Value: 'b'}]});
    await first.stop();
    const second = await Server.start({dataDir: folder});
    try {
      const again = new Kvs(second.url);
      assert.equal((await again.call('DescribeStream', {StreamName: 'kept'})).StreamInfo.StreamARN, before.StreamARN);
      assert.deepEqual((await again.call('DescribeMediaStorageConfiguration', {ChannelName: 'kept'})).MediaStorageConfiguration, {Status: 'ENABLED', StreamARN: before.StreamARN});
      assert.deepEqual((await again.call('ListTagsForResource', {ResourceARN: before.ChannelARN})).Tags, {a: 'b'});
    } finally {
      await second.stop();
      rmSync(folder, {recursive: true});
    }
  });
});

const env = {AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey, AWS_DEFAULT_REGION: region, AWS_PAGER: '', AWS_MAX_ATTEMPTS: '1'};

describe('AWS CLI', () => {
  const aws = async (...args) => {
    const {stdout} = await mustRun('aws', ['--endpoint-url', server.url, '--output', 'json', ...args], {env});
    return stdout.trim() ? JSON.parse(stdout) : {};
  };
  test('streams and channels from creation to deletion', async () => {
    const {StreamARN} = await aws('kinesisvideo', 'create-stream', '--stream-name', 'cli', '--data-retention-in-hours', '2');
    const {ChannelARN} = await aws('kinesisvideo', 'create-signaling-channel', '--channel-name', 'cli');
    await aws('kinesisvideo', 'update-media-storage-configuration', '--channel-arn', ChannelARN, '--media-storage-configuration', `Status=ENABLED,StreamARN=${StreamARN}`);
    const {MediaStorageConfiguration} = await aws('kinesisvideo', 'describe-media-storage-configuration', '--channel-name', 'cli');
    assert.equal(MediaStorageConfiguration.StreamARN, StreamARN);
    const {StreamInfo} = await aws('kinesisvideo', 'describe-stream', '--stream-name', 'cli');
    assert.equal(StreamInfo.DataRetentionInHours, 2);
    await aws('kinesisvideo', 'update-data-retention', '--stream-name', 'cli', '--current-version', StreamInfo.Version, '--operation', 'INCREASE_DATA_RETENTION', '--data-retention-change-in-hours', '1');
    await aws('kinesisvideo', 'tag-stream', '--stream-name', 'cli', '--tags', 'a=b');
    assert.deepEqual((await aws('kinesisvideo', 'list-tags-for-stream', '--stream-name', 'cli')).Tags, {a: 'b'});
    assert.ok((await aws('kinesisvideo', 'list-streams', '--max-items', '1')).StreamInfoList.length === 1);
    assert.ok((await aws('kinesis-video-signaling', 'get-ice-server-config', '--channel-arn', ChannelARN)).IceServerList.length >= 1);
    assert.ok((await aws('kinesisvideo', 'get-signaling-channel-endpoint', '--channel-arn', ChannelARN, '--single-master-channel-endpoint-configuration', 'Protocols=WSS,HTTPS,Role=MASTER')).ResourceEndpointList.length === 2);
    await aws('kinesis-video-webrtc-storage', 'join-storage-session', '--channel-arn', ChannelARN);
    await aws('kinesisvideo', 'update-media-storage-configuration', '--channel-arn', ChannelARN, '--media-storage-configuration', 'Status=DISABLED');
    await aws('kinesisvideo', 'delete-signaling-channel', '--channel-arn', ChannelARN);
    await aws('kinesisvideo', 'delete-stream', '--stream-arn', StreamARN);
    const gone = await run('aws', ['--endpoint-url', server.url, 'kinesisvideo', 'describe-stream', '--stream-name', 'cli'], {env});
    assert.notEqual(gone.code, 0);
    assert.match(gone.stderr, /ResourceNotFoundException/);
  });
});

// boto3 is no dependency: the machine may lack it, and then there is nothing to prove here.
const boto3 = (await run('python3', ['-c', 'import boto3'])).code === 0;
describe('boto3', () => {
  if (!boto3) return;
  test('streams, channels and their errors', async () => {
    const folder = scratch('boto3');
    const file = join(folder, 'calls.py');
    writeFileSync(file, `
import boto3
client = boto3.client("kinesisvideo", endpoint_url="${server.url}")
arn = client.create_stream(StreamName="boto", DataRetentionInHours=1, Tags={"a": "b"})["StreamARN"]
assert client.describe_stream(StreamARN=arn)["StreamInfo"]["StreamName"] == "boto"
assert any(s["StreamARN"] == arn for p in client.get_paginator("list_streams").paginate(MaxResults=1) for s in p["StreamInfoList"])
assert client.list_tags_for_stream(StreamName="boto")["Tags"] == {"a": "b"}
try:
    client.describe_stream(StreamName="nowhere")
    raise SystemExit("no error")
except client.exceptions.ResourceNotFoundException as error:
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404 and error.response["Error"]["Message"]
channel = client.create_signaling_channel(ChannelName="boto")["ChannelARN"]
assert client.describe_signaling_channel(ChannelName="boto")["ChannelInfo"]["ChannelARN"] == channel
archive = boto3.client("kinesis-video-archived-media", endpoint_url=client.get_data_endpoint(StreamName="boto", APIName="LIST_FRAGMENTS")["DataEndpoint"])
assert archive.list_fragments(StreamName="boto", FragmentSelector={"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": {"StartTimestamp": 1, "EndTimestamp": 2000000000}})["Fragments"] == []
client.delete_signaling_channel(ChannelARN=channel)
client.delete_stream(StreamARN=arn)
print("done")
`);
    const {stdout} = await mustRun('python3', [file], {env});
    rmSync(folder, {recursive: true});
    assert.equal(stdout.trim(), 'done');
  });
});

// SPDX-License-Identifier: Apache-2.0
// Every operation of the five service models: the valid call, every violation of every constraint, every bound.
// What is expected comes from AWS's models (tests/vectors/conformance/make_vectors.py), and which error from the table here.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {after, before, describe, test} from 'node:test';
import * as control from '@aws-sdk/client-kinesis-video';
import * as archive from '@aws-sdk/client-kinesis-video-archived-media';
import * as media from '@aws-sdk/client-kinesis-video-media';
import * as signaling from '@aws-sdk/client-kinesis-video-signaling';
import * as storage from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {Camera} from './lib/camera.mjs';
import {call, closeConnections} from './lib/conformance.mjs';
import {Kvs} from './lib/kvs.mjs';
import {accountId, region, Server} from './lib/server.mjs';

const vectors = JSON.parse(readFileSync(new URL('../vectors/conformance/vectors.json', import.meta.url)));
const clients = {
  'kinesisvideo': {library: control, client: 'KinesisVideoClient'},
  'kinesis-video-archived-media': {library: archive, client: 'KinesisVideoArchivedMediaClient'},
  'kinesis-video-media': {library: media, client: 'KinesisVideoMediaClient'},
  'kinesis-video-signaling': {library: signaling, client: 'KinesisVideoSignalingClient'},
  'kinesis-video-webrtc-storage': {library: storage, client: 'KinesisVideoWebRTCStorageClient'},
};

// Which error a violation gives: [kind, error]. The first row that matches the vector's kind holds.
const ERROR_OF = [
  [/type$/, 'SerializationException'],
  [/./, 'InvalidArgumentException'],
];
const errorOf = (kind) => ERROR_OF.find(([each]) => each.test(kind))[1];

// Where we differ from the model on purpose (models/deviations.json has each reason): the vector is not expected to hold.
const DEVIATIONS = [
  {operation: 'GetMediaForFragmentList', kind: 'too many', member: 'Fragments'},
  {operation: 'CreateSignalingChannel', kind: 'enum', member: 'ChannelType', value: 'FULL_MESH'},
];
const deviates = (operation, vector) => DEVIATIONS.some((each) => each.operation === operation && each.kind === vector.kind
  && each.member === vector.member && (!each.value || JSON.stringify(vector.body).includes(each.value)));

// A refusal by a constraint says so in these words; a refusal for another reason is no proof.
const CONSTRAINT = /^(\S+)( key| value)? (is required$|has \d+ (characters|elements), allowed|is -?\d+, allowed|does not match the pattern|is not one of [A-Z])/;
/** Tags.0.Key stands as Tags[0].Key in a message. */
const pathOf = (member) => member.replace(/\.(\d+)(?=\.|$)/g, '[$1]');

let server, kvs, recorded;
before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  const camera = Camera.start(server.url, ['--channel', 'porch', '--stream', 'porch', '--create', '--ca', server.ca, '--duration', '6',
    '--width', '320', '--height', '240', '--bitrate-kbps', '200']);
  recorded = camera.report();
  recorded.catch(() => {});
});
after(async () => { closeConnections(); await server?.stop(); });

/** Eight at a time; every failure is told, not only the first. */
async function each(list, what) {
  const wrong = [];
  const todo = [...list];
  await Promise.all(Array.from({length: 8}, async () => {
    for (let one = todo.shift(); one; one = todo.shift()) await what(one).catch((error) => wrong.push(`${one.kind} ${one.member}: ${error.message}`));
  }));
  assert.deepEqual(wrong, []);
}

function messageOf(answer) {
  if (answer.status === 200) return '';
  const body = JSON.parse(answer.text);
  return body.Message ?? body.message ?? '';
}

function refuses(row, operation, vector, answer) {
  const about = `${answer.status} ${answer.text.slice(0, 300)}`;
  const expected = errorOf(vector.kind);
  assert.equal(answer.headers['x-amzn-errortype'], expected, about);
  assert.equal(answer.status, row.errors[expected]?.status ?? 400, about);
  if (answer.by === 'sdk') assert.equal(answer.name, expected);
  const body = JSON.parse(answer.text);
  const [member] = row.errors[expected]?.members ?? ['Message'];
  assert.equal(typeof body[member], 'string', `the error's body has no ${member}: ${about}`);
  if (expected === 'InvalidArgumentException') assert.match(body[member], CONSTRAINT, about);
  assert.equal(body[member].split(' ')[0], pathOf(vector.member), `the message names another member: ${about}`);
}

for (const [service, rows] of Object.entries(vectors)) {
  describe(service, () => {
    for (const [operation, row] of Object.entries(rows)) {
      test(`${operation}: ${row.violations.length} violations, ${row.accepted.length} bounds`, async (context) => {
        const by = {sdk: 0, raw: 0};
        const to = (vector) => call(server, clients[service], operation, row.path, vector.body, true)
          .then((answer) => { by[answer.by]++; return answer; });
        const held = (vector) => !deviates(operation, vector);
        await each(row.violations.filter(held), async (vector) => refuses(row, operation, vector, await to(vector)));
        await each(row.accepted.filter(held), async (vector) => {
          const answer = await to(vector);
          assert.ok(!CONSTRAINT.test(messageOf(answer)) && answer.headers['x-amzn-errortype'] !== 'SerializationException' && answer.status < 500,
            `${answer.status} ${answer.text.slice(0, 300)}`);
        });
        context.diagnostic(`${operation}: ${by.sdk} by the npm client, ${by.raw} by the raw signer`);
      });
    }
  });
}

/** Where an answer is not what the model's output shape allows; `always` members are those the contract never leaves out. */
function faults(value, shape, at = '') {
  if (shape.structure) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at} is no object`];
    return Object.entries(value).flatMap(([name, each]) => (shape.structure[name] ? faults(each, shape.structure[name], `${at}.${name}`) : [`${at}.${name} is in no model`]));
  }
  if (shape.list) return Array.isArray(value) ? value.flatMap((each, i) => faults(each, shape.list, `${at}[${i}]`)) : [`${at} is no list`];
  if (shape.map) return Object.entries(value).flatMap(([name, each]) => faults(each, shape.map, `${at}{${name}}`));
  if (shape.enum && !shape.enum.includes(value)) return [`${at} is '${value}', not one of ${shape.enum}`];
  const whole = shape.scalar === 'integer' || shape.scalar === 'long';
  const type = whole || shape.scalar === 'timestamp' ? 'number' : shape.scalar;
  if (typeof value !== type || (whole && !Number.isInteger(value))) return [`${at} is ${JSON.stringify(value)}, not a ${shape.scalar}`];
  if (shape.scalar === 'timestamp' && (value < 1.6e9 || value > 4e9)) return [`${at} is ${value}, not seconds since 1970`];
  return [];
}

// Shown with a signaling master on the line: clients/sdk (SendAlexaOfferToMaster), clients/c_client (JoinStorageSession).
// JoinStorageSessionAsViewer is not served yet: models/limitations.json.
const VALID_ELSEWHERE = ['SendAlexaOfferToMaster', 'JoinStorageSession', 'JoinStorageSessionAsViewer'];

const hub = `arn:aws:iot:${region}:${accountId}:thing/hub`;
const edge = {HubDeviceArn: hub, RecorderConfig: {MediaSourceConfig: {MediaUriType: 'RTSP_URI',
  MediaUriSecretArn: `arn:aws:secretsmanager:${region}:${accountId}:secret:camera`}}};
const images = {Status: 'ENABLED', ImageSelectorType: 'PRODUCER_TIMESTAMP', DestinationConfig: {Uri: 's3://pictures', DestinationRegion: region},
  SamplingInterval: 3000, Format: 'JPEG', FormatConfig: {JPEGQuality: '80'}, WidthPixels: 320, HeightPixels: 240};
const byName = {StreamName: 'valid'};
const version = async () => (await kvs.call('DescribeStream', byName)).StreamInfo.Version;
const streamArn = async () => (await kvs.call('DescribeStream', byName)).StreamInfo.StreamARN;
const channel = async () => (await kvs.call('DescribeSignalingChannel', {ChannelName: 'valid'})).ChannelInfo;
const channelArn = async () => (await channel()).ChannelARN;
const range = async () => {
  const all = await kvs.fragments('porch');
  return {StartTimestamp: Math.floor(all[0].ProducerTimestamp / 1000), EndTimestamp: Math.ceil(all.at(-1).ProducerTimestamp / 1000) + 1};
};

// The valid call of each operation in an order in which each can succeed: [operation, body, members always present, error].
// Without edge agents no edge configuration exists: the model's error is the whole answer.
const VALID = [
  ['CreateStream', () => ({...byName, DeviceName: 'front', MediaType: 'video/h264', DataRetentionInHours: 24, Tags: {site: 'north'}}), ['StreamARN']],
  ['CreateSignalingChannel', () => ({ChannelName: 'valid', ChannelType: 'SINGLE_MASTER', Tags: [{Key: 'site', Value: 'north'}]}), ['ChannelARN']],
  ['DescribeStream', () => byName, ['StreamInfo', ...['StreamARN', 'StreamName', 'Status', 'Version', 'CreationTime', 'KmsKeyId', 'DataRetentionInHours', 'MediaType', 'DeviceName'].map((name) => `StreamInfo.${name}`)]],
  ['DescribeSignalingChannel', () => ({ChannelName: 'valid'}), ['ChannelInfo', ...['ChannelARN', 'ChannelName', 'ChannelStatus', 'ChannelType', 'CreationTime', 'SingleMasterConfiguration', 'Version'].map((name) => `ChannelInfo.${name}`)]],
  ['ListStreams', () => ({MaxResults: 5}), ['StreamInfoList']],
  ['ListSignalingChannels', () => ({MaxResults: 5}), ['ChannelInfoList']],
  ['GetDataEndpoint', () => ({...byName, APIName: 'GET_MEDIA'}), ['DataEndpoint']],
  ['TagStream', () => ({...byName, Tags: {a: 'b'}}), []],
  ['ListTagsForStream', () => byName, ['Tags.a', 'Tags.site']],
  ['UntagStream', () => ({...byName, TagKeyList: ['a']}), []],
  ['TagResource', async () => ({ResourceARN: await channelArn(), Tags: [{Key: 'a', Value: 'b'}]}), []],
  ['ListTagsForResource', async () => ({ResourceARN: await channelArn()}), ['Tags.a', 'Tags.site']],
  ['UntagResource', async () => ({ResourceARN: await channelArn(), TagKeyList: ['a']}), []],
  ['UpdateStream', async () => ({...byName, CurrentVersion: await version(), DeviceName: 'back'}), []],
  ['UpdateDataRetention', async () => ({...byName, CurrentVersion: await version(), Operation: 'INCREASE_DATA_RETENTION', DataRetentionChangeInHours: 1}), []],
  ['UpdateStreamStorageConfiguration', async () => ({...byName, CurrentVersion: await version(), StreamStorageConfiguration: {DefaultStorageTier: 'HOT'}}), []],
  ['DescribeStreamStorageConfiguration', () => byName, ['StreamARN', 'StreamName', 'StreamStorageConfiguration.DefaultStorageTier']],
  ['UpdateSignalingChannel', async () => { const {ChannelARN, Version} = await channel(); return {ChannelARN, CurrentVersion: Version, SingleMasterConfiguration: {MessageTtlSeconds: 30}}; }, []],
  ['UpdateMediaStorageConfiguration', async () => ({ChannelARN: await channelArn(), MediaStorageConfiguration: {Status: 'ENABLED', StreamARN: await streamArn()}}), []],
  ['GetSignalingChannelEndpoint', async () => ({ChannelARN: await channelArn(), SingleMasterChannelEndpointConfiguration: {Protocols: ['WSS', 'HTTPS', 'WEBRTC'], Role: 'MASTER'}}), ['ResourceEndpointList.0.Protocol', 'ResourceEndpointList.0.ResourceEndpoint', 'ResourceEndpointList.2']],
  ['DescribeMediaStorageConfiguration', () => ({ChannelName: 'valid'}), ['MediaStorageConfiguration.Status', 'MediaStorageConfiguration.StreamARN']],
  ['DescribeMappedResourceConfiguration', () => byName, ['MappedResourceConfigurationList.0.ARN', 'MappedResourceConfigurationList.0.Type']],
  ['GetIceServerConfig', async () => ({ChannelARN: await channelArn(), Service: 'TURN'}), ['IceServerList']],
  ['ListEdgeAgentConfigurations', () => ({HubDeviceArn: hub}), ['EdgeConfigs']],
  ['DescribeEdgeConfiguration', () => byName, [], 'StreamEdgeConfigurationNotFoundException'],
  ['DeleteEdgeConfiguration', () => byName, [], 'StreamEdgeConfigurationNotFoundException'],
  ['StartEdgeConfigurationUpdate', () => ({...byName, EdgeConfig: edge}), [], 'ResourceNotFoundException'],
  ['UpdateImageGenerationConfiguration', () => ({...byName, ImageGenerationConfiguration: images}), []],
  ['DescribeImageGenerationConfiguration', () => byName, ['Status', 'ImageSelectorType', 'DestinationConfig.Uri', 'DestinationConfig.DestinationRegion', 'SamplingInterval', 'Format', 'FormatConfig.JPEGQuality', 'WidthPixels', 'HeightPixels'].map((name) => `ImageGenerationConfiguration.${name}`)],
  ['UpdateNotificationConfiguration', () => ({...byName, NotificationConfiguration: {Status: 'ENABLED', DestinationConfig: {Uri: `arn:aws:sns:${region}:${accountId}:doors`}}}), []],
  ['DescribeNotificationConfiguration', () => byName, ['NotificationConfiguration.Status', 'NotificationConfiguration.DestinationConfig.Uri']],
  ['ListFragments', () => ({StreamName: 'porch', MaxResults: 10}), ['FragmentNumber', 'FragmentSizeInBytes', 'ProducerTimestamp', 'ServerTimestamp', 'FragmentLengthInMilliseconds'].map((name) => `Fragments.0.${name}`)],
  ['GetMedia', () => ({StreamName: 'porch', StartSelector: {StartSelectorType: 'EARLIEST'}}), null],
  ['GetMediaForFragmentList', async () => ({StreamName: 'porch', Fragments: [(await kvs.fragments('porch'))[0].FragmentNumber]}), null],
  ['GetClip', async () => ({StreamName: 'porch', ClipFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: await range()}}), null],
  ['GetImages', async () => ({StreamName: 'porch', ImageSelectorType: 'PRODUCER_TIMESTAMP', ...await range(), Format: 'JPEG', MaxResults: 3}), ['Images.0.TimeStamp']],
  ['GetHLSStreamingSessionURL', () => ({StreamName: 'porch', PlaybackMode: 'LIVE'}), ['HLSStreamingSessionURL']],
  ['GetDASHStreamingSessionURL', () => ({StreamName: 'porch', PlaybackMode: 'LIVE'}), ['DASHStreamingSessionURL']],
  ['DeleteSignalingChannel', async () => {
    await kvs.call('UpdateMediaStorageConfiguration', {ChannelARN: await channelArn(), MediaStorageConfiguration: {Status: 'DISABLED', StreamARN: await streamArn()}});
    const {ChannelARN, Version} = await channel();
    return {ChannelARN, CurrentVersion: Version};
  }, []],
  ['DeleteStream', async () => ({StreamARN: await streamArn(), CurrentVersion: await version()}), []],
];

describe('valid calls', () => {
  before(() => recorded);
  test('every operation of the models is in the table', () => {
    assert.deepEqual([...VALID.map(([operation]) => operation), ...VALID_ELSEWHERE].sort(), Object.values(vectors).flatMap(Object.keys).sort());
  });
  for (const [operation, body, always, error] of VALID) {
    test(operation, async () => {
      const [service, rows] = Object.entries(vectors).find(([, each]) => each[operation]);
      const row = rows[operation];
      const answer = await call(server, clients[service], operation, row.path, await body(), !row.output);
      const about = `${answer.status} ${answer.text.slice(0, 300)}`;
      if (error) {
        assert.equal(answer.headers['x-amzn-errortype'], error, about);
        return assert.equal(answer.status, row.errors[error].status, about);
      }
      assert.equal(answer.status, 200, about);
      assert.equal(answer.by, 'sdk');
      if (!always) return assert.match(answer.headers['content-type'], /^video\/(mp4|webm|x-matroska)$/);
      if (!row.output) return assert.equal(answer.text, '');
      const value = JSON.parse(answer.text);
      assert.deepEqual(faults(value, row.output), []);
      for (const path of always) assert.notEqual(path.split('.').reduce((at, step) => at?.[step], value), undefined, `${path} is missing: ${about}`);
    });
  }
});

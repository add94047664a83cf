// SPDX-License-Identifier: Apache-2.0
// Pages, versions, states and names of the control plane, as the npm client sees them.
import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {ListFragmentsCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {errorOf, Kvs} from './lib/kvs.mjs';
import {accountId, region, Server} from './lib/server.mjs';

let server, kvs, stream, channel;
const fails = async (call, name, status = 400) => {
  const error = await errorOf(call);
  assert.deepEqual([error.name, error.status], [name, status], error.message);
};

before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  ({ChannelARN: channel, StreamARN: stream} = await kvs.recordedChannel('first'));
  for (let i = 0; i < 5; i++) {
    await kvs.call('CreateStream', {StreamName: `page-${i}`});
    await kvs.call('CreateSignalingChannel', {ChannelName: `page-${i}`});
  }
});
after(() => server?.stop());

describe('pages', () => {
  const lists = [['ListStreams', 'StreamInfoList', 'StreamName', 'StreamNameCondition'],
    ['ListSignalingChannels', 'ChannelInfoList', 'ChannelName', 'ChannelNameCondition']];
  for (const [operation, member, name, condition] of lists) {
    test(`${operation}: pages of every size hold each entry once`, async () => {
      for (const MaxResults of [1, 2, 3, 6, 10000]) {
        const found = [];
        for (let NextToken; ;) {
          const page = await kvs.call(operation, {MaxResults, NextToken});
          assert.ok(page[member].length <= MaxResults);
          found.push(...page[member].map((each) => each[name]));
          NextToken = page.NextToken;
          if (!NextToken) break;
          assert.match(NextToken, /^[a-zA-Z0-9+/=]{1,1024}$/);
        }
        assert.deepEqual(found.sort(), ['first', 'page-0', 'page-1', 'page-2', 'page-3', 'page-4'], `MaxResults ${MaxResults}`);
      }
    });
    test(`${operation}: what is deleted or made between two pages neither stops nor repeats the rest`, async () => {
      const query = {MaxResults: 2, [condition]: {ComparisonOperator: 'BEGINS_WITH', ComparisonValue: 'page-'}};
      const first = await kvs.call(operation, query);
      const last = first[member].at(-1);
      if (operation === 'ListStreams') await kvs.call('DeleteStream', {StreamARN: last.StreamARN});
      else await kvs.call('DeleteSignalingChannel', {ChannelARN: last.ChannelARN});
      const rest = await kvs.call(operation, {...query, MaxResults: 10, NextToken: first.NextToken});
      const names = [...first[member], ...rest[member]].map((each) => each[name]);
      assert.deepEqual(names.sort(), ['page-0', 'page-1', 'page-2', 'page-3', 'page-4']);
      await kvs.call(operation === 'ListStreams' ? 'CreateStream' : 'CreateSignalingChannel', {[name]: last[name]});
    });
  }
  test('a token that no list gave is refused by every list', async () => {
    const token = {NextToken: 'bWFkZXVw'};
    const calls = {ListStreams: {}, ListSignalingChannels: {}, ListTagsForStream: {StreamName: 'first'}, ListTagsForResource: {ResourceARN: channel},
      ListEdgeAgentConfigurations: {HubDeviceArn: `arn:aws:iot:${region}:${accountId}:thing/hub`}, DescribeMappedResourceConfiguration: {StreamName: 'first'}};
    for (const [operation, input] of Object.entries(calls)) await fails(kvs.call(operation, {...input, ...token}), 'InvalidArgumentException').catch((error) => { throw new Error(`${operation}: ${error.message}`); });
    await fails(kvs.archive.send(new ListFragmentsCommand({StreamName: 'first', ...token})), 'InvalidArgumentException');
  });
  test('a token of one list is none of another', async () => {
    const {NextToken} = await kvs.call('ListStreams', {MaxResults: 1});
    await fails(kvs.archive.send(new ListFragmentsCommand({StreamName: 'first', NextToken})), 'InvalidArgumentException');
  });
});

describe('versions and states', () => {
  test('a wrong CurrentVersion is VersionMismatchException wherever one can be given', async () => {
    const old = {CurrentVersion: 'notTheVersion'};
    await fails(kvs.call('UpdateStream', {StreamName: 'first', ...old}), 'VersionMismatchException');
    await fails(kvs.call('UpdateDataRetention', {StreamName: 'first', ...old, Operation: 'INCREASE_DATA_RETENTION', DataRetentionChangeInHours: 1}), 'VersionMismatchException');
    await fails(kvs.call('UpdateStreamStorageConfiguration', {StreamName: 'first', ...old, StreamStorageConfiguration: {DefaultStorageTier: 'HOT'}}), 'VersionMismatchException');
    await fails(kvs.call('UpdateSignalingChannel', {ChannelARN: channel, ...old, SingleMasterConfiguration: {MessageTtlSeconds: 30}}), 'VersionMismatchException');
    const {StreamARN} = await kvs.call('CreateStream', {StreamName: 'free'});
    const {ChannelARN} = await kvs.call('CreateSignalingChannel', {ChannelName: 'free'});
    await fails(kvs.call('DeleteStream', {StreamARN, ...old}), 'VersionMismatchException');
    await fails(kvs.call('DeleteSignalingChannel', {ChannelARN, ...old}), 'VersionMismatchException');
  });
  test('what exists or is mapped is ResourceInUseException', async () => {
    await fails(kvs.call('CreateStream', {StreamName: 'first'}), 'ResourceInUseException');
    await fails(kvs.call('CreateSignalingChannel', {ChannelName: 'first'}), 'ResourceInUseException');
    await fails(kvs.call('DeleteStream', {StreamARN: stream}), 'ResourceInUseException');
    await fails(kvs.call('DeleteSignalingChannel', {ChannelARN: channel}), 'ResourceInUseException');
    const {ChannelARN} = await kvs.call('CreateSignalingChannel', {ChannelName: 'second'});
    await fails(kvs.call('UpdateMediaStorageConfiguration', {ChannelARN, MediaStorageConfiguration: {Status: 'ENABLED', StreamARN: stream}}), 'ResourceInUseException');
  });
});

describe('names', () => {
  const describes = ['DescribeStream', 'ListTagsForStream', 'DescribeStreamStorageConfiguration', 'DescribeMappedResourceConfiguration', 'DescribeEdgeConfiguration'];
  const wrong = () => ({'no such name': {StreamName: 'nowhere'},
    'no such ARN': {StreamARN: `arn:aws:kinesisvideo:${region}:${accountId}:stream/nowhere/1600000000000`},
    'another creation time': {StreamARN: stream.replace(/\d+$/, '1600000000000')},
    'another region': {StreamARN: stream.replace(region, 'eu-central-1')},
    'another account': {StreamARN: stream.replace(accountId, '210987654321')},
    'an ARN of a channel': {StreamARN: channel}});
  for (const operation of describes) {
    test(`${operation}: by name and by ARN`, async () => {
      for (const [what, input] of Object.entries(wrong())) {
        const error = await errorOf(kvs.call(operation, input));
        const expected = what === 'an ARN of a channel' ? ['InvalidArgumentException', 'ResourceNotFoundException'] : ['ResourceNotFoundException'];
        assert.ok(expected.includes(error.name), `${what}: ${error.name} ${error.message}`);
      }
      const both = await errorOf(kvs.call(operation, {StreamName: 'page-0', StreamARN: stream}));
      assert.equal(both.name, 'InvalidArgumentException', 'name and ARN of two streams');
      assert.equal((await errorOf(kvs.call(operation, {}))).name, 'InvalidArgumentException', 'neither');
    });
  }
});

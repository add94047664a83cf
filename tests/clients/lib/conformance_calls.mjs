// SPDX-License-Identifier: Apache-2.0
// What the valid calls of the conformance suite need: resources, values that only a running server has, and the answers that
// are documented not to be a success.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {pack, SignalingSocket} from './master.mjs';
import {Producer} from './put_media.mjs';

const recording = new URL('../../vectors/kvssink-putmedia-body.mkv', import.meta.url);

/** Violations whose answer differs from the table, by "Operation Member kind". */
export const DIFFERENT = {
  // Quotas (contract 8): more than 1,000 fragment numbers are FragmentLimitExceededException, once the stream is found.
  'GetMediaForFragmentList Fragments too_many': {type: 'FragmentLimitExceededException', status: 400, words: /./, anyPlace: true, real: true},
};

/** Values that the model allows and a rule outside of it may refuse with InvalidArgumentException: the words of that rule. */
export const RULES = {
  // Contract 1.2: the model knows FULL_MESH, only SINGLE_MASTER is supported.
  'CreateSignalingChannel ChannelType': /is not one of SINGLE_MASTER"/,
  // A token is one that the same listing gave.
  'ListStreams NextToken': /NextToken is not one /,
  'ListSignalingChannels NextToken': /NextToken is not one /,
  'ListEdgeAgentConfigurations NextToken': /NextToken is not one /,
  // The model has no NoDataRetentionException here.
  'GetMediaForFragmentList StreamName': /keeps no data/,
  // ENABLED says into which stream.
  'UpdateMediaStorageConfiguration ChannelARN': /StreamARN is required when Status is ENABLED/,
  'UpdateMediaStorageConfiguration MediaStorageConfiguration.Status': /StreamARN is required when Status is ENABLED/,
};

const withMaster = async (known) => {
  const master = await SignalingSocket.open(known.server, known.wss, known.channelArn);
  return {master, close: () => master.close()};
};

/**
 * Per operation: set(known, form): members of the valid call that the vectors cannot know, undefined takes one out;
 * during: what runs while the call is made; absent: members that its answer need not have; error and status: its documented failure.
 */
export const VALID = {
  CreateStream: {set: (known, form) => ({StreamName: `made-${form}`})},
  CreateSignalingChannel: {set: (known, form) => ({ChannelName: `made-${form}`})},
  DeleteStream: {set: (known, form) => known.freshStream(form)},
  DeleteSignalingChannel: {set: (known, form) => known.freshChannel(form)},
  DescribeEdgeConfiguration: {error: 'StreamEdgeConfigurationNotFoundException', status: 404},
  DeleteEdgeConfiguration: {error: 'StreamEdgeConfigurationNotFoundException', status: 404},
  // No edge agent is registered with this server (models/limitations.json).
  StartEdgeConfigurationUpdate: {error: 'ResourceNotFoundException', status: 404},
  DescribeImageGenerationConfiguration: {during: (known) => known.configureDelivery()},
  UpdateNotificationConfiguration: {set: (known, form) => (form === 'full' ? {NotificationConfiguration: {Status: 'ENABLED', DestinationConfig: {Uri: 'arn:aws:sns:us-west-2:123456789012:doors'}}} : {})},
  UpdateStream: {set: (known) => known.version()},
  UpdateDataRetention: {set: (known) => known.version()},
  UpdateStreamStorageConfiguration: {set: (known) => known.version()},
  UpdateSignalingChannel: {set: (known) => known.channelVersion()},
  UpdateMediaStorageConfiguration: {set: (known, form) => ({MediaStorageConfiguration: form === 'full' ? {Status: 'ENABLED', StreamARN: known.streamArn} : {Status: 'DISABLED'}})},
  GetClip: {set: (known) => ({ClipFragmentSelector: known.selector()})},
  ListFragments: {set: (known, form) => (form === 'full' ? {FragmentSelector: known.selector()} : {})},
  GetImages: {set: (known) => known.range()},
  GetHLSStreamingSessionURL: {set: (known) => ({PlaybackMode: 'ON_DEMAND', HLSFragmentSelector: known.selector()})},
  GetDASHStreamingSessionURL: {set: (known) => ({PlaybackMode: 'ON_DEMAND', DASHFragmentSelector: known.selector()})},
  GetMedia: {set: (known) => ({StartSelector: {StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: known.fragments[0].FragmentNumber}})},
  JoinStorageSession: {
    during: async (known) => {
      const {close} = await withMaster(known);
      return close;
    },
  },
  SendAlexaOfferToMaster: {
    set: () => ({MessagePayload: pack({type: 'offer', sdp: 'v=0\r\n'})}),
    during: async (known) => {
      const {master, close} = await withMaster(known);
      const answered = master.next('SDP_OFFER').then((offer) => master.send('SDP_ANSWER', {type: 'answer', sdp: 'v=0\r\n'}, {recipient: offer.senderClientId}));
      return async () => {
        await answered;
        await close();
      };
    },
  },
};

class Known {
  /** The vectors' input with the samples replaced by what this server has. */
  async fill(operation, input, form) {
    const text = JSON.stringify(input)
      .replace(/arn:aws:kinesisvideo:[^"]*stream\/sample-stream\/\d+/g, this.streamArn)
      .replace(/arn:aws:kinesisvideo:[^"]*channel\/sample-channel\/\d+/g, this.channelArn)
      .replaceAll('sample-stream', this.name).replaceAll('sample-channel', this.name)
      .replaceAll('91343852333181432392682062622079182544487215150', this.fragments[0].FragmentNumber);
    const set = await VALID[operation]?.set?.(this, form) ?? {};
    const made = {...JSON.parse(text), ...set, NextToken: undefined};
    if (form === 'minimal') for (const name of Object.keys(made)) if (!(name in input) && !(name in set)) delete made[name];
    return JSON.parse(JSON.stringify(made));
  }

  /** An input of a vector for an operation that makes something: under a name that is free. */
  unused(input) {
    this.made = (this.made ?? 0) + 1;
    return JSON.parse(JSON.stringify(input).replaceAll(/"(sample-stream|sample-channel)"/g, `"absent-${this.made}"`));
  }

  /** As the SDK wants it: times are Dates. */
  dates(value, name = '') {
    if (typeof value === 'number' && name.endsWith('Timestamp')) return new Date(value * 1000);
    if (Array.isArray(value)) return value.map((each) => this.dates(each));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.dates(each, key)]));
  }

  range() {
    const times = this.fragments.map((each) => each.ProducerTimestamp / 1000);
    return {StartTimestamp: Math.min(...times) - 1, EndTimestamp: Math.max(...times) + 1, ImageSelectorType: 'PRODUCER_TIMESTAMP'};
  }

  selector() {
    const {StartTimestamp, EndTimestamp} = this.range();
    return {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: {StartTimestamp, EndTimestamp}};
  }

  async version() {
    return {CurrentVersion: (await this.kvs.call('DescribeStream', {StreamName: this.name})).StreamInfo.Version};
  }

  async channelVersion() {
    return {CurrentVersion: (await this.kvs.call('DescribeSignalingChannel', {ChannelName: this.name})).ChannelInfo.Version};
  }

  async freshStream(form) {
    const {StreamARN} = await this.kvs.call('CreateStream', {StreamName: `gone-${form}`});
    const {StreamInfo} = await this.kvs.call('DescribeStream', {StreamARN});
    return form === 'full' ? {StreamARN, CurrentVersion: StreamInfo.Version} : {StreamARN};
  }

  async freshChannel(form) {
    const {ChannelARN} = await this.kvs.call('CreateSignalingChannel', {ChannelName: `gone-${form}`});
    const {ChannelInfo} = await this.kvs.call('DescribeSignalingChannel', {ChannelARN});
    return form === 'full' ? {ChannelARN, CurrentVersion: ChannelInfo.Version} : {ChannelARN};
  }

  /** A stream has no configuration to describe until it is given one. */
  async configureDelivery() {
    const target = {StreamName: this.name};
    await this.kvs.call('UpdateImageGenerationConfiguration', {...target, ImageGenerationConfiguration: {Status: 'DISABLED', ImageSelectorType: 'SERVER_TIMESTAMP',
      DestinationConfig: {Uri: 's3://sample-bucket/x', DestinationRegion: 'us-west-2'}, SamplingInterval: 3000, Format: 'JPEG'}});
    await this.kvs.call('UpdateNotificationConfiguration', {...target,
      NotificationConfiguration: {Status: 'DISABLED', DestinationConfig: {Uri: 'arn:aws:sns:us-west-2:123456789012:doors'}}});
  }

  /** GetMedia, GetMediaForFragmentList, GetClip: the first bytes are those of their container. */
  async streamed(answer, told) {
    const {value} = await answer.Payload[Symbol.asyncIterator]().next();
    answer.Payload.destroy();
    const kind = {'video/webm': '1a45dfa3', 'video/mp4': '66747970'}[answer.ContentType];
    const bytes = Buffer.from(value ?? []);
    const found = bytes.toString('hex', answer.ContentType === 'video/mp4' ? 4 : 0, answer.ContentType === 'video/mp4' ? 8 : 4);
    if (kind === undefined || found !== kind) told(`${answer.ContentType} begins with ${bytes.toString('hex', 0, 16)}`);
  }
}

/** A stream with a recording of a real producer, and a channel that is mapped to it. */
export async function prepare(server, kvs) {
  const known = Object.assign(new Known(), {server, kvs, name: 'conformance'});
  const {ChannelARN, StreamARN} = await kvs.recordedChannel(known.name);
  known.streamArn = StreamARN;
  known.channelArn = ChannelARN;
  known.wss = (await kvs.endpoints(ChannelARN)).WSS;
  const producer = await Producer.open(server, known.name);
  await producer.send(readFileSync(recording));
  await producer.end();
  known.fragments = await kvs.untilFragments(known.name, (found) => found.length >= 2);
  await known.configureDelivery();
  assert.ok(known.fragments.length >= 2);
  return known;
}

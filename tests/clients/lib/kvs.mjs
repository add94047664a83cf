// SPDX-License-Identifier: Apache-2.0
// The AWS SDK v3 clients pointed at one server, and the steps most tests need.
import {GetClipCommand, KinesisVideoArchivedMediaClient, GetHLSStreamingSessionURLCommand, ListFragmentsCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import * as control from '@aws-sdk/client-kinesis-video';
import {GetMediaCommand, KinesisVideoMediaClient} from '@aws-sdk/client-kinesis-video-media';
import {KinesisVideoSignalingClient} from '@aws-sdk/client-kinesis-video-signaling';
import {KinesisVideoWebRTCStorageClient} from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {setTimeout as sleep} from 'node:timers/promises';
import {readMatroska} from './matroska.mjs';
import {credentials, region} from './server.mjs';

export class Kvs {
  constructor(endpoint, options = {}) {
    const config = {endpoint, region, credentials, maxAttempts: 1, ...options};
    this.config = config;
    this.control = new control.KinesisVideoClient(config);
    this.media = new KinesisVideoMediaClient(config);
    this.archive = new KinesisVideoArchivedMediaClient(config);
    this.signaling = new KinesisVideoSignalingClient(config);
    this.storage = new KinesisVideoWebRTCStorageClient(config);
  }

  /** Closes the connections that are kept for the next call. */
  close() {
    for (const client of [this.control, this.media, this.archive, this.signaling, this.storage]) client.destroy();
  }

  /** By command name: kvs.call('CreateStream', {...}). */
  call(operation, input = {}) {
    return this.control.send(new control[`${operation}Command`](input));
  }

  /** A channel that records into a stream of the same name. */
  async recordedChannel(name, retention = 24) {
    const {ChannelARN} = await this.call('CreateSignalingChannel', {ChannelName: name});
    const {StreamARN} = await this.call('CreateStream', {StreamName: name, DataRetentionInHours: retention});
    await this.call('UpdateMediaStorageConfiguration', {ChannelARN, MediaStorageConfiguration: {Status: 'ENABLED', StreamARN}});
    return {ChannelARN, StreamARN};
  }

  async endpoints(ChannelARN, Role = 'MASTER', Protocols = ['WSS', 'HTTPS', 'WEBRTC']) {
    const {ResourceEndpointList} = await this.call('GetSignalingChannelEndpoint',
      {ChannelARN, SingleMasterChannelEndpointConfiguration: {Protocols, Role}});
    return Object.fromEntries(ResourceEndpointList.map((entry) => [entry.Protocol, entry.ResourceEndpoint]));
  }

  /** Every fragment of a stream by producer time, paged. */
  async fragments(StreamName, selector, pageSize = 1000) {
    const found = [];
    for (let NextToken; ;) {
      const input = NextToken ? {StreamName, NextToken} : {StreamName, MaxResults: pageSize, ...(selector ? {FragmentSelector: selector} : {})};
      const page = await this.archive.send(new ListFragmentsCommand(input));
      found.push(...(page.Fragments ?? []));
      NextToken = page.NextToken;
      if (!NextToken) return found.sort((a, b) => a.ProducerTimestamp - b.ProducerTimestamp);
    }
  }

  /** Polls until `enough` says so. */
  async untilFragments(StreamName, enough, deadline = 15000) {
    let found = [];
    for (const end = Date.now() + deadline; Date.now() < end; await sleep(100)) {
      found = await this.fragments(StreamName).catch((error) => (error.name === 'ResourceNotFoundException' ? [] : Promise.reject(error)));
      if (enough(found)) return found;
    }
    throw new Error(`only ${found.length} fragments in ${deadline} ms: ${JSON.stringify(found)}`);
  }

  /**
   * GetMedia's bytes until nothing has come for `quiet` ms (it follows the live end) or the server ends the answer. Before the fragment
   * `last` has come, if it is known, nothing is too quiet: the machine may be busy.
   */
  async mediaBytes(StreamName, {StartSelector = {StartSelectorType: 'EARLIEST'}, quiet = 3000, deadline = 60000, last} = {}) {
    const abort = new AbortController();
    const answer = await this.media.send(new GetMediaCommand({StreamName, StartSelector}), {abortSignal: abort.signal});
    const chunks = [];
    const total = setTimeout(() => answer.Payload.destroy(), deadline);
    let isDue = !last, tail = '';
    const wait = () => isDue ? setTimeout(() => answer.Payload.destroy(), quiet) : undefined;
    let idle = wait();
    try {
      for await (const chunk of answer.Payload) {
        chunks.push(chunk);
        if (!isDue) {
          const text = tail + Buffer.from(chunk).toString('latin1');
          isDue = text.includes(last);
          tail = text.slice(-last.length);
        }
        clearTimeout(idle);
        idle = wait();
      }
    } catch (error) {
      if (!['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'ABORT_ERR'].includes(error.code) && error.message !== 'aborted') throw error;
    } finally {
      clearTimeout(total);
      clearTimeout(idle);
      abort.abort();
    }
    return Buffer.concat(chunks);
  }

  async documents(StreamName, options) {
    return readMatroska(await this.mediaBytes(StreamName, options)).filter((document) => document.blocks.length > 0);
  }

  /** GetClip of these fragments, which follow one another: the bytes of its MP4. */
  async clip(StreamName, fragments) {
    const TimestampRange = {StartTimestamp: fragments[0].ProducerTimestamp, EndTimestamp: new Date(+fragments.at(-1).ProducerTimestamp + 1)};
    const {Payload} = await this.archive.send(new GetClipCommand({StreamName, ClipFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange}}));
    return Payload.transformToByteArray();
  }

  async hlsUrl(StreamName, input = {}) {
    const answer = await this.archive.send(new GetHLSStreamingSessionURLCommand({StreamName, ...input}));
    return answer.HLSStreamingSessionURL;
  }

  /** ON_DEMAND over everything listed, without discontinuities between fragments. */
  async wholeHlsUrl(StreamName, fragments, input = {}) {
    const first = fragments[0].ProducerTimestamp, last = fragments.at(-1).ProducerTimestamp;
    return this.hlsUrl(StreamName, {PlaybackMode: 'ON_DEMAND', ContainerFormat: 'FRAGMENTED_MP4', MaxMediaPlaylistFragmentResults: 5000,
      HLSFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: {StartTimestamp: new Date(first - 1000), EndTimestamp: new Date(+last + 1000)}}, ...input});
  }
}

/** The name of the error a call ends with; an error when it succeeds. */
export async function errorOf(call) {
  try {
    await call;
  } catch (error) {
    return {name: error.name, message: error.message, status: error.$metadata?.httpStatusCode, error};
  }
  throw new Error('the call succeeded');
}

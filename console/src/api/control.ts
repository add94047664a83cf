// SPDX-License-Identifier: Apache-2.0
// Streams and channels, through the control plane's client.
import {
  CreateSignalingChannelCommand, CreateStreamCommand, DeleteStreamCommand, DescribeMediaStorageConfigurationCommand, DescribeSignalingChannelCommand,
  DescribeStreamCommand, KinesisVideoClient, UpdateDataRetentionCommand, UpdateMediaStorageConfigurationCommand,
} from '@aws-sdk/client-kinesis-video';
import {clientConfig} from './clients';

const client = () => new KinesisVideoClient(clientConfig());

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === 'ResourceNotFoundException';
}

/** The stream's ARN, made if there is no such stream. */
export async function ensureStream(name: string, hours: number): Promise<string> {
  try {
    const {StreamInfo} = await client().send(new DescribeStreamCommand({StreamName: name}));
    if (StreamInfo?.StreamARN) return StreamInfo.StreamARN;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return createStream(name, hours);
}

export async function createStream(name: string, hours: number): Promise<string> {
  const {StreamARN} = await client().send(new CreateStreamCommand({StreamName: name, DataRetentionInHours: hours, MediaType: 'video/h264'}));
  if (!StreamARN) throw new Error('the server named no ARN for the new stream');
  return StreamARN;
}

export async function ensureChannel(name: string): Promise<string> {
  try {
    const {ChannelInfo} = await client().send(new DescribeSignalingChannelCommand({ChannelName: name}));
    if (ChannelInfo?.ChannelARN) return ChannelInfo.ChannelARN;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const {ChannelARN} = await client().send(new CreateSignalingChannelCommand({ChannelName: name}));
  if (!ChannelARN) throw new Error('the server named no ARN for the new channel');
  return ChannelARN;
}

/** The ARN of the stream that the channel records into, if it does. */
export async function streamOfChannel(channelArn: string): Promise<string | undefined> {
  const {MediaStorageConfiguration} = await client().send(new DescribeMediaStorageConfigurationCommand({ChannelARN: channelArn}));
  return MediaStorageConfiguration?.Status === 'ENABLED' ? MediaStorageConfiguration.StreamARN : undefined;
}

export async function mapChannel(channelArn: string, streamArn: string | undefined): Promise<void> {
  await client().send(new UpdateMediaStorageConfigurationCommand({
    ChannelARN: channelArn, MediaStorageConfiguration: streamArn ? {Status: 'ENABLED', StreamARN: streamArn} : {Status: 'DISABLED'},
  }));
}

export async function changeRetention(streamArn: string, hours: number): Promise<void> {
  const {StreamInfo} = await client().send(new DescribeStreamCommand({StreamARN: streamArn}));
  const difference = hours - (StreamInfo?.DataRetentionInHours ?? 0);
  if (difference === 0) return;
  await client().send(new UpdateDataRetentionCommand({
    StreamARN: streamArn, CurrentVersion: StreamInfo?.Version, DataRetentionChangeInHours: Math.abs(difference),
    Operation: difference > 0 ? 'INCREASE_DATA_RETENTION' : 'DECREASE_DATA_RETENTION',
  }));
}

export async function deleteStream(streamArn: string): Promise<void> {
  await client().send(new DeleteStreamCommand({StreamARN: streamArn}));
}

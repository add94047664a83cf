// SPDX-License-Identifier: Apache-2.0
// Recordings, through the archived-media client: playback sessions, single pictures, clips.
import {
  GetClipCommand, GetHLSStreamingSessionURLCommand, GetImagesCommand, type GetHLSStreamingSessionURLInput, KinesisVideoArchivedMediaClient,
} from '@aws-sdk/client-kinesis-video-archived-media';
import {clientConfig} from './clients';

const client = () => new KinesisVideoArchivedMediaClient(clientConfig());
const date = (seconds: number) => new Date(Math.round(seconds * 1000));

/** A session that plays what was recorded from `start` to `end`; the fragment that contains `start` begins up to 20 s before it. */
export async function recordedUrl(stream: string, start: number, end: number): Promise<string> {
  return hlsUrl({
    StreamName: stream, PlaybackMode: 'ON_DEMAND', ContainerFormat: 'FRAGMENTED_MP4', DiscontinuityMode: 'ON_DISCONTINUITY', DisplayFragmentTimestamp: 'ALWAYS',
    MaxMediaPlaylistFragmentResults: 5000, Expires: 43200,
    HLSFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: {StartTimestamp: date(start), EndTimestamp: date(end)}},
  });
}

/** Low-latency HLS of what is recorded now (docs/status.md). */
export async function liveUrl(stream: string): Promise<string> {
  const url = await hlsUrl({StreamName: stream, PlaybackMode: 'LIVE', DiscontinuityMode: 'ON_DISCONTINUITY', Expires: 43200});
  return `${url}&LowLatency=true`;
}

async function hlsUrl(input: GetHLSStreamingSessionURLInput): Promise<string> {
  const {HLSStreamingSessionURL: url} = await client().send(new GetHLSStreamingSessionURLCommand(input));
  if (!url) throw new Error('the server gave no playback address');
  return url;
}

/** The picture at a time as a data URL; nothing when nothing was recorded then. `height` 0: its own size. */
export async function pictureAt(stream: string, time: number, height: number, signal?: AbortSignal): Promise<string | undefined> {
  const {Images} = await client().send(new GetImagesCommand({
    StreamName: stream, ImageSelectorType: 'PRODUCER_TIMESTAMP', StartTimestamp: date(time), EndTimestamp: date(time), Format: 'JPEG',
    FormatConfig: {JPEGQuality: height ? '70' : '92'}, MaxResults: 25, ...(height ? {HeightPixels: height} : {}),
  }), signal ? {abortSignal: signal} : {});
  const content = Images?.[0]?.ImageContent;
  return content ? `data:image/jpeg;base64,${content}` : undefined;
}

/** One MP4 of the range. `progress` is told bytes so far and, where the server says it, of how many. */
export async function clip(stream: string, start: number, end: number, progress: (done: number, all?: number) => void, signal: AbortSignal): Promise<Blob> {
  const archive = client();
  let length: number | undefined;
  archive.middlewareStack.add((next) => async (args) => {
    const result = await next(args);
    const {headers} = result.response as {headers?: Record<string, string>};
    length = Number(headers?.['content-length']) || undefined;
    return result;
  }, {step: 'deserialize', priority: 'low', name: 'lengthOfClip'});
  const {Payload} = await archive.send(new GetClipCommand({
    StreamName: stream,
    ClipFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: {StartTimestamp: date(start), EndTimestamp: date(end)}},
  }), {abortSignal: signal});
  if (!Payload) throw new Error('the server gave no clip');
  const reader = (Payload.transformToWebStream() as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let done = 0; ;) {
    const {value, done: isOver} = await reader.read();
    if (isOver) break;
    pieces.push(value);
    done += value.byteLength;
    progress(done, length);
  }
  return new Blob(pieces, {type: 'video/mp4'});
}

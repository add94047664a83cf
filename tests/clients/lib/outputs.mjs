// SPDX-License-Identifier: Apache-2.0
// The same recording through every output, decoded by ffmpeg and measured on what it decodes: nothing of the server's own
// says when a picture is shown or a sound heard.
import assert from 'node:assert/strict';
import {GetClipCommand, GetDASHStreamingSessionURLCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {blocksOf} from './matroska.mjs';
import {mustRun} from './programs.mjs';
import {AVC} from './recording.mjs';
import {binary} from './server.mjs';

/** A unit of rendered sound is in the fragment that has all it is made from: three AAC frames (ADR 12). Only GetMedia shows that: its
 * documents are the same wherever reading begins. */
export const RENDERED = {GetMedia: {lead: 3 * 1024 / 48000}};

const SLICE = 240;  // samples of sound that are looked at together: 5 ms

/** Decodes all of it, an error at the first fault. {video, audio}, each with `from` and `to` in seconds, `count`, and `marks`: the times at
 * which a flash or beep begins. */
export async function measure(input, before = []) {
  const video = `[0:v]scale=32:32,format=gray,signalstats,settb=1/48000,metadata=print:key=lavfi.signalstats.YAVG:file=-[v]`;
  const audio = `[0:a]aresample=48000,aformat=channel_layouts=mono,asetnsamples=n=${SLICE}:p=0,astats=metadata=1:reset=1,asettb=1/48000,` +
    'ametadata=print:key=lavfi.astats.Overall.Peak_level:file=-[a]';
  // One track after the other: their lines would mix.
  const decode = async (filter, label) => (await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-xerror', '-err_detect', 'explode', '-copyts', ...before, '-i', input,
    '-filter_complex', filter, '-map', label, '-fps_mode', 'passthrough', '-f', 'null', '-'])).stdout;
  const [pictures, sounds] = await Promise.all([decode(video, '[v]'), decode(audio, '[a]')]);
  return {video: read(pictures, 128), audio: read(sounds, -20, SLICE / 48000)};
}

/** `length`: of one frame; found from the frames themselves when it is not given. */
function read(text, threshold, length) {
  const frames = [...text.matchAll(/pts:(-?\d+)\s+pts_time:\S+\s+lavfi\S+=(\S+)/g)].map(([, time, value]) => ({time: Number(time) / 48000, isMarked: Number(value) > threshold}));
  assert.ok(frames.length > 1, `nothing was decoded: ${text.slice(0, 200)}`);
  const times = frames.map(({time}) => time).sort((a, b) => a - b);
  const last = length ?? (times.at(-1) - times[0]) / (times.length - 1);
  const marks = frames.filter((frame, i) => i > 0 && frame.isMarked && !frames[i - 1].isMarked).map(({time}) => time);
  return {from: times[0], to: times.at(-1) + last, frame: last, count: frames.length, marks};
}

/** {name: [input, options before it]} of all that a recording of `listed` fragments can be read as. `folder`: for the files. */
export async function outputsOf({server, kvs, name, listed, folder}) {
  const [first, last] = [listed[0], listed.at(-1)];
  const range = {StartTimestamp: first.ProducerTimestamp, EndTimestamp: new Date(+last.ProducerTimestamp + 1)};
  const selector = {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: range};
  const hls = (ContainerFormat) => kvs.hlsUrl(name, {PlaybackMode: 'ON_DEMAND', DiscontinuityMode: 'ON_DISCONTINUITY', ContainerFormat, HLSFragmentSelector: selector});
  const save = (file, bytes) => {
    writeFileSync(join(folder, file), bytes);
    return join(folder, file);
  };
  // It gives every fragment that reaches into its window.
  const middle = (fragment) => ((+fragment.ProducerTimestamp + fragment.FragmentLengthInMilliseconds / 2) / 1000).toFixed(3);
  const exported = async (file) => {
    await mustRun(binary, ['export', name, '-o', join(folder, file), '--from', middle(first), '--to', middle(last), '--data-dir', server.dataDir]);
    return join(folder, file);
  };
  const clip = await kvs.archive.send(new GetClipCommand({StreamName: name, ClipFragmentSelector: selector}));
  const documents = (await kvs.documents(name, {quiet: 700})).filter(({tags}) => tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER >= first.FragmentNumber && tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER <= last.FragmentNumber);
  return {
    'HLS fMP4': [await hls('FRAGMENTED_MP4'), ['-allowed_extensions', 'ALL']],
    'HLS MPEG-TS': [await hls('MPEG_TS')],
    DASH: [(await kvs.archive.send(new GetDASHStreamingSessionURLCommand({StreamName: name, PlaybackMode: 'ON_DEMAND', DASHFragmentSelector: selector}))).DASHStreamingSessionURL],
    GetClip: [save('clip.mp4', await clip.Payload.transformToByteArray())],
    GetMedia: [save('get-media.mkv', Buffer.concat(documents.map((document) => document.bytes)))],
    'export to .mkv': [await exported('export.mkv')],
    'export to .mp4': [await exported('export.mp4')],
  };
}

export const OUTPUTS = ['HLS fMP4', 'HLS MPEG-TS', 'DASH', 'GetClip', 'GetMedia', 'export to .mkv', 'export to .mp4'];

/** Measures every output of these documents of the stream, some at a time. {expected, [kind]: what was found, or {error}}. */
export async function measureAll({server, kvs, name, documents, folder}) {
  const numbers = new Set(documents.map(({tags}) => tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER));
  const listed = (await kvs.fragments(name)).filter(({FragmentNumber}) => numbers.has(FragmentNumber));
  mkdirSync(folder, {recursive: true});
  const measured = {expected: {frames: blocksOf(documents, AVC).length, seconds: listed.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) / 1000}};
  const outputs = await outputsOf({server, kvs, name, listed, folder});
  await Promise.all(OUTPUTS.map(async (kind) => { measured[kind] = await measure(...outputs[kind]).catch((error) => ({error})); }));
  return measured;
}

/** A measured output has all `frames`, pictures and sound last `seconds`, and each flash is seen when its beep is heard. `lead`: seconds by which
 * sound may begin before the first picture: that of pictures which are not here. `slack`: seconds by which it may end earlier besides. Gives what it found, in milliseconds. */
export function together({video, audio}, {frames, seconds, marks = 0, lead = 0, slack = 0}) {
  const ms = (value) => Math.round(value * 1000);
  const beside = video.marks.map((at) => audio.marks.map((heard) => ms(heard - at)).sort((a, b) => Math.abs(a) - Math.abs(b))[0]);
  const found = {frames: video.count, pictures: ms(video.to - video.from), sound: ms(audio.to - audio.from), from: ms(audio.from - video.from), to: ms(audio.to - video.to), beside};
  const text = JSON.stringify(found);
  assert.equal(video.count, frames, text);
  assert.ok(Math.abs(video.to - video.from - seconds) <= video.frame, `${seconds} s are stored: ${text}`);
  const tooMuch = audio.to - audio.from - seconds;
  assert.ok(tooMuch <= lead + video.frame && tooMuch >= -video.frame - slack, `${seconds} s are stored: ${text}`);
  assert.ok(audio.from - video.from <= 0.04 && audio.from - video.from >= -lead - 0.04, text);
  assert.ok(audio.to - video.to <= video.frame && audio.to - video.to >= -video.frame - slack, text);
  assert.ok(beside.length >= marks, text);
  for (const offset of beside) assert.ok(Math.abs(offset) <= 40, text);
  return text;
}

// SPDX-License-Identifier: Apache-2.0
// lane: media
// DASH and HLS in the players people use, in Chromium: a recording of two sessions with different picture sizes and a gap
// between them, and a live one.
import assert from 'node:assert/strict';
import {GetClipCommand, GetDASHStreamingSessionURLCommand} from '@aws-sdk/client-kinesis-video-archived-media';
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {Browser} from './lib/browser.mjs';
import {Camera} from './lib/camera.mjs';
import {errorOf, Kvs} from './lib/kvs.mjs';
import {blocksOf} from './lib/matroska.mjs';
import {scratch} from './lib/media_files.mjs';
import {decodeAll, mustRun, probe} from './lib/programs.mjs';
import {AVC} from './lib/recording.mjs';
import {Server} from './lib/server.mjs';
import {watchAll} from './lib/watched.mjs';

const RATE = 15;
const folder = scratch('players');
let server, kvs, browser, listed, documents;

const camera = (name, seconds, [width, height]) => Camera.start(server.url, ['--channel', name, '--stream', name, '--create', '--ca', server.ca, '--duration', String(seconds),
  '--width', String(width), '--height', String(height), '--picture-rate', String(RATE), '--bitrate-kbps', '400']);
const dashUrl = async (StreamName, input) => (await kvs.archive.send(new GetDASHStreamingSessionURLCommand({StreamName, ...input}))).DASHStreamingSessionURL;
const range = (from, to, type = 'PRODUCER_TIMESTAMP') => {
  const time = type === 'PRODUCER_TIMESTAMP' ? 'ProducerTimestamp' : 'ServerTimestamp';
  return {FragmentSelectorType: type, TimestampRange: {StartTimestamp: from[time], EndTimestamp: new Date(+to[time] + 1)}};
};
const attributes = (text) => Object.fromEntries([...text.matchAll(/([\w:]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
/** A manifest as values; only what the test looks at. */
function readManifest(text) {
  const periods = [...text.matchAll(/<Period ([^>]*)>([\s\S]*?)<\/Period>/g)].map(([, head, body]) => ({
    ...attributes(head),
    tracks: [...body.matchAll(/<AdaptationSet ([^>]*)>([\s\S]*?)<\/AdaptationSet>/g)].map(([, set, inner]) => ({
      ...attributes(set), representation: attributes(inner.match(/<Representation ([^>]*)>/)[1]), template: attributes(inner.match(/<SegmentTemplate ([^>]*)>/)[1]),
      segments: [...inner.matchAll(/<S ([^>]*)\/>/g)].map(([, s]) => attributes(s)),
    })),
  }));
  return {...attributes(text.match(/<MPD ([^>]*)>/)[1]), periods};
}
const seconds = (duration) => Number(duration.match(/^PT([\d.]+)S$/)[1]);

before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  browser = await Browser.start();
  await camera('porch', 12, [320, 240]).report();
  await camera('porch', 10, [480, 360]).report();
  listed = await kvs.untilFragments('porch', (all) => all.length >= 5);
  documents = await kvs.documents('porch', {quiet: 1000});
});
after(async () => {
  await browser?.stop();
  await server?.stop();
  rmSync(folder, {recursive: true});
});

/** Where the second session begins. */
const border = () => documents.findIndex((document) => document.tracks.find((track) => track.codec === AVC).width === 480);
const frames = (to = documents.length) => blocksOf(documents.slice(0, to), AVC).length;
const playable = (to = listed.length) => listed.slice(0, to).reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) / 1000;

describe('DASH ON_DEMAND', () => {
  const whole = (input) => dashUrl('porch', {PlaybackMode: 'ON_DEMAND', DASHFragmentSelector: range(listed[0], listed.at(-1)), ...input});

  test('the manifest: one Period a session, every fragment once, times and numbers when asked for', async () => {
    const url = await whole({DisplayFragmentTimestamp: 'ALWAYS', DisplayFragmentNumber: 'ALWAYS'});
    const answer = await fetch(url);
    assert.equal(answer.headers.get('content-type'), 'application/dash+xml');
    const manifest = readManifest(await answer.text());
    assert.equal(manifest.type, 'static');
    assert.equal(manifest.periods.length, 2);
    assert.ok(Math.abs(seconds(manifest.mediaPresentationDuration) - playable()) < 0.1, manifest.mediaPresentationDuration);
    assert.deepEqual(manifest.periods.map((period) => period.tracks.map((track) => track.contentType)), [['video', 'audio'], ['video', 'audio']]);
    assert.deepEqual(manifest.periods.map(({tracks: [video]}) => `${video.representation.width}x${video.representation.height}`), ['320x240', '480x360']);
    const video = manifest.periods.flatMap((period) => period.tracks[0].segments);
    assert.deepEqual(video.map((segment) => segment['kvs:fn']), listed.map((each) => each.FragmentNumber));
    assert.deepEqual(video.map((segment) => segment['kvs:ts']), listed.map((each) => (+each.ProducerTimestamp / 1000).toFixed(3)));
    for (const {tracks} of manifest.periods) {
      for (const {segments, template} of tracks) {
        segments.slice(1).forEach((segment, i) => assert.ok(Math.abs(segment.t - segments[i].t - segments[i].d) < 0.05 * template.timescale));
        // dash.js rounds to 15 digits: it would not find a segment at the start of its Period.
        segments.forEach(({t, d}) => assert.ok(Number(t) + Number(d) < 1e15, `${t} has too many digits`));
      }
    }
    assert.doesNotMatch(await (await fetch(await whole())).text(), /kvs:(ts|fn)=/);
  });

  test('ffmpeg decodes a session of it, A/V together', async () => {
    const second = border();
    const url = await dashUrl('porch', {PlaybackMode: 'ON_DEMAND', DASHFragmentSelector: range(listed[0], listed[second - 1], 'SERVER_TIMESTAMP')});
    await decodeAll(url);
    const {streams} = await probe(url, ['-count_packets']);
    const video = streams.find((each) => each.codec_type === 'video'), audio = streams.find((each) => each.codec_type === 'audio');
    assert.equal(Number(video.nb_read_packets), blocksOf(documents.slice(0, second), AVC).length);
    assert.ok(audio && Math.abs(Number(video.start_time) - Number(audio.start_time)) < 0.1, `${video.start_time} ${audio?.start_time}`);
  });
});

describe('HLS of MPEG-TS', () => {
  const firstSession = () => range(listed[0], listed[border() - 1]);

  test('ffmpeg decodes it, every frame, A/V together, as one timeline', async () => {
    const url = await kvs.hlsUrl('porch', {PlaybackMode: 'ON_DEMAND', ContainerFormat: 'MPEG_TS', DiscontinuityMode: 'ON_DISCONTINUITY', HLSFragmentSelector: firstSession()});
    await decodeAll(url);
    const {streams} = await probe(url, ['-count_packets']);
    const video = streams.find((each) => each.codec_type === 'video'), audio = streams.find((each) => each.codec_type === 'audio');
    assert.equal(Number(video.nb_read_packets), frames(border()));
    assert.ok(Math.abs(Number(video.start_time) - Number(audio.start_time)) < 0.1, `${video.start_time} ${audio.start_time}`);
    assert.ok(Math.abs(Number(audio.nb_read_packets) * 1024 / 48000 - playable(border())) < 0.15, `${audio.nb_read_packets} units of sound`);
  });

  test('a segment: whole packets, PAT and PMT first, then a picture that can be decoded alone', async () => {
    const url = await kvs.hlsUrl('porch', {PlaybackMode: 'ON_DEMAND', ContainerFormat: 'MPEG_TS', HLSFragmentSelector: firstSession()});
    const media = (await (await fetch(url)).text()).trim().split('\n').at(-1);
    const playlist = await (await fetch(new URL(media, url))).text();
    assert.doesNotMatch(playlist, /EXT-X-MAP|getMP4/);
    const segment = await fetch(new URL(playlist.match(/^getTSFragment.*$/m)[0], url));
    assert.equal(segment.headers.get('content-type'), 'video/mp2t');
    const bytes = Buffer.from(await segment.arrayBuffer());
    assert.equal(bytes.length % 188, 0);
    const pids = [];
    for (let at = 0; at < bytes.length; at += 188) {
      assert.equal(bytes[at], 0x47);
      pids.push(bytes.readUInt16BE(at + 1) & 0x1fff);
    }
    const pat = pids.indexOf(0), packet = bytes.subarray(pat * 188);
    const payload = packet[3] & 0x20 ? 5 + packet[4] : 4;
    const pmt = packet.readUInt16BE(payload + 1 + 10) & 0x1fff;  // ISO/IEC 13818-1 2.4.4: a pointer byte, then the table
    assert.ok(pat >= 0 && pids[pat + 1] === pmt && pids.slice(0, pat).every((pid) => pid === 0x11), pids.slice(0, 4).join());
  });
});

test('a clip of both sessions: ffmpeg decodes every picture in its own size', async () => {
  const {StartTimestamp, EndTimestamp} = range(listed[0], listed.at(-1)).TimestampRange;
  const {Payload} = await kvs.archive.send(new GetClipCommand({StreamName: 'porch', ClipFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: {StartTimestamp, EndTimestamp}}}));
  const file = join(folder, 'both.mp4');
  writeFileSync(file, await Payload.transformToByteArray());
  await decodeAll(file);
  const {stdout} = await mustRun('ffprobe', ['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=width,height', '-of', 'json', file]);
  const sizes = JSON.parse(stdout).frames.map(({width, height}) => `${width}x${height}`);
  assert.deepEqual([...new Set(sizes)], ['320x240', '480x360']);
  assert.equal(sizes.length, frames());
});

test('MPEG-TS: sound begins with the picture where nothing joins before, so that players find no hole there', async () => {
  const url = await kvs.hlsUrl('porch', {PlaybackMode: 'ON_DEMAND', ContainerFormat: 'MPEG_TS', HLSFragmentSelector: range(listed[0], listed.at(-1))});
  const media = (await (await fetch(url)).text()).trim().split('\n').at(-1);
  const playlist = await (await fetch(new URL(media, url))).text();
  const leads = [];
  for (const [name] of playlist.matchAll(/^getTSFragment.*$/gm)) {
    const {packets} = await probe(String(new URL(name, url)), ['-show_packets']);
    const first = (kind) => Math.min(...packets.filter((each) => each.codec_type === kind).map((each) => Number(each.pts_time)));
    leads.push(first('video') - first('audio'));
  }
  assert.equal(leads.length, listed.length);
  const unit = 1024 / 48000;
  const joins = (at) => at > 0 && listed[at].ProducerTimestamp - listed[at - 1].ProducerTimestamp - listed[at - 1].FragmentLengthInMilliseconds < 500;
  assert.equal(leads.filter((_, at) => !joins(at)).length, 2, 'two sessions');
  // Where fragments join it comes before, by what an encoder looks back: what is heard between two segments is in the second one.
  assert.ok(leads.every((lead, at) => joins(at) ? lead > 0 && lead < 4 * unit : lead > -unit && lead <= 0), leads.join(' '));
});

describe('played to the end', () => {
  const rows = [['dash.js', 'DASH'], ['shaka', 'DASH'], ['hls.js', 'HLS'], ['shaka', 'HLS'], ['hls.js', 'HLS MPEG-TS'], ['element', 'a clip'], ['shaka', 'HLS MPEG-TS'],
    ['dash.js', 'DASH LIVE_REPLAY'], ['shaka', 'DASH LIVE_REPLAY']];
  // A replay begins near what is shown last, as live does.
  const atLeast = (kind) => kind === 'DASH LIVE_REPLAY' ? 1 : frames() * 0.99;
  let results;
  // Side by side: each takes as long as the recording.
  before(async () => {
    const input = {PlaybackMode: 'ON_DEMAND'}, whole = range(listed[0], listed.at(-1));
    const urls = {'DASH LIVE_REPLAY': await dashUrl('porch', {PlaybackMode: 'LIVE_REPLAY', DASHFragmentSelector: whole}),
      DASH: await dashUrl('porch', {...input, DASHFragmentSelector: whole}),
      HLS: await kvs.hlsUrl('porch', {...input, DiscontinuityMode: 'ON_DISCONTINUITY', HLSFragmentSelector: whole}),
      'HLS MPEG-TS': await kvs.hlsUrl('porch', {...input, ContainerFormat: 'MPEG_TS', DiscontinuityMode: 'ON_DISCONTINUITY', HLSFragmentSelector: whole})};
    const {StartTimestamp, EndTimestamp} = whole.TimestampRange;
    const clip = await kvs.archive.send(new GetClipCommand({StreamName: 'porch', ClipFragmentSelector: {FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange: {StartTimestamp, EndTimestamp}}}));
    const bytes = Buffer.from(await clip.Payload.transformToByteArray());
    assert.ok(bytes.includes('avc3'), 'parameter sets that change are in band');
    urls['a clip'] = `data:video/mp4;base64,${bytes.toString('base64')}`;
    results = await watchAll(browser, rows.map(([player, kind]) => ({player, url: urls[kind], atLeast: atLeast(kind)})));
  });
  rows.forEach(([player, kind], index) => test(`${kind} by ${player}`, (t) => {
    const result = results[index];
    t.diagnostic(JSON.stringify({...result, trace: undefined}));
    assert.deepEqual(result.errors, []);
    assert.ok(result.ended && Math.abs(result.currentTime - result.duration) < 0.1, JSON.stringify(result));
    assert.ok(Math.abs(result.duration - playable()) < 0.3, `${result.duration} s of ${playable()}`);
    assert.ok(result.sizes.includes('480x360'));
    assert.ok(result.frames >= atLeast(kind), `${result.frames} of ${frames()} frames: ${JSON.stringify(result)}`);
    if (kind !== 'DASH LIVE_REPLAY') assert.deepEqual(result.sizes, ['320x240', '480x360']);
  }));
});

describe('DASH LIVE', () => {
  let live;
  before(async () => {
    live = camera('gate', 40, [320, 240]);
    await kvs.untilFragments('gate', (all) => all.length >= 4, 30000);
  });
  after(async () => { await live?.stop(); });

  test('the manifest grows at its end and keeps its places', async () => {
    const url = await dashUrl('gate', {DisplayFragmentNumber: 'ALWAYS'});
    const first = readManifest(await (await fetch(url)).text());
    assert.equal(first.type, 'dynamic');
    assert.equal(first.mediaPresentationDuration, undefined);
    await kvs.untilFragments('gate', (all) => all.length >= 8, 30000);
    const second = readManifest(await (await fetch(url)).text());
    assert.equal(second.availabilityStartTime, first.availabilityStartTime);
    assert.deepEqual([second.periods[0].id, second.periods[0].start], [first.periods[0].id, first.periods[0].start]);
    const numbers = (manifest) => manifest.periods[0].tracks[0].segments.map((segment) => segment['kvs:fn']);
    assert.ok(numbers(second).length <= 5 && numbers(second).at(-1) > numbers(first).at(-1));
  });

  test('dash.js and shaka play 6 s of it', async (t) => {
    const url = await dashUrl('gate', {MaxManifestFragmentResults: 10});
    const results = await Promise.all(['dash.js', 'shaka'].map((player) => browser.call('watch', {player, url, live: 6 * RATE, deadline: 20})));
    for (const result of results) {
      t.diagnostic(JSON.stringify(result));
      assert.deepEqual(result.errors, []);
      assert.ok(result.startedAfter > 0, 'it began');
      assert.ok(result.frames >= 6 * RATE, `${result.frames} frames`);
    }
  });

  test('what is refused', async () => {
    assert.equal((await errorOf(dashUrl('gate', {DASHFragmentSelector: range(listed[0], listed[1])}))).name, 'InvalidArgumentException');
    assert.equal((await errorOf(dashUrl('gate', {PlaybackMode: 'ON_DEMAND'}))).name, 'InvalidArgumentException');
    assert.equal((await errorOf(dashUrl('nobody'))).name, 'ResourceNotFoundException');
    const url = new URL(await dashUrl('gate'));
    assert.equal((await fetch(new URL(`getMP4MediaFragment.mp4${url.search}&TrackNumber=1&Timescale=90000&Time=12`, url))).status, 404);
    assert.equal((await fetch(new URL(`getMP4MediaFragment.mp4${url.search}&TrackNumber=1&Timescale=90000&Time=now`, url))).status, 400);
    assert.equal((await fetch(new URL(`getMP4MediaFragment.mp4${url.search}&TrackNumber=1&Timescale=0&Time=12`, url))).status, 400);
  });
});

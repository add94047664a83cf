// SPDX-License-Identifier: Apache-2.0
// A server in real time under a steady load with much coming and going: does anything grow, does anything get lost?
//
// Two cameras, four viewers, two talkers and a talking Chromium stay; a camera, and a viewer who talks, come and go. Memory, open
// files and the distance of sound from picture are sampled all along and judged by their slope after everything has settled; every
// picture and every packet of sound that was sent is looked for in what is on disk (exported, counted by ffprobe).
//
// soak.mjs [--minutes 20] [--out FILE] [--no-chromium]   ends with one line of JSON; 1 when a bound does not hold
import {execFileSync} from 'node:child_process';
import {mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {Browser} from '../../tests/clients/lib/browser.mjs';
import {Kvs} from '../../tests/clients/lib/kvs.mjs';
import {makeH264, makeOpus, scratch} from '../../tests/clients/lib/media_files.mjs';
import {measure} from '../../tests/clients/lib/outputs.mjs';
import {mustRun} from '../../tests/clients/lib/programs.mjs';
import {binary, credentials, region, root, Server} from '../../tests/clients/lib/server.mjs';
import {Cast} from './cast.mjs';
import {judgeFlat, medianOf} from './slope.mjs';

// Rises over the judged time; a leak of one packet in a thousand would be ten times as much.
const BOUNDS = {heapBytes: 1 << 20, residentBytes: 4 << 20, sqliteBytes: 1 << 20, files: 0, skewMs: 5};
const SKEW_MS = 40;
const SAMPLE_SECONDS = 2, CLIP_SECONDS = 20, SETTLE_SECONDS = 300;
// Full well before everything is judged, or they would look like a leak.
const CACHES = ['--cache-bytes', '16777216', '--segment-cache-bytes', '16777216'];

const {values: options} = parseArgs({options: {minutes: {type: 'string', default: '20'}, out: {type: 'string'}, 'no-chromium': {type: 'boolean', default: false}}});
const seconds = Number(options.minutes) * 60;
const say = (text) => console.error(text);

const machine = {
  processors: `${os.cpus().length} x ${os.cpus()[0].model}`, memoryGiB: Math.round(os.totalmem() / 2 ** 30), kernel: `${os.type()} ${os.release()}`,
  commit: execFileSync('git', ['-C', root, 'describe', '--always', '--dirty'], {encoding: 'utf8'}).trim(), node: process.version,
};

/**
 * Two caches grow with what is recorded, to bounds that no run of this length reaches: rendered sound (64 MiB) and SQLite's pages
 * (32 MiB a connection). What each says that it holds is left out; SQLite's, which is more than pages, is judged by itself.
 */
async function sampleOf(server, began) {
  const metrics = await server.metrics();
  const cached = metrics.tidegate_sound_memory_bytes, sqlite = metrics.tidegate_sqlite_memory_bytes;
  const {anonymous, file} = residentOf(server);
  return {at: (Date.now() - began) / 1000, heap: metrics.tidegate_heap_used_bytes - cached - sqlite, resident: anonymous - cached - sqlite, file,
    cached, sqlite, files: metrics.process_open_fds, cpu: metrics.process_cpu_seconds_total, load: os.loadavg()[0]};
}

/** Resident memory that is the server's own, and pages of the program and its libraries, which come when their code first runs. */
function residentOf(server) {
  const text = readFileSync(`/proc/${server.process.pid}/status`, 'latin1');
  const bytes = (name) => Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm'))[1]) * 1024;
  return {anonymous: bytes('RssAnon') + bytes('RssShmem'), file: bytes('RssFile')};
}

/** What the server has open: how many of each, by name in its data directory or by kind. */
function openOf(server) {
  const folder = `/proc/${server.process.pid}/fd`, open = {};
  for (const fd of readdirSync(folder)) {
    let name;
    try {
      name = readlinkSync(join(folder, fd));
    } catch {
      continue;  // closed meanwhile
    }
    name = name.replace(`${server.dataDir}/`, '').replace(/:\[\d+\]$/, '').replace(/volume-.*/, 'volume');
    open[name] = (open[name] ?? 0) + 1;
  }
  return open;
}

// One volume is written; the index has one connection that writes, and one for each thread that reads (2, and retention).
const MAY_BE_OPEN = {'volumes/volume': 1, 'index.db': 4, 'index.db-wal': 4};

/** {name: [before, after]} of what is more, and beyond what it may be. */
function leftOpen(before, after) {
  const names = Object.keys(after).filter((name) => after[name] > Math.max(before[name] ?? 0, MAY_BE_OPEN[name] ?? 0));
  return Object.fromEntries(names.map((name) => [name, [before[name] ?? 0, after[name]]]));
}

/** By how much each beep in the last whole fragments comes after its flash, in milliseconds. */
async function skewOf(kvs, folder) {
  const recent = (await kvs.fragments('hall')).slice(-4);
  const file = join(folder, 'clip.mp4');
  writeFileSync(file, await kvs.clip('hall', recent));
  const {video, audio} = await measure(file);
  return video.marks.map((at) => audio.marks.map((heard) => (heard - at) * 1000).sort((a, b) => Math.abs(a) - Math.abs(b))[0]).filter((each) => each !== undefined && Math.abs(each) < 500);
}

async function everySome(seconds, isOver, action) {
  for (let next = Date.now(); !isOver(); next += seconds * 1000) {
    await action();
    await sleep(Math.max(0, next + seconds * 1000 - Date.now()));
  }
}

/** {pictures, sound, talkers} of a stream on disk. */
async function stored(server, name, folder) {
  const file = join(folder, `${name}.mkv`);
  await mustRun(binary, ['export', name, '-o', file, '--data-dir', server.dataDir], {timeout: 300000});
  const {stdout} = await mustRun('ffprobe', ['-v', 'error', '-count_packets', '-show_entries', 'stream=codec_name,nb_read_packets:stream_tags=title', '-of', 'json', file], {timeout: 300000});
  const found = {pictures: 0, sound: 0, talkers: {}};
  for (const {codec_name: codec, nb_read_packets: packets, tags} of JSON.parse(stdout).streams) {
    if (codec === 'h264') found.pictures += Number(packets);
    else if (!tags?.title) found.sound += Number(packets);
    else found.talkers[tags.title] = Number(packets);
  }
  rmSync(file);
  return found;
}

/** What is missing of what was sent, by stream; Chromium does not say how many packets it sent. */
function missingOf(sent, found) {
  const rows = [['pictures', sent.pictures, found.pictures], ['sound', sent.sound, found.sound],
    ...Object.entries(sent.talkers).map(([name, count]) => [name, count, found.talkers[name] ?? 0])];
  return Object.fromEntries(rows.map(([name, was, is]) => [name, {sent: was, stored: is}]));
}

async function soak(folder) {
  const files = {video: (await makeH264(folder, {fps: 15, size: '320x180', bitrate: '300k', slices: 1})).path, audio: (await makeOpus(folder)).path};
  const server = await Server.start({args: CACHES});
  const browser = options['no-chromium'] ? null : await Browser.start();
  try {
    const kvs = new Kvs(server.url);
    const {ChannelARN} = await kvs.recordedChannel('yard');
    kvs.close();
    await sleep(6000);
    const began = Date.now(), idle = {...await sampleOf(server, began), open: openOf(server)};
    const cast = new Cast({server, browser, config: {endpoint: server.url, region, credentials}, files, seconds});
    const samples = [], skews = [];
    let isOver = false;
    const playing = cast.play(ChannelARN).finally(() => { isOver = true; });
    const nearTheEnd = () => isOver || Date.now() > cast.end - 12000;
    await Promise.all([
      everySome(SAMPLE_SECONDS, nearTheEnd, async () => {
        samples.push(await sampleOf(server, began));
        if (samples.length % 30 === 0) say(JSON.stringify({...samples.at(-1), skew: skews.at(-1)?.value, failures: cast.failures.length}));
      }),
      sleep(15000).then(() => everySome(CLIP_SECONDS, nearTheEnd, async () => {
        const marks = await skewOf(kvs, folder).catch((error) => { cast.failures.push(`clip: ${error.message}`); return []; });
        if (marks.length) skews.push({at: (Date.now() - began) / 1000, value: medianOf(marks), most: Math.max(...marks.map(Math.abs))});
      })),
      playing,
    ]);
    const {watchers, chromium} = await playing;
    kvs.close();
    await sleep(12000);  // the server looks every ten seconds for what nobody needs any more
    const after = {...await sampleOf(server, began), open: openOf(server)};
    const counts = {};
    for (const name of Object.keys(cast.sent)) counts[name] = missingOf(cast.sent[name], await stored(server, name, folder));
    return judge({cast, samples, skews, idle, after, counts, watchers, chromium});
  } finally {
    await browser?.stop();
    await server.stop();
  }
}

function judge({cast, samples, skews, idle, after, counts, watchers, chromium}) {
  const settled = Math.min(SETTLE_SECONDS, seconds / 4);
  const judged = samples.filter(({at}) => at > settled);
  const series = (name) => judged.map((each) => ({at: each.at, value: each[name]}));
  const flat = {
    heapBytes: judgeFlat(series('heap'), BOUNDS.heapBytes),
    residentBytes: judgeFlat(series('resident'), BOUNDS.residentBytes),
    sqliteBytes: judgeFlat(series('sqlite'), BOUNDS.sqliteBytes),
    files: judgeFlat(series('files'), BOUNDS.files),
    skewMs: judgeFlat(skews.filter(({at}) => at > settled), BOUNDS.skewMs, {falls: true}),
  };
  const worstSkew = Math.max(...skews.map(({most}) => most));
  const filesLeft = leftOpen(idle.open, after.open);
  const missing = Object.entries(counts).flatMap(([stream, rows]) => Object.entries(rows).filter(([, row]) => row.sent !== row.stored).map(([name, row]) => `${stream}/${name}: ${row.stored} of ${row.sent} stored`));
  const faults = [...cast.failures, ...missing, ...Object.entries(flat).filter(([, each]) => !each.holds).map(([name, each]) => `${name} is not flat: ${JSON.stringify(each)}`)];
  if (!(worstSkew < SKEW_MS)) faults.push(`sound is ${worstSkew} ms from its picture`);
  if (Object.keys(filesLeft).length) faults.push(`more is open than before anybody came: ${JSON.stringify(filesLeft)}`);
  return {
    ...machine, date: new Date().toISOString(), minutes: seconds / 60, settledSeconds: settled, flat, soundCacheBytes: [judged[0].cached, judged.at(-1).cached], filePagesBytes: [judged[0].file, judged.at(-1).file], worstSkewMs: Math.round(worstSkew * 10) / 10, counts, filesLeft,
    heapBytesBeforeAndAfter: [idle.heap, after.heap], visits: cast.visits, watchers, chromium: chromium && {frames: chromium.video.framesDecoded, lost: chromium.video.packetsLost, freezes: chromium.video.freezeCount, ageMs: medianOf(chromium.ages)},
    cpuOfOneCorePercent: Math.round((judged.at(-1).cpu - judged[0].cpu) / (judged.at(-1).at - judged[0].at) * 1000) / 10, load: medianOf(judged.map(({load}) => load)),
    faults, samples: samples.filter((_, i) => i % 15 === 0).map(({at, heap, resident, file, sqlite, files}) => [Math.round(at), heap, resident, file, sqlite, files]),
  };
}

const folder = scratch('soak');
try {
  const result = await soak(folder);
  console.log(JSON.stringify({...result, samples: undefined}));
  if (options.out) {
    mkdirSync(dirname(options.out), {recursive: true});
    writeFileSync(options.out, `${JSON.stringify(result, null, 1)}\n`);
  }
  for (const fault of result.faults) say(`FAILED ${fault}`);
  process.exitCode = result.faults.length ? 1 : 0;
} finally {
  rmSync(folder, {recursive: true});
}

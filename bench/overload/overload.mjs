// SPDX-License-Identifier: Apache-2.0
// A server, all of its threads on processor 0, that is given a part of the time that its cameras, on processor 1, use of it.
//
// overload.mjs --check PROGRAM [--cameras 400] [--deaf 200] [--shortage 2] [--seconds 30] [--double | --still MS]   ends with one line of JSON; 1 when something is
// lost at random, a camera ends, or not all record again. --double: cameras begin with half of their bit rate, and the server is left just what that
// takes (--shortage 1, unless told otherwise) before they go on with all of it. --still: instead of all that it stands still for so long, once, as a
// machine does that is moved, and 1 when anything rests, is left out or is asked for again because of it.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {Kvs} from '../../tests/clients/lib/kvs.mjs';
import {scratch} from '../../tests/clients/lib/media_files.mjs';
import {gapped, joinError, look, makeMedia, measureLoad, startCameras, stopCameras, watch} from '../../tests/clients/lib/overload.mjs';
import {startSmallServer} from '../../tests/clients/lib/small_server.mjs';

const {values} = parseArgs({options: {check: {type: 'string'}, cameras: {type: 'string', default: '400'}, deaf: {type: 'string', default: '200'}, shortage: {type: 'string'}, seconds: {type: 'string', default: '30'}, double: {type: 'boolean', default: false}, still: {type: 'string'}}});
const numbers = {cameras: values.cameras, deaf: values.deaf, shortage: values.shortage ?? (values.double ? 1 : 2), seconds: values.seconds, still: values.still ?? 0};
for (const [name, text] of Object.entries(numbers)) if (!(Number(text) >= 0)) throw new Error(`--${name} wants a number, not '${text}'`);
if (values.still && values.double) throw new Error('--still and --double are two measurements: give one of them');
const [count, deafCount, shortage, seconds, still] = Object.values(numbers).map(Number);
const LOW_SECONDS = 30;  // of the half bit rate, before it doubles
const log = (text) => console.error(text);
const pin = (pid, processor) => execFileSync('taskset', ['-acp', processor, pid], {stdio: 'ignore'});

async function untilConnected(server, wanted) {
  for (const end = Date.now() + 60000; (await look(server)).connected < wanted; await sleep(200)) if (Date.now() > end) throw new Error(`${wanted} cameras took more than 60 s`);
}

function totals(cameras) {
  const sum = (name) => cameras.reduce((total, each) => total + each[name], 0);
  return {cameras: cameras.length, ended: cameras.filter(({error, joins}) => error || joins !== 1).length, packets: sum('packets_sent'), resent: sum('packets_resent'),
    rembLeastKbps: [Math.min(...cameras.map((each) => each.remb_least_kbps)), Math.max(...cameras.map((each) => each.remb_least_kbps))], lateFrames: sum('late_frames')};
}

async function standStill(server, ms) {
  server.process.kill('SIGSTOP');
  await sleep(ms);
  server.process.kill('SIGCONT');
}

const folder = scratch('overload');
const server = await startSmallServer({dataDir: join(folder, 'data'), args: ['--shards', '1', '--joins-per-second', '1000']});
const kvs = new Kvs(server.url);
try {
  pin(server.process.pid, '0');
  const size = '1280x720';
  const media = await makeMedia(folder, {size, seconds: 2 * LOW_SECONDS});
  let pictures = media.high;  // of cameras that heed nothing
  if (values.double) {
    const half = await makeMedia(mkdtempSync(join(folder, 'half-')), {size, seconds: LOW_SECONDS});
    pictures = join(folder, 'doubling.h264');
    writeFileSync(pictures, Buffer.concat([readFileSync(half.low), readFileSync(half.high)]));
  }
  const {ChannelARN: late} = await kvs.recordedChannel('late');
  const began = Date.now();
  const low = ['--low-h264', media.low, ...(values.double ? ['--low-for', String(LOW_SECONDS)] : [])];
  const groups = [startCameras(server, 'heeding', count - deafCount, ['--h264', media.high, '--opus', media.sound, ...low])];
  pin(groups[0].camera.process.pid, '1');
  await untilConnected(server, count - deafCount);
  groups.push(startCameras(server, 'deaf', deafCount, ['--h264', pictures, '--opus', media.sound]));
  pin(groups[1].camera.process.pid, '1');
  await untilConnected(server, count);
  await sleep(3000);
  const first = await look(server);
  const load = await measureLoad(server, 4);
  const before = await look(server);
  log(`${count} cameras use ${load.toFixed(1)} % of the processor: from now on the server ${still ? `stands still for ${still} ms` : `has 1/${shortage} of that`}`);
  if (still) await standStill(server, still);
  else server.limit.set(load / shortage);
  if (values.double) await sleep(Math.max(0, began + LOW_SECONDS * 1000 - Date.now()));
  const crowded = await watch(server, still ? 10 : seconds, {log});
  const refusal = still ? null : await joinError(kvs, late);
  if (!still) log('from now on it has the processor again');
  server.limit.set(null);
  const relieved = await watch(server, 120, {log, over: (looks) => !looks.at(-1).refusing && looks.length > 3});
  const after = relieved.at(-1);
  const letIn = await joinError(kvs, late);
  const reports = await Promise.all(groups.map(stopCameras));
  const withGaps = await Promise.all(reports.map(({cameras}) => gapped(server, cameras.map(({channel}) => channel))));
  kvs.close();
  await server.stop();
  const stored = groups.map(({manifest}) => JSON.parse(execFileSync(values.check, ['--data-dir', server.dataDir, '--manifest', manifest], {maxBuffer: 1 << 26})));
  const result = {
    loadPercent: Math.round(load * 10) / 10, ...(still ? {stillMs: still} : {limitPercent: Math.round(load / shortage * 10) / 10, secondsOfOverload: seconds}), secondsToRecover: relieved.length, refusal, letIn,
    longestDelayMs: Math.max(...crowded.map(({delayMs}) => delayMs)), mostResting: Math.max(...crowded.map(({resting}) => resting)), packetsPerSecond: Math.round(1000 * (before.received - first.received) / (before.at - first.at)),
    readPerSecond: Math.round(1000 * (crowded[1].received - crowded[0].received) / (crowded[1].at - crowded[0].at)), gaps: after.gaps - before.gaps,
    kernelDrops: after.kernelDrops - before.kernelDrops, nacks: after.nacks - before.nacks, received: after.received - before.received, leftOut: after.leftOut - before.leftOut,
    heeding: {...totals(reports[0].cameras), withGaps: withGaps[0].length, video: stored[0].video, audio: stored[0].audio},
    deaf: {...totals(reports[1].cameras), withGaps: withGaps[1].length, video: stored[1].video, audio: stored[1].audio},
  };
  const faults = [];
  for (const [name, group] of Object.entries({heeding: result.heeding, deaf: result.deaf})) {
    if (group.ended) faults.push(`${group.ended} ${name} cameras ended or joined anew`);
    for (const kind of ['video', 'audio']) if (group[kind].torn + group[kind].unexplained + group[kind].altered) faults.push(`${name}: ${kind} ${JSON.stringify(group[kind])}`);
  }
  if (still && (result.mostResting || result.leftOut)) faults.push(`${result.mostResting} rested, ${result.leftOut} datagrams were left out`);
  if (!still && refusal?.name !== 'ClientLimitExceededException') faults.push(`a new session was answered ${JSON.stringify(refusal)}`);
  if (letIn || after.resting || after.askedForLess) faults.push('it did not recover');
  if (result.nacks > result.received / 1000) faults.push(`${result.nacks} packets were asked for again`);
  console.log(JSON.stringify(result));
  for (const fault of faults) console.error(`FAILED ${fault}`);
  process.exitCode = faults.length ? 1 : 0;
} finally {
  if (!server.how) await server.kill();
  rmSync(folder, {recursive: true, force: true});
}

// SPDX-License-Identifier: Apache-2.0
// Cameras that all come back at once, beside five that record: how long it takes, and whether anybody loses a picture.
//
// storm.mjs [--cameras 1000] [--rate 100] [--seconds 60]   ends with one line of JSON; 1 when a picture or a camera is missing
import {parseArgs} from 'node:util';
import {Server} from '../../tests/clients/lib/server.mjs';
import {storm} from '../../tests/clients/lib/storm.mjs';

const AGAIN_MS = 9000;  // a camera that was refused joins again after 6 to 9 s
const {values} = parseArgs({options: {cameras: {type: 'string', default: '1000'}, rate: {type: 'string', default: '100'}, seconds: {type: 'string', default: '90'}}});
const [count, rate, seconds] = [values.cameras, values.rate, values.seconds].map(Number);
const server = await Server.start({args: ['--shards', '1', '--joins-per-second', String(rate)]});
try {
  const result = await storm({server, count, rate, seconds, again: true, log: (text) => console.error(text)});
  // Who is refused five times over waits five times as long.
  const rounds = Math.ceil(count / (rate * 5));
  const faults = result.live.filter(({sent, stored, joins, error}) => stored !== sent || joins !== 1 || error).map((each) => JSON.stringify(each));
  if (result.failed) faults.push(`${result.failed} cameras never came back`);
  if (result.tookMs > count / rate * 1000 + rounds * AGAIN_MS) faults.push(`it took ${result.tookMs} ms`);
  if (result.answeredWithAnError !== result.refused) faults.push(`${result.refused} refused, ${result.answeredWithAnError} told so`);
  console.log(JSON.stringify(result));
  for (const fault of faults) console.error(`FAILED ${fault}`);
  process.exitCode = faults.length ? 1 : 0;
} finally {
  await server.stop();
}

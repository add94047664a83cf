// SPDX-License-Identifier: Apache-2.0
// All 43 operations against AWS's own models: the valid calls, every violation of a constraint, every edge that is allowed.
// The inputs come from tests/vectors/conformance, which make_vectors.py wrote from the AWS models and not from ours; which
// error a violation gives is written here by hand (contract 1.0 and 1.3).
import assert from 'node:assert/strict';
import * as archived from '@aws-sdk/client-kinesis-video-archived-media';
import * as control from '@aws-sdk/client-kinesis-video';
import * as media from '@aws-sdk/client-kinesis-video-media';
import * as signaling from '@aws-sdk/client-kinesis-video-signaling';
import * as storage from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {readFileSync} from 'node:fs';
import {after, before, describe, test} from 'node:test';
import {closeCalls, eachOf, KeepingHandler, misfit, rawCall} from './lib/conformance.mjs';
import {DIFFERENT, prepare, RULES, VALID} from './lib/conformance_calls.mjs';
import {Kvs} from './lib/kvs.mjs';
import {credentials, region, Server} from './lib/server.mjs';

// What a violation is answered with: name, status, and words of the text, which show that it was refused for this reason.
const INVALID = (words) => ({type: 'InvalidArgumentException', status: 400, words});
const ERRORS = {
  missing: INVALID(/ is required$/),
  too_short: INVALID(/ has \d+ characters, allowed are /),
  too_long: INVALID(/ has \d+ characters, allowed are /),
  bad_pattern: INVALID(/ does not match the pattern /),
  bad_enum: INVALID(/ is not one of /),
  below: INVALID(/ is -?\d+, allowed is /),
  above: INVALID(/ is \d+, allowed is /),
  too_few: INVALID(/ has \d+ elements, allowed are /),
  too_many: INVALID(/ has \d+ elements, allowed are /),
  key_too_short: INVALID(/ key has \d+ characters, allowed are /),
  key_too_long: INVALID(/ key has \d+ characters, allowed are /),
  key_bad_pattern: INVALID(/ key does not match the pattern /),
  key_bad_enum: INVALID(/ key does not match the pattern JPEGQuality$/), // the one enum of keys; our notation gives keys patterns
  wrong_type: {type: 'SerializationException', status: 400, words: / (must be|is not) /},
};
const SERVICES = [
  {name: 'kinesisvideo', sdk: control, client: 'KinesisVideoClient', member: 'Message'},
  {name: 'kinesis-video-archived-media', sdk: archived, client: 'KinesisVideoArchivedMediaClient', member: 'Message'},
  {name: 'kinesis-video-media', sdk: media, client: 'KinesisVideoMediaClient', member: 'Message'},
  {name: 'kinesis-video-signaling', sdk: signaling, client: 'KinesisVideoSignalingClient', member: 'Message'},
  {name: 'kinesis-video-webrtc-storage', sdk: storage, client: 'KinesisVideoWebRTCStorageClient', member: 'message'},
];

let server, kvs, known;
before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  known = await prepare(server, kvs);
});
after(async () => {
  closeCalls();
  await server?.stop();
});

/** '' or what is wrong with an error's form. */
function formOf(answer, member) {
  if (!/^[0-9a-f-]{36}$/.test(answer.id ?? '')) return `request id ${answer.id}`;
  const body = JSON.parse(answer.text);
  if (Object.keys(body).join() !== member || typeof body[member] !== 'string' || body[member] === '') return `body ${answer.text}`;
  return '';
}

/** '' or how the answer to a violation differs from the table. */
function refusedWrongly(answer, probe, operation, member) {
  const expected = DIFFERENT[`${operation} ${probe.member} ${probe.kind}`] ?? ERRORS[probe.kind];
  const shown = `${answer.status} ${answer.type} ${answer.text.slice(0, 300)}`;
  if (answer.status !== expected.status || answer.type !== expected.type) return shown;
  const form = formOf(answer, member);
  if (form) return form;
  const text = JSON.parse(answer.text)[member];
  const place = (probe.member || 'the request body').replace(/^(.*Tags|.*FormatConfig)\.\w+$/, '$1 value');
  return expected.words.test(text) && (expected.anyPlace || text.startsWith(`${place} `)) ? '' : shown;
}

/** '' or how the answer to an allowed value shows that it was refused. */
function takenWrongly(answer, probe, operation, vector) {
  if (answer.status < 300) return '';
  const shown = `${answer.status} ${answer.type} ${answer.text.slice(0, 300)}`;
  const [status, member] = vector.errors[answer.type] ?? [];
  if (answer.status !== status) return shown;
  if (answer.type === 'InvalidArgumentException' && !RULES[`${operation} ${probe.member}`]?.test(answer.text)) return shown;
  return formOf(answer, member);
}

const short = (input) => (JSON.stringify(input).length > 300 ? `${JSON.stringify(input).slice(0, 300)}...` : JSON.stringify(input));
const report = (wrong) => assert.equal(wrong.length, 0, `${wrong.length} answers differ:\n${wrong.slice(0, 12).join('\n')}`);

for (const service of SERVICES) {
  const vectors = JSON.parse(readFileSync(new URL(`../vectors/conformance/${service.name}.json`, import.meta.url)));
  // Creations last: what they leave behind is in nobody's way.
  const names = Object.keys(vectors).sort((a, b) => a.startsWith('Create') - b.startsWith('Create'));

  describe(service.name, () => {
    let handler, client;
    before(() => {
      client = new service.sdk[service.client]({endpoint: server.url, region, credentials, maxAttempts: 1});
      handler = KeepingHandler.of(client);
    });
    after(() => client.destroy());

    /** Through the SDK: its answer or error, and the bytes of both ways. */
    const send = async (operation, input) => {
      handler.exchange = null;
      const answer = await client.send(new service.sdk[`${operation}Command`](input)).catch((error) => ({error}));
      return {answer, exchange: handler.exchange};
    };

    const sentAs = (operation, probe) => (DIFFERENT[`${operation} ${probe.member} ${probe.kind}`]?.real ? known.fill(operation, probe.input, 'minimal') : probe.input);

    async function validCalls(operation, vector) {
      const wrong = [];
      for (const form of ['minimal', 'full']) {
        const plan = VALID[operation] ?? {};
        const input = await known.fill(operation, vector[form], form);
        const during = plan.during && await plan.during(known, input);
        const {answer, exchange} = await send(operation, known.dates(input));
        await during?.();
        const told = (text) => wrong.push(`the ${form} call ${short(input)}: ${text}`);
        if (plan.error) {
          if (answer.error?.name !== plan.error || exchange.status !== plan.status) told(`${exchange?.status} ${answer.error ?? 'succeeded'}`);
          continue;
        }
        if (answer.error) told(String(answer.error));
        else if (vector.answer === null) exchange.text !== '' && told(`body ${exchange.text}`);
        else if (vector.answer.payload) await known.streamed(answer, told);
        else {
          const body = JSON.parse(exchange.text);
          const absent = Object.keys(vector.answer.structure).filter((name) => !(name in body) && !(plan.absent ?? ['NextToken']).includes(name));
          if (absent.length) told(`${absent} is not in the answer ${short(body)}`);
          const misplaced = misfit(body, vector.answer);
          if (misplaced) told(misplaced);
        }
      }
      return wrong;
    }

    /** One violation of each kind through the SDK, when its serializer passes it on as it is. */
    async function refusedThroughClient(operation, vector, wrong) {
      let count = 0;
      for (const probe of new Map(vector.refused.filter((each) => each.member).map((each) => [each.kind, each])).values()) {
        const {answer, exchange} = await send(operation, known.dates(await sentAs(operation, probe)));
        if (!exchange || exchange.sent !== JSON.stringify(await sentAs(operation, probe))) continue;
        count++;
        const differs = answer.error ? refusedWrongly(exchange, probe, operation, service.member) : 'succeeded';
        if (differs) wrong.push(`the client's ${probe.kind} of ${probe.member}: ${differs}`);
        if (answer.error && answer.error.name !== exchange.type) wrong.push(`the client read ${answer.error.name} for ${exchange.type}`);
      }
      return count;
    }

    for (const operation of names) {
      const vector = vectors[operation];
      test(operation, async (t) => {
        const wrong = await validCalls(operation, vector);
        await eachOf(vector.refused, async (probe) => {
          const differs = refusedWrongly(await rawCall(server, vector, await sentAs(operation, probe)), probe, operation, service.member);
          if (differs) wrong.push(`${probe.kind} of ${probe.member} ${short(probe.input)}: ${differs}`);
        });
        await eachOf(vector.taken, async (probe) => {
          const differs = takenWrongly(await rawCall(server, vector, known.unused(probe.input)), probe, operation, vector);
          if (differs) wrong.push(`taken ${probe.kind} of ${probe.member} ${short(probe.input)}: ${differs}`);
        });
        const passed = await refusedThroughClient(operation, vector, wrong);
        t.diagnostic(`${operation}: 2 valid calls, ${vector.refused.length} violations (${passed} also through the client), ${vector.taken.length} edges`);
        report(wrong);
      });
    }
  });
}

test('the vectors hold all 43 operations', () => {
  const counts = SERVICES.map(({name}) => Object.keys(JSON.parse(readFileSync(new URL(`../vectors/conformance/${name}.json`, import.meta.url)))).length);
  assert.deepEqual(counts, [32, 6, 1, 2, 2]);
});

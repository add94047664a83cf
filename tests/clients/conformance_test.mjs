// SPDX-License-Identifier: Apache-2.0
// Every operation of the five service models: the valid call, every violation of every constraint, every bound.
// What is expected comes from AWS's models (tests/vectors/conformance/make_vectors.py), and which error from the table here.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {after, before, describe, test} from 'node:test';
import * as control from '@aws-sdk/client-kinesis-video';
import * as archive from '@aws-sdk/client-kinesis-video-archived-media';
import * as media from '@aws-sdk/client-kinesis-video-media';
import * as signaling from '@aws-sdk/client-kinesis-video-signaling';
import * as storage from '@aws-sdk/client-kinesis-video-webrtc-storage';
import {call, closeConnections} from './lib/conformance.mjs';
import {Server} from './lib/server.mjs';

const vectors = JSON.parse(readFileSync(new URL('../vectors/conformance/vectors.json', import.meta.url)));
const clients = {
  'kinesisvideo': {library: control, client: 'KinesisVideoClient'},
  'kinesis-video-archived-media': {library: archive, client: 'KinesisVideoArchivedMediaClient'},
  'kinesis-video-media': {library: media, client: 'KinesisVideoMediaClient'},
  'kinesis-video-signaling': {library: signaling, client: 'KinesisVideoSignalingClient'},
  'kinesis-video-webrtc-storage': {library: storage, client: 'KinesisVideoWebRTCStorageClient'},
};

// Operations without a handler answer 501 before their body is read. Empty it when they are served.
const NOT_SERVED = ['DescribeImageGenerationConfiguration', 'DescribeNotificationConfiguration',
  'UpdateImageGenerationConfiguration', 'UpdateNotificationConfiguration'];

// Which error a violation gives: [kind, error]. The first row that matches the vector's kind holds.
const ERROR_OF = [
  [/type$/, 'SerializationException'],
  [/./, 'InvalidArgumentException'],
];
const errorOf = (kind) => ERROR_OF.find(([each]) => each.test(kind))[1];

// Where we differ from the model on purpose (models/deviations.json has each reason): the vector is not expected to hold.
const DEVIATIONS = [
  {operation: 'GetMediaForFragmentList', kind: 'too many', member: 'Fragments'},
  {operation: 'CreateSignalingChannel', kind: 'enum', member: 'ChannelType', value: 'FULL_MESH'},
];
const deviates = (operation, vector) => DEVIATIONS.some((each) => each.operation === operation && each.kind === vector.kind
  && each.member === vector.member && (!each.value || JSON.stringify(vector.body).includes(each.value)));

// A refusal by a constraint says so in these words; a refusal for another reason is no proof.
const CONSTRAINT = /^(\S+)( key| value)? (is required$|has \d+ (characters|elements), allowed|is -?\d+, allowed|does not match the pattern|is not one of [A-Z])/;
/** Tags.0.Key stands as Tags[0].Key in a message. */
const pathOf = (member) => member.replace(/\.(\d+)(?=\.|$)/g, '[$1]');

let server;
before(async () => { server = await Server.start(); });
after(async () => { closeConnections(); await server?.stop(); });

/** Eight at a time; every failure is told, not only the first. */
async function each(list, what) {
  const wrong = [];
  const todo = [...list];
  await Promise.all(Array.from({length: 8}, async () => {
    for (let one = todo.shift(); one; one = todo.shift()) await what(one).catch((error) => wrong.push(`${one.kind} ${one.member}: ${error.message}`));
  }));
  assert.deepEqual(wrong, []);
}

function messageOf(answer) {
  if (answer.status === 200) return '';
  const body = JSON.parse(answer.text);
  return body.Message ?? body.message ?? '';
}

function refuses(row, operation, vector, answer) {
  const about = `${answer.status} ${answer.text.slice(0, 300)}`;
  if (NOT_SERVED.includes(operation)) return assert.equal(answer.status, 501, about);
  const expected = errorOf(vector.kind);
  assert.equal(answer.headers['x-amzn-errortype'], expected, about);
  assert.equal(answer.status, row.errors[expected]?.status ?? 400, about);
  if (answer.by === 'sdk') assert.equal(answer.name, expected);
  const body = JSON.parse(answer.text);
  const [member] = row.errors[expected]?.members ?? ['Message'];
  assert.equal(typeof body[member], 'string', `the error's body has no ${member}: ${about}`);
  if (expected === 'InvalidArgumentException') assert.match(body[member], CONSTRAINT, about);
  assert.equal(body[member].split(' ')[0], pathOf(vector.member), `the message names another member: ${about}`);
}

for (const [service, rows] of Object.entries(vectors)) {
  describe(service, () => {
    for (const [operation, row] of Object.entries(rows)) {
      test(`${operation}: ${row.violations.length} violations, ${row.accepted.length} bounds`, async (context) => {
        const by = {sdk: 0, raw: 0};
        const to = (vector) => call(server, clients[service], operation, row.path, vector.body, true)
          .then((answer) => { by[answer.by]++; return answer; });
        const held = (vector) => !deviates(operation, vector);
        await each(row.violations.filter(held), async (vector) => refuses(row, operation, vector, await to(vector)));
        await each(row.accepted.filter(held), async (vector) => {
          const answer = await to(vector);
          if (NOT_SERVED.includes(operation)) return assert.equal(answer.status, 501);
          assert.ok(!CONSTRAINT.test(messageOf(answer)) && answer.headers['x-amzn-errortype'] !== 'SerializationException' && answer.status < 500,
            `${answer.status} ${answer.text.slice(0, 300)}`);
        });
        context.diagnostic(`${operation}: ${by.sdk} by the npm client, ${by.raw} by the raw signer`);
      });
    }
  });
}

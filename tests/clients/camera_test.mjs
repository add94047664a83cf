// SPDX-License-Identifier: Apache-2.0
// What `tidegate camera` publishes from a file is in the recording bit for bit.
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {after, afterEach, before, beforeEach, describe, test} from 'node:test';
import {firstDifference, nalType, readAnnexB} from './lib/annexb.mjs';
import {Camera} from './lib/camera.mjs';
import {harsh} from './lib/impairment.mjs';
import {Kvs} from './lib/kvs.mjs';
import {makeH264, makeIntraRefresh, makeOpus, scratch} from './lib/media_files.mjs';
import {measureAll, OUTPUTS, RENDERED, together} from './lib/outputs.mjs';
import {decodeDocuments, examine, gapless} from './lib/recording.mjs';
import {Relay} from './lib/relay.mjs';
import {Server} from './lib/server.mjs';

describe('tidegate camera', () => {
  const folder = scratch('camera');
  let server, kvs, video, audio;
  before(async () => {
    video = await makeH264(folder, {seconds: 12});
    audio = await makeOpus(folder, {seconds: 12});
  });
  after(() => rmSync(folder, {recursive: true}));
  beforeEach(async () => {
    server = await Server.start();
    kvs = new Kvs(server.url);
  });
  afterEach(async () => { await server?.stop(); });

  async function published(endpoint, name, args, withAudio, t, file = video, types = [1, 5, 6, 7, 8, 9]) {
    const report = await Camera.start(endpoint, ['--channel', name, '--stream', name, '--create', '--h264', file.path, '--frame-rate', String(file.fps), ...args]).report();
    t.diagnostic(JSON.stringify(report).slice(0, 600));
    await kvs.untilFragments(name, (found) => found.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) > file.seconds * 1000 - 200);
    const documents = await kvs.documents(name, {quiet: 1500});
    const found = examine(documents, {withAudio});
    const sent = readAnnexB(file.bytes);
    assert.deepEqual([...new Set(sent.map(nalType))].sort(), types, 'what the file has: AUD, SEI, parameter sets and slices');
    assert.equal(firstDifference(sent, found.video.units), null);
    assert.equal(found.video.count, file.frames);
    assert.ok(Math.abs(found.video.to - found.video.from - file.seconds * 1000) <= 100, `duration ${found.video.to - found.video.from} ms`);
    await decodeDocuments(documents, folder);
    // The camera learns of its first fragment by asking again and again; the server's log has it from the commit itself.
    const [, logged] = server.output.match(/recording \(.*first fragment durable (\d+) ms\)/) ?? assert.fail(server.output);
    const {first_fragment: listed} = report.cameras[0].timings_ms;
    assert.ok(Number(logged) <= listed, `${logged} ms by the server, ${listed} ms by the camera`);
    return {found, documents};
  }

  test('an H.264 and an Ogg Opus file are recorded bit for bit', async (t) => {
    const {found, documents} = await published(server.url, 'both', ['--opus', audio.path, '--ca', server.ca], true, t);
    gapless(found.audio);
    assert.ok(Math.abs(found.audio.to - found.video.to) <= 100, `audio ends at ${found.audio.to}, video at ${found.video.to}`);
    const measured = await measureAll({server, kvs, name: 'both', documents, folder: join(folder, 'outputs')});
    for (const kind of OUTPUTS) {
      await t.test(`each beep with its flash: ${kind}`, (t) => {
        if (measured[kind].error) throw measured[kind].error;
        t.diagnostic(together(measured[kind], {...measured.expected, ...RENDERED[kind], marks: 11}));
      });
    }
  });

  test('video only', async (t) => {
    await published(server.url, 'silent', ['--no-audio', '--ca', server.ca], false, t);
  });

  test('intra refresh: no IDR picture, recording begins at a recovery point', async (t) => {
    const {documents} = await published(server.url, 'refresh', ['--no-audio', '--ca', server.ca], false, t, await makeIntraRefresh(folder), [1, 6, 7, 8, 9]);
    assert.ok(documents.length >= 5, `recovery points cut fragments of 2 s: ${documents.length} of 12 s`);
  });

  test('bit for bit through 5 % loss, 50 +- 20 ms delay and 1 % duplicates', async (t) => {
    const relay = await Relay.start(server, {impairment: harsh, seed: 5, folder});
    try {
      const {found} = await published(relay.url, 'impaired', ['--opus', audio.path, '--ca', relay.ca], true, t);
      const {lost, in: passed} = await relay.counts();
      t.diagnostic(`${lost} of ${passed} packets lost on the way`);
      assert.ok(passed > 1000 && lost > passed * 0.03, `only ${passed} packets went through the proxy`);
      gapless(found.audio);
    } finally {
      await relay.stop();
    }
  });
});

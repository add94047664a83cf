// SPDX-License-Identifier: Apache-2.0
// lane: media
// Clients that may use nothing but a relay, through coturn with the credentials that GetIceServerConfig hands out.
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {after, before, describe, test} from 'node:test';
import {Browser} from './lib/browser.mjs';
import {Coturn} from './lib/coturn.mjs';
import {Kvs} from './lib/kvs.mjs';
import {scratch} from './lib/media_files.mjs';
import {judgeVisit, visit} from './lib/p2p.mjs';
import {decodeDocuments, examine} from './lib/recording.mjs';
import {credentials, region, Server} from './lib/server.mjs';

const secret = 'a secret that only the two servers know';

describe('through coturn alone', () => {
  const folder = scratch('turn');
  let browser, turn, server, kvs;
  before(async () => {
    [browser, turn] = await Promise.all([Browser.start(), Coturn.start(secret)]);
    server = await Server.start({args: ['--turn-uri', turn.uri, '--turn-secret', secret]});
    kvs = new Kvs(server.url);
  });
  after(async () => {
    await browser?.stop();
    await server?.stop();
    await turn?.stop();
    rmSync(folder, {recursive: true});
  });

  test('browser to browser', async (t) => {
    const {master, viewer} = await visit(browser, kvs, {name: 'p2p', seconds: 3, policy: 'relay'});
    judgeVisit(t, master, viewer, 3);
    for (const {pair} of [master, viewer]) {
      assert.equal(pair.local.candidateType, 'relay');
      assert.equal(pair.remote.candidateType, 'relay');
    }
    // The master's allocation sends to the viewer's, which receives: every byte the viewer got was in both.
    const relayed = await turn.relayed({toPeers: viewer.pair.received, fromPeers: viewer.pair.received});
    t.diagnostic(`coturn passed on ${JSON.stringify(relayed)} bytes`);
  });

  test('a master that is forced to relay is recorded by a storage session', async (t) => {
    const seconds = 5;
    const before = (await turn.relayed({})).toPeers;
    const sent = await browser.call('publish', {config: {endpoint: server.url, region, credentials}, name: 'relayed', seconds, withAudio: true, policy: 'relay'});
    assert.deepEqual(sent.statuses, []);
    assert.equal(sent.pair.local.candidateType, 'relay');
    assert.ok(sent.pair.remote.port >= server.mediaPort && sent.pair.remote.port < server.mediaPort + 8, JSON.stringify(sent.pair.remote));
    await kvs.untilFragments('relayed', (found) => found.reduce((sum, each) => sum + each.FragmentLengthInMilliseconds, 0) > (seconds - 1) * 1000);
    const documents = await kvs.documents('relayed');
    const {video, audio} = examine(documents, {withAudio: true});
    const {toPeers} = await turn.relayed({toPeers: before + sent.video.bytesSent});
    t.diagnostic(`${sent.framesSent} frames sent, ${video.count} stored in ${documents.length} fragments; ${sent.pair.sent} bytes by ${JSON.stringify(sent.pair.local)}, ` +
      `coturn passed on ${toPeers - before}`);
    assert.ok(sent.framesSent > 8 * seconds, `the browser sent only ${sent.framesSent} frames`);
    assert.ok(video.count >= sent.framesSent - 3, `${video.count} of ${sent.framesSent} frames are stored`);
    assert.ok(Math.abs(audio.to - video.to) <= 150, `audio ends at ${audio.to}, video at ${video.to}`);
    await decodeDocuments(documents, folder);
  });
});

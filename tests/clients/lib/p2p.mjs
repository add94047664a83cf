// SPDX-License-Identifier: Apache-2.0
// One viewer's visit to one master, each in a page of its own, on a channel without media storage.
import assert from 'node:assert/strict';

/** policy: RTCPeerConnection's iceTransportPolicy at both ends. */
export async function visit(browser, kvs, {name, seconds, policy}) {
  const {ChannelARN: channelARN} = await kvs.call('CreateSignalingChannel', {ChannelName: name});
  const {endpoint, region, credentials} = kvs.config;
  const job = {config: {endpoint, region, credentials}, channelARN, policy, seconds};
  const [master, viewer] = await Promise.all([browser.call('p2pMaster', job), browser.call('p2pViewer', {...job, clientId: 'guest-1'})]);
  return {master, viewer};
}

/** The fake camera sends about 20 pictures a second and a beep each second; a busy machine may show fewer. */
export function judgeVisit(t, master, viewer, seconds) {
  t.diagnostic(`${master.framesSent} frames sent, ${viewer.frames} decoded, ${viewer.shown} shown, played ${viewer.played.toFixed(2)} s, ` +
    `${viewer.pair.received} bytes by ${JSON.stringify(viewer.pair.local)} from ${JSON.stringify(viewer.pair.remote)}`);
  assert.equal(master.clientId, 'guest-1');
  assert.equal(master.heard, 'done');
  assert.deepEqual(viewer.size, [640, 480]);
  assert.ok(viewer.frames >= 8 * seconds, `${viewer.frames} pictures decoded`);
  assert.ok(viewer.frames <= master.framesSent, `${viewer.frames} decoded of ${master.framesSent}`);
  assert.ok(viewer.shown >= 8 * seconds, `${viewer.shown} pictures shown`);
  assert.ok(viewer.played >= seconds - 1, `played ${viewer.played} s`);
  assert.ok(viewer.audioEnergy > 0, 'no sound was heard');
}

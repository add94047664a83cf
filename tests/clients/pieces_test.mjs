// SPDX-License-Identifier: Apache-2.0
// The tests' own tools, proved before they judge the server.
import assert from 'node:assert/strict';
import {createSocket} from 'node:dgram';
import {once} from 'node:events';
import {readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {judgeFlat, slopeOf} from '../../bench/soak/slope.mjs';
import {accessUnits, firstDifference, nalType, readAnnexB, readAvcc} from './lib/annexb.mjs';
import {applyDelta, checkPlaylist, checkReload, readPlaylist} from './lib/hls_rules.mjs';
import {harsh, ImpairmentProxy} from './lib/impairment.mjs';
import {blocksOf, readMatroska} from './lib/matroska.mjs';
import {makeH264, makeOpus, readOgg, scratch} from './lib/media_files.mjs';
import {mustRun} from './lib/programs.mjs';
import {sha256, signature} from './lib/sigv4.mjs';

const vectors = new URL('../vectors/', import.meta.url);
const captured = (name) => JSON.parse(readFileSync(new URL(name, vectors)));

/** Recomputes a captured request's signature from its parts; `change` may alter the request first. */
function recompute(request, change = () => {}) {
  const copy = structuredClone(request);
  change(copy);
  const header = (name) => request.headers.find(([n]) => n.toLowerCase() === name)?.[1];
  const query = new URLSearchParams(request.target.split('?')[1]);
  const authorization = header('authorization') ?? '';
  const inQuery = query.has('X-Amz-Signature');
  const [, given] = inQuery ? [null, query.get('X-Amz-Signature')] : authorization.match(/Signature=(\w+)/);
  const signed = (inQuery ? query.get('X-Amz-SignedHeaders') : authorization.match(/SignedHeaders=([^,]+)/)[1]).split(';');
  const date = inQuery ? query.get('X-Amz-Date') : header('x-amz-date');
  const region = (inQuery ? query.get('X-Amz-Credential') : authorization.match(/Credential=([^,]+)/)[1]).split('/')[2];
  const payloadHash = sha256(inQuery || request.payload_hash === 'sha256("")' ? '' : copy.body);
  return {given, computed: signature({method: copy.method, target: copy.target, headers: copy.headers, signed, payloadHash, secret: 'secret', date, region})};
}

describe('signer', () => {
  const requests = ['webrtc-sdk-c-master.json', 'webrtc-sdk-js-page-viewer.json']
    .flatMap((name) => captured(name).filter((entry) => entry.method && /Signature=/.test(JSON.stringify(entry))).map((entry) => ({name, entry})));
  test('recomputes every captured signature', () => {
    assert.ok(requests.length >= 8, `${requests.length} signed requests`);
    for (const {name, entry} of requests) {
      const {given, computed} = recompute(entry);
      assert.equal(computed, given, `${name} ${entry.target.slice(0, 60)}`);
    }
  });
  test('a changed host no longer matches', () => {
    for (const {entry} of requests) {
      const {given, computed} = recompute(entry, (copy) => {
        copy.headers = copy.headers.map(([n, v]) => (n.toLowerCase() === 'host' ? [n, `${v}x`] : [n, v]));
      });
      assert.notEqual(computed, given);
    }
  });
});

describe('media readers', () => {
  const folder = scratch('pieces');
  let video;
  before(async () => {
    video = await makeH264(folder, {seconds: 3});
  });
  after(() => rmSync(folder, {recursive: true}));

  test('the Annex-B reader finds AUD, SEI, parameter sets and slices of every picture', () => {
    const units = readAnnexB(video.bytes);
    const pictures = accessUnits(units);
    assert.equal(pictures.length, video.frames);
    for (const [index, picture] of pictures.entries()) {
      const types = picture.map(nalType);
      assert.equal(types[0], 9, `picture ${index} starts with an access unit delimiter`);
      assert.equal(types.filter((type) => type === 1 || type === 5).length, 3, `slices of picture ${index}`);
    }
    assert.deepEqual(pictures[0].map(nalType).slice(0, 4), [9, 7, 8, 6]);
  });

  test('the Matroska reader returns the same NAL units from ffmpeg\'s own file', async () => {
    const file = join(folder, 'copy.mkv');
    await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-r', '30', '-i', video.path, '-c', 'copy', file]);
    const [document] = readMatroska(readFileSync(file));
    assert.equal(document.tracks[0].codec, 'V_MPEG4/ISO/AVC');
    const blocks = blocksOf([document], 'V_MPEG4/ISO/AVC');
    assert.equal(blocks.length, video.frames);
    assert.ok(blocks[0].key && !blocks[1].key);
    assert.equal(firstDifference(readAnnexB(video.bytes), blocks.flatMap((block) => readAvcc(block.payload))), null);
  });

  test('a single changed bit, a missing and an additional unit are found', () => {
    const units = readAnnexB(video.bytes);
    const changed = [...units];
    changed[17] = Buffer.from(units[17]);
    changed[17][5] ^= 1;
    assert.match(firstDifference(units, changed), /unit 17 /);
    assert.match(firstDifference(units, units.slice(0, -1)), /missing at the end/);
    assert.match(firstDifference(units, [...units, units[0]]), /too many/);
  });

  test('the Matroska reader reads the captured PutMedia body', () => {
    const documents = readMatroska(readFileSync(new URL('kvssink-putmedia-body.mkv', vectors)));
    const blocks = blocksOf(documents, 'V_MPEG4/ISO/AVC');
    assert.ok(blocks.length > 200, `${blocks.length} blocks`);
    for (const block of blocks) assert.ok(readAvcc(block.payload).length > 0);
  });

  test('the Ogg reader counts Opus packets', async () => {
    const audio = await makeOpus(folder, {seconds: 2});
    const packets = readOgg(readFileSync(audio.path));
    assert.equal(packets[0].toString('latin1', 0, 8), 'OpusHead');
    assert.ok(Math.abs(packets.length - 2 - 100) <= 1, `${packets.length - 2} packets in 2 s`);
  });
});

test('the impairment proxy loses, delays and repeats about as told, by its seed', {timeout: 60000}, async (t) => {
  const echo = createSocket({type: 'udp4', recvBufferSize: 4 << 20});
  echo.bind(0, '127.0.0.1');
  await once(echo, 'listening');
  const delays = [];
  echo.on('message', (packet) => delays.push(performance.now() - packet.readDoubleBE()));
  const proxy = await new ImpairmentProxy({address: '127.0.0.1', port: echo.address().port}, harsh, 7).start();
  const sender = createSocket('udp4');
  t.after(() => {
    for (const socket of [sender, echo]) socket.close();
    proxy.stop();
  });
  for (let i = 0; i < 4000; i++) {
    const packet = Buffer.alloc(100);
    packet.writeDoubleBE(performance.now());
    sender.send(packet, proxy.port, '127.0.0.1');
    if (i % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  for (let quiet = 0; quiet < 5; quiet++) {
    if (proxy.counts.in < 4000 || proxy.timers.size > 0) quiet = -1;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const {lost, repeated} = proxy.counts;
  assert.equal(proxy.counts.in, 4000);
  assert.ok(lost > 140 && lost < 260, `${lost} lost`);
  assert.ok(repeated > 20 && repeated < 70, `${repeated} repeated`);
  assert.equal(delays.length, 4000 - lost + repeated);
  delays.sort((a, b) => a - b);
  assert.ok(delays[0] >= 29, `delay from ${delays[0]}, median ${delays[delays.length >> 1]}`);
});

describe('rules of HLS playlists', () => {
  const good = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,HOLD-BACK=6,PART-HOLD-BACK=0.75
#EXT-X-PART-INF:PART-TARGET=0.25
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init"
#EXTINF:2.400000,
s7
#EXT-X-DISCONTINUITY
#EXT-X-PART:DURATION=0.25,URI="s8p0",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.24,URI="s8p1"
#EXT-X-PART:DURATION=0.1,URI="s8p2"
#EXTINF:0.590000,
s8
#EXT-X-PART:DURATION=0.25,URI="s9p0",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="s9p1"
`;
  const next = good.replace('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="s9p1"', '#EXT-X-PART:DURATION=0.25,URI="s9p1"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="s9p2"');
  const lines = (...changes) => changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from);
    return text.replace(from, to);
  }, good);

  test('a playlist that keeps them is read as it is', () => {
    const list = readPlaylist(good);
    assert.deepEqual(checkPlaylist(list), []);
    assert.deepEqual(list.segments.map(({uri, msn, era, map, parts}) => [uri, msn, era, map, parts.length]), [['s7', 7, 3, 'init', 0], ['s8', 8, 4, 'init', 3]]);
    assert.deepEqual([list.parts.length, list.hint, list.lastMsn], [1, 's9p1', 8]);
    assert.deepEqual(checkReload(list, readPlaylist(next)), []);
  });

  const broken = {
    'a segment above the target': ['2.400000', '2.500000'], 'no map': ['#EXT-X-MAP:URI="init"\n', ''], 'a tag twice': ['#EXT-X-VERSION:9', '#EXT-X-VERSION:9\n#EXT-X-VERSION:9'],
    'a long part': ['DURATION=0.24', 'DURATION=0.26'], 'a short part': ['DURATION=0.24', 'DURATION=0.21'], 'parts that are not the segment': ['0.590000', '0.690000'],
    'a short hold back': ['PART-HOLD-BACK=0.75', 'PART-HOLD-BACK=0.7'], 'no part target': ['#EXT-X-PART-INF:PART-TARGET=0.25\n', ''], 'a near skip boundary': ['CAN-SKIP-UNTIL=12', 'CAN-SKIP-UNTIL=11'],
    'a dependent first part': [',INDEPENDENT=YES', ''], 'no EXTINF': ['#EXTINF:0.590000,\n', ''], 'a version that is too low': ['#EXT-X-VERSION:9', '#EXT-X-VERSION:5'],
    'a delta update that leaves out too much': ['#EXT-X-MAP', '#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-MAP'],
  };
  for (const [name, change] of Object.entries(broken)) test(`finds ${name}`, () => assert.ok(checkPlaylist(readPlaylist(lines(change))).length > 0));

  const reloads = {
    'another target': ['TARGETDURATION:2', 'TARGETDURATION:3'], 'a sequence that goes back': ['MEDIA-SEQUENCE:7', 'MEDIA-SEQUENCE:6'], 'a discontinuity that is counted again': ['DISCONTINUITY-SEQUENCE:3', 'DISCONTINUITY-SEQUENCE:4'],
    'a segment with another address': ['\ns8\n', '\ns8b\n'], 'another part': ['URI="s9p0"', 'URI="s9x"'], 'another duration': ['2.400000', '2.300000'], 'a hint that was wrong': ['#EXT-X-PRELOAD', '#EXT-X-PART:DURATION=0.25,URI="other"\n#EXT-X-PRELOAD'],
    'an end that goes back': ['#EXT-X-PART:DURATION=0.25,URI="s9p0",INDEPENDENT=YES\n', ''],
  };
  for (const [name, change] of Object.entries(reloads)) test(`finds ${name} in a reload`, () => assert.ok(checkReload(readPlaylist(good), readPlaylist(lines(change))).length > 0));

  test('a delta update stands for what it leaves out', () => {
    const before = readPlaylist(good);
    const delta = readPlaylist(next.replace('#EXT-X-MAP:URI="init"\n#EXTINF:2.400000,\ns7\n', '#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-MAP:URI="init"\n'));
    const full = applyDelta(before, delta);
    assert.deepEqual(full.segments, readPlaylist(next).segments);
    assert.deepEqual(checkReload(before, full), []);
    assert.throws(() => applyDelta(readPlaylist(good.replace('MEDIA-SEQUENCE:7', 'MEDIA-SEQUENCE:9')), delta));
  });
});

describe('whether something is flat', () => {
  const over = (value) => Array.from({length: 100}, (_, i) => ({at: i * 2, value: value(i * 2)}));

  test('the slope is found, whatever a few outliers say', () => {
    assert.equal(slopeOf(over((at) => 7 + 3 * at)), 3);
    assert.equal(slopeOf(over((at) => (at % 50 === 0 ? 1e9 : 7 + 3 * at))), 3);
    assert.equal(slopeOf([]), 0);
  });

  test('a saw is flat, a leak on top of it is not', () => {
    const saw = (at) => 1e6 + (at % 30) * 1e4;
    assert.equal(judgeFlat(over(saw), 4e4).holds, true);
    assert.equal(judgeFlat(over((at) => saw(at) + at * 500), 4e4).holds, false);
    assert.equal(judgeFlat(over((at) => saw(at) - at * 500), 4e4).holds, true);
    assert.equal(judgeFlat(over((at) => saw(at) - at * 500), 4e4, {falls: true}).holds, false);
  });

  test('what was hardly looked at is not flat', () => assert.equal(judgeFlat([], 10).holds, false));
});

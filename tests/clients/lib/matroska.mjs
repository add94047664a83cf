// SPDX-License-Identifier: Apache-2.0
// An independent reader of Matroska (RFC 9559), enough for what GetMedia sends: concatenated documents with known or unknown sizes.

const EBML = 0x1a45dfa3, SEGMENT = 0x18538067, INFO = 0x1549a966, TRACKS = 0x1654ae6b, CLUSTER = 0x1f43b675, TAGS = 0x1254c367;
const SEEK_HEAD = 0x114d9b74, CUES = 0x1c53bb6b, ATTACHMENTS = 0x1941a469, CHAPTERS = 0x1043a770;
const TOP = new Set([EBML, SEGMENT]);
const LEVEL_1 = new Set([INFO, TRACKS, CLUSTER, TAGS, SEEK_HEAD, CUES, ATTACHMENTS, CHAPTERS]);

function vint(bytes, at, keepMarker) {
  const first = bytes[at];
  if (first === undefined || first === 0) return null;
  const length = Math.clz32(first) - 23;
  if (at + length > bytes.length) return null;
  let value = keepMarker ? BigInt(first) : BigInt(first & (0xff >> length));
  let allOnes = (first | (0xff << (8 - length)) & 0xff) === 0xff;
  for (let i = 1; i < length; i++) {
    value = (value << 8n) | BigInt(bytes[at + i]);
    allOnes &&= bytes[at + i] === 0xff;
  }
  return {value: Number(value), length, unknown: !keepMarker && allOnes};
}

function header(bytes, at) {
  const id = vint(bytes, at, true);
  const size = id && vint(bytes, at + id.length, false);
  return size && {id: id.value, start: at + id.length + size.length, size: size.value, unknown: size.unknown};
}

/** The elements of a master element with known bounds. */
function* children(bytes, start, end) {
  for (let at = start; at < end;) {
    const element = header(bytes, at);
    if (!element || element.unknown || element.start + element.size > end) throw new Error(`broken element at ${at}`);
    yield {id: element.id, bytes: bytes.subarray(element.start, element.start + element.size)};
    at = element.start + element.size;
  }
}

const unsigned = (bytes) => [...bytes].reduce((value, byte) => value * 256 + byte, 0);
const text = (bytes) => bytes.toString('utf8').replace(/\0+$/, '');
const real = (bytes) => (bytes.length === 4 ? bytes.readFloatBE() : bytes.length === 8 ? bytes.readDoubleBE() : 0);

function readTrack(bytes) {
  const track = {};
  for (const child of children(bytes, 0, bytes.length)) {
    if (child.id === 0xd7) track.number = unsigned(child.bytes);
    if (child.id === 0x83) track.type = unsigned(child.bytes);
    if (child.id === 0x86) track.codec = text(child.bytes);
    if (child.id === 0x63a2) track.codecPrivate = child.bytes;
    if (child.id === 0x536e) track.name = text(child.bytes);
    for (const inner of child.id === 0xe0 || child.id === 0xe1 ? children(child.bytes, 0, child.bytes.length) : []) {
      if (inner.id === 0xb0) track.width = unsigned(inner.bytes);
      if (inner.id === 0xba) track.height = unsigned(inner.bytes);
      if (inner.id === 0xb5) track.sampleRate = real(inner.bytes);
      if (inner.id === 0x9f) track.channels = unsigned(inner.bytes);
    }
  }
  return track;
}

function readTags(bytes, tags) {
  for (const tag of children(bytes, 0, bytes.length)) {
    for (const simple of tag.id === 0x7373 ? children(tag.bytes, 0, tag.bytes.length) : []) {
      if (simple.id !== 0x67c8) continue;
      const parts = Object.fromEntries([...children(simple.bytes, 0, simple.bytes.length)].map((c) => [c.id, c.bytes]));
      tags[text(parts[0x45a3])] = parts[0x4487] === undefined ? '' : text(parts[0x4487]);
    }
  }
}

function readBlock(bytes, clusterTime, keyFrame) {
  const track = vint(bytes, 0, false);
  const at = track.length;
  if ((bytes[at + 2] & 0x06) !== 0) throw new Error('laced block');
  const key = keyFrame ?? (bytes[at + 2] & 0x80) !== 0;
  return {track: track.value, ticks: clusterTime + bytes.readInt16BE(at), key, payload: bytes.subarray(at + 3)};
}

function readClusterChild(element, document) {
  if (element.id === 0xe7) document.clusterTime = unsigned(element.bytes);
  if (element.id === 0xa3) document.blocks.push(readBlock(element.bytes, document.clusterTime));
  if (element.id !== 0xa0) return;
  const parts = [...children(element.bytes, 0, element.bytes.length)];
  const block = parts.find((part) => part.id === 0xa1);
  document.blocks.push(readBlock(block.bytes, document.clusterTime, !parts.some((part) => part.id === 0xfb)));
}

/** The documents in `bytes`: [{bytes, tracks, tags, blocks: [{track, ms, key, payload}], timescale}]. Throws on anything broken;
 * a last document cut short is returned only up to its last whole element, with `complete` false. */
export function readMatroska(bytes) {
  const documents = [];
  let document = null;
  let at = 0;
  while (at < bytes.length) {
    const element = header(bytes, at);
    const end = element && element.start + (element.unknown || element.id === SEGMENT ? 0 : element.size);
    if (!element || end > bytes.length) {
      if (document) document.complete = false;
      break;
    }
    if (element.id === EBML) {
      document = {from: at, tracks: [], tags: {}, blocks: [], timescale: 1000000, complete: true, clusterTime: 0};
      documents.push(document);
    } else if (!document) {
      throw new Error(`no EBML header at ${at}`);
    }
    if (element.id === SEGMENT || (element.id === CLUSTER && element.unknown)) {
      at = element.start; // its children follow
      continue;
    }
    if (element.unknown) throw new Error(`element ${element.id.toString(16)} of unknown size at ${at}`);
    const body = bytes.subarray(element.start, end);
    if (element.id === INFO) for (const c of children(body, 0, body.length)) if (c.id === 0x2ad7b1) document.timescale = unsigned(c.bytes);
    if (element.id === TRACKS) for (const c of children(body, 0, body.length)) if (c.id === 0xae) document.tracks.push(readTrack(c.bytes));
    if (element.id === TAGS) readTags(body, document.tags);
    if (element.id === CLUSTER) for (const c of children(body, 0, body.length)) readClusterChild(c, document);
    if (!TOP.has(element.id) && !LEVEL_1.has(element.id)) readClusterChild({id: element.id, bytes: body}, document);
    document.to = at = end;
  }
  for (const each of documents) {
    each.bytes = bytes.subarray(each.from, each.to);
    for (const block of each.blocks) block.ms = (block.ticks * each.timescale) / 1e6;
  }
  return documents;
}

/** Blocks of one codec over all documents, in order, with the document they came from. */
export function blocksOf(documents, codec) {
  return documents.flatMap((document) => {
    const numbers = new Set(document.tracks.filter((track) => track.codec === codec).map((track) => track.number));
    return document.blocks.filter((block) => numbers.has(block.track)).map((block) => ({...block, document}));
  });
}

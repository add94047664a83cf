// SPDX-License-Identifier: Apache-2.0
// What must hold of every recording, as GetMedia hands it out.
import assert from 'node:assert/strict';
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {readAvcc} from './annexb.mjs';
import {blocksOf} from './matroska.mjs';
import {decodeAll} from './programs.mjs';

export const AVC = 'V_MPEG4/ISO/AVC';
export const AAC = 'A_AAC';

/** Producer time of a block in milliseconds: the document's time stamp is that of its first picture. */
function producerMs(block) {
  const video = blocksOf([block.document], AVC)[0] ?? block.document.blocks[0];
  return Number(block.document.tags.AWS_KINESISVIDEO_PRODUCER_TIMESTAMP) * 1000 + block.ms - video.ms;
}

const aacFrameMs = (document) => {
  const track = document.tracks.find((each) => each.codec === AAC);
  return (1024 / (track?.sampleRate || 48000)) * 1000;
};

/** Shape of every document and order of the whole; {video, audio} with {count, from, to, units|…} in producer milliseconds. */
export function examine(documents, {withAudio}) {
  assert.ok(documents.length > 0, 'nothing was recorded');
  let lastNumber = '';
  for (const document of documents) {
    assert.ok(document.complete, 'a document is cut short');
    const number = document.tags.AWS_KINESISVIDEO_FRAGMENT_NUMBER;
    assert.match(number, /^91343852333\d{36}$/);
    assert.ok(number > lastNumber, 'fragment numbers rise');
    lastNumber = number;
    assert.match(document.tags.AWS_KINESISVIDEO_SERVER_TIMESTAMP, /^\d{10}\.\d{3}$/);
    assert.match(document.tags.AWS_KINESISVIDEO_PRODUCER_TIMESTAMP, /^\d{10}\.\d{3}$/);
    assert.equal(document.tags.AWS_KINESISVIDEO_CONTINUATION_TOKEN, number);
    const codecs = document.tracks.map((track) => track.codec).sort();
    assert.deepEqual(codecs, withAudio ? [AAC, AVC] : [AVC]);
    const first = blocksOf([document], AVC)[0];
    assert.ok(first?.key, 'a fragment starts with a key frame');
    assert.ok(document.tracks.every((track) => track.codecPrivate?.length > 0), 'every track has its codec private bytes');
  }
  const video = blocksOf(documents, AVC).map((block) => ({...block, at: producerMs(block)}));
  const audio = blocksOf(documents, AAC).map((block) => ({...block, at: producerMs(block)}));
  for (const track of [video, audio]) {
    for (let i = 1; i < track.length; i++) assert.ok(track[i].at >= track[i - 1].at - 1, `time runs back at block ${i}: ${track[i - 1].at} ${track[i].at}`);
  }
  const frameMs = (video.at(-1).at - video[0].at) / Math.max(1, video.length - 1);
  return {
    video: {count: video.length, from: video[0].at, to: video.at(-1).at + frameMs, lastAt: video.at(-1).at, units: video.flatMap((block) => readAvcc(block.payload))},
    audio: audio.length ? {count: audio.length, from: audio[0].at, to: audio.at(-1).at + aacFrameMs(documents.at(-1)), blocks: audio} : null,
  };
}

/** No hole or overlap of more than `tolerance` ms between neighbouring AAC frames. */
export function gapless(audio, tolerance = 2) {
  const step = 1024 / 48;
  audio.blocks.slice(1).forEach((block, i) => {
    const distance = block.at - audio.blocks[i].at;
    assert.ok(Math.abs(distance - step) <= tolerance, `${distance} ms between AAC frames ${i} and ${i + 1}`);
  });
}

/** Every fragment by itself, then all of them in a row, decoded without a fault. */
export async function decodeDocuments(documents, folder) {
  for (const [index, document] of documents.entries()) {
    const file = join(folder, `fragment-${index}.mkv`);
    writeFileSync(file, document.bytes);
    await decodeAll(file);
    rmSync(file);
  }
}

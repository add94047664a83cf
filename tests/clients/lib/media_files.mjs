// SPDX-License-Identifier: Apache-2.0
// Test media made by ffmpeg: real x264 and libopus output, the same bytes every time on one machine.
import {mkdtempSync, readFileSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {nalType, readAnnexB} from './annexb.mjs';
import {beep, flash} from './marks.mjs';
import {mustRun} from './programs.mjs';

/** A folder that is left behind only when a test crashes. */
export const scratch = (name) => mkdtempSync(join(tmpdir(), `tidegate-${name}-`));

/** Annex-B file that flashes each second: AUD, SEI and parameter sets before each key frame, `slices` slices a picture, a key frame each second. */
export async function makeH264(folder, {seconds = 12, fps = 30, size = '640x360', bitrate = '900k', slices = 3, keyFrames = fps, name = 'video.h264'} = {}) {
  const path = join(folder, name);
  const params = `keyint=${keyFrames}:min-keyint=${keyFrames}:scenecut=0:slices=${slices}:aud=1:repeat-headers=1:bframes=0:force-cfr=1:threads=1:sliced-threads=0`;
  await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${fps}:duration=${seconds},${flash}`,
    '-c:v', 'libx264', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p', '-preset', 'veryfast', '-tune', 'zerolatency',
    '-b:v', bitrate, '-maxrate', bitrate, '-bufsize', bitrate, '-x264-params', params, '-f', 'h264', path]);
  return {path, bytes: readFileSync(path), frames: seconds * fps, seconds, fps};
}

/** Annex-B file without any IDR picture: columns of intra blocks wander through the picture, a recovery point each second. */
export async function makeIntraRefresh(folder, {seconds = 12, fps = 30, size = '640x360', name = 'refresh.h264'} = {}) {
  const path = join(folder, name);
  await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${fps}:duration=${seconds + 1}`,
    '-c:v', 'libx264', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p', '-preset', 'veryfast', '-b:v', '900k',
    '-x264-params', `intra-refresh=1:keyint=${fps}:scenecut=0:bframes=0:aud=1:repeat-headers=1:force-cfr=1:threads=1`, '-f', 'h264', path]);
  // x264 begins with an IDR picture all the same: the first second goes, up to the AUD before the second SPS.
  const units = readAnnexB(readFileSync(path));
  const second = units.findIndex((unit, i) => nalType(unit) === 7 && i > 2) - 1;
  writeFileSync(path, Buffer.concat(units.slice(second).flatMap((unit) => [Buffer.from([0, 0, 0, 1]), unit])));
  return {path, bytes: readFileSync(path), frames: seconds * fps, seconds, fps};
}

/** Ogg Opus file: a beep each second, when the picture of makeH264 flashes, 20 ms packets. */
export async function makeOpus(folder, {seconds = 12, channels = 2, name = 'audio.ogg'} = {}) {
  const path = join(folder, name);
  await mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi',
    '-i', `aevalsrc=${beep(2)}:s=48000:d=${seconds}`,
    '-ac', String(channels), '-c:a', 'libopus', '-b:a', '64k', '-frame_duration', '20', path]);
  return {path, seconds};
}

/** The packets of an Ogg file's only stream, headers included (RFC 3533). */
export function readOgg(bytes) {
  const packets = [];
  let part = [];
  for (let at = 0; at + 27 <= bytes.length;) {
    if (bytes.toString('latin1', at, at + 4) !== 'OggS') throw new Error(`no Ogg page at ${at}`);
    const count = bytes[at + 26];
    const lacing = bytes.subarray(at + 27, at + 27 + count);
    at += 27 + count;
    for (const length of lacing) {
      part.push(bytes.subarray(at, at + length));
      at += length;
      if (length === 255) continue;
      packets.push(Buffer.concat(part));
      part = [];
    }
  }
  return packets;
}

// SPDX-License-Identifier: Apache-2.0
// The media side of webrtc-sdk-c, played by our own peer: no header extensions, SRTP _32 offered before _80 and no AEAD,
// no RTX, deaf to key frame requests. `tidegate camera --answer-offer` reads an offer and writes an answer; the SDP that
// goes to the server is the captured answer of the real client with this peer's values put in.
import {spawn} from 'node:child_process';
import {binary} from './server.mjs';

const value = (sdp, name) => sdp.match(new RegExp(`^a=${name}:(.*)$`, 'm'))?.[1].trim();

const sections = (sdp) => sdp.split(/(?=^m=)/m);
const kindOf = (section) => section.match(/^m=(\w+)/)[1];
const codecOf = {audio: 'opus', video: 'H264'};
const payloadType = (section) => section.match(new RegExp(`^a=rtpmap:(\\d+) ${codecOf[kindOf(section)]}/`, 'm'))[1];
const firstSsrc = (section) => section.match(/^a=ssrc:(\d+)/m)?.[1];

/** One section as the real client wrote it, with our transport, payload type, mid and SSRC. */
function reshaped(theirs, ours) {
  const section = theirs
    .replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${value(ours, 'ice-ufrag')}`)
    .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${value(ours, 'ice-pwd')}`)
    .replace(/^a=mid:.*$/gm, `a=mid:${value(ours, 'mid')}`)
    .replace(/^a=candidate:.*\r?\n/gm, '')
    .replace(/^(m=.*) \d+$/m, `$1 ${payloadType(ours)}`)
    .replace(/^a=(rtpmap|rtcp-fb|fmtp):\d+ /gm, `a=$1:${payloadType(ours)} `);
  const mine = firstSsrc(ours);
  return mine ? section.replaceAll(`a=ssrc:${firstSsrc(theirs)} `, `a=ssrc:${mine} `) : section;
}

/** The captured answer's shape with another peer's values, in the order of that peer's sections; candidates apart. */
export function inCapturedShape(captured, ours) {
  const [head, ...theirs] = sections(captured);
  const [, ...mine] = sections(ours);
  const mids = mine.map((section) => value(section, 'mid')).join(' ');
  const fingerprint = value(ours, 'fingerprint');
  const sdp = [head.replace(/^a=group:BUNDLE .*$/m, `a=group:BUNDLE ${mids}`),
    ...mine.map((section) => reshaped(theirs.find((each) => kindOf(each) === kindOf(section)), section))].join('')
    .replace(/^a=fingerprint:.*$/gm, `a=fingerprint:${fingerprint}`);
  return {sdp, candidates: [...new Set(ours.match(/^a=candidate:.*$/gm) ?? [])].map((line) => line.trim())};
}

export class CPeer {
  constructor(args) {
    this.stderr = '';
    this.lines = [];
    this.waiting = null;
    this.process = spawn(binary, ['camera', '--answer-offer', '--imitate', 'webrtc-sdk-c', '--json', ...args], {stdio: ['pipe', 'pipe', 'pipe']});
    let rest = '';
    this.process.stdout.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      this.lines.push(...lines);
      this.waiting?.();
    });
    this.process.stderr.on('data', (text) => { this.stderr = (this.stderr + text).slice(-20000); });
    this.done = new Promise((resolve) => this.process.on('close', resolve));
    this.done.then(() => this.waiting?.());
    process.on('exit', () => this.process.kill('SIGKILL'));
  }

  /** {type: 'offer', sdp} -> {type: 'answer', sdp}; one line of JSON each way. */
  async answer(offer) {
    this.process.stdin.write(`${JSON.stringify(offer)}\n`);
    if (!this.lines.length) await new Promise((resolve) => { this.waiting = resolve; });
    if (!this.lines.length) throw new Error(`no answer from the peer\n${this.stderr}`);
    return JSON.parse(this.lines.shift());
  }

  async report(timeout = 60000) {
    const timer = setTimeout(() => this.process.kill('SIGKILL'), timeout);
    const code = await this.done;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`the peer ended with ${code}\n${this.stderr}`);
    return JSON.parse(this.lines.at(-1));
  }
}

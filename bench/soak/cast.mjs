// SPDX-License-Identifier: Apache-2.0
// Who takes part in a soak: cameras, viewers and talkers that stay, others that come and go, and what each of them says it did.
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera, Viewers} from '../../tests/clients/lib/camera.mjs';
import {Kvs} from '../../tests/clients/lib/kvs.mjs';

const picture = ['--width', '320', '--height', '180', '--picture-rate', '15', '--bitrate-kbps', '300'];

export class Cast {
  /** `browser`: one more talker, or null. `files`: {video, audio} whose flashes and beeps come together, for the hall. */
  constructor({server, browser, config, files, seconds}) {
    Object.assign(this, {server, browser, config, files, seconds});
    this.end = Date.now() + seconds * 1000;
    this.sent = {};  // by stream: pictures, sound packets, and those of each talker
    this.failures = [];
    this.visits = 0;
  }

  note(stream, what, count) {
    this.sent[stream] ??= {pictures: 0, sound: 0, talkers: {}};
    if (what in this.sent[stream]) this.sent[stream][what] += count;
    else this.sent[stream].talkers[what] = (this.sent[stream].talkers[what] ?? 0) + count;
  }

  async camera(name, seconds, args) {
    const camera = Camera.start(this.server.url, ['--channel', name, '--stream', name, '--create', '--ca', this.server.ca, '--duration', String(seconds), '--quiet', ...args]);
    const report = await camera.report((seconds + 60) * 1000).catch((error) => { this.failures.push(`camera ${name}: ${error.message}`); });
    if (!report) return;
    const [one] = report.cameras;
    this.note(name, 'pictures', one.video_frames);
    this.note(name, 'sound', one.audio_frames);
    if (one.error || one.joins !== 1) this.failures.push(`camera ${name}: ${one.joins} joins, ${one.error}`);
  }

  async viewers(channel, clientId, seconds, args) {
    const viewers = Viewers.start(this.server.url, ['--channel', channel, '--client-id', clientId, '--ca', this.server.ca, '--duration', String(seconds), '--quiet', ...args]);
    const report = await viewers.report((seconds + 60) * 1000).catch((error) => { this.failures.push(`viewer ${clientId}: ${error.message}`); });
    for (const one of report?.viewers ?? []) {
      if (one.audio_packets_sent) this.note(channel, one.client_id, one.audio_packets_sent);
      if (one.packets_lost || one.frames_dropped || one.joins !== 1) this.failures.push(`viewer ${one.client_id}: ${JSON.stringify(one)}`);
    }
    return report;
  }

  /** Comes for `stay` seconds, goes, comes again, until the end is near. */
  async comeAndGo(stay, away, visit) {
    while (Date.now() + (stay + 5) * 1000 < this.end) {
      await visit(stay);
      this.visits++;
      await sleep(away * 1000);
    }
  }

  /** The cameras stay a little longer than who watches them. Everybody's reports, once all have left. */
  async play(channelArn) {
    const cameras = [
      this.camera('hall', this.seconds, ['--h264', this.files.video, '--opus', this.files.audio, '--frame-rate', '15']),
      this.camera('yard', this.seconds, picture),
    ];
    await Promise.all([this.isRecorded('hall'), this.isRecorded('yard')]);
    const stay = Math.floor((this.end - Date.now()) / 1000 - 6);
    const [watchers, , , chromium] = await Promise.all([
      this.viewers('yard', 'watcher', stay, ['--viewers', '2']),
      this.viewers('hall', 'guest', stay, ['--viewers', '2']),
      Promise.all(['anna', 'ben'].map((name) => this.viewers('yard', name, stay, ['--talk']))),
      this.browser?.call('view', {config: this.config, channelArn, clientId: 'chromium', seconds: stay - 2, tone: 700}).catch((error) => { this.failures.push(`Chromium: ${error.message}`); }),
      this.comeAndGo(40, 3, (seconds) => this.camera('gate', seconds, picture)),
      this.comeAndGo(15, 5, (seconds) => this.viewers('yard', 'visitor', seconds, ['--talk'])),
    ]);
    await Promise.all(cameras);
    return {watchers: watchers?.all, chromium};
  }

  async isRecorded(name) {
    const kvs = new Kvs(this.server.url);
    await kvs.untilFragments(name, (all) => all.length > 0, 30000);
    kvs.close();
  }
}

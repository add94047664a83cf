// SPDX-License-Identifier: Apache-2.0
// Starts `tidegate camera` or `tidegate viewer` against a server or a relay in front of one.
import {spawn} from 'node:child_process';
import {setTimeout as sleep} from 'node:timers/promises';
import {binary, credentials, region} from './server.mjs';

export class Camera {
  static command = 'camera';

  /** Flags are those of the command; the last line of its output is the JSON report. `key`: the server's own, or another. */
  static start(endpoint, args, key = credentials) {
    const camera = new this();
    camera.stdout = '';
    camera.stderr = '';
    camera.process = spawn(binary, [this.command, '--endpoint', endpoint, '--region', region, '--access-key', key.accessKeyId,
      '--secret-key', key.secretAccessKey, '--json', ...args], {stdio: ['ignore', 'pipe', 'pipe']});
    camera.process.stdout.on('data', (text) => { camera.stdout += text; });
    camera.process.stderr.on('data', (text) => { camera.stderr = (camera.stderr + text).slice(-100000); });
    camera.done = new Promise((resolve) => camera.process.on('close', (code) => resolve(code)));
    const kill = () => camera.process.kill('SIGKILL');
    process.on('exit', kill);
    camera.done.then(() => process.off('exit', kill));
    return camera;
  }

  stop() {
    this.process.kill('SIGKILL');
    return this.done;
  }

  /** The report after a run that ended by itself with 0. */
  async report(timeout = 90000) {
    const timer = setTimeout(() => this.process.kill('SIGKILL'), timeout);
    const code = await this.done;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`tidegate ${this.constructor.command} ended with ${code}\n${this.stdout.slice(-3000)}${this.stderr.slice(-5000)}`);
    const last = this.stdout.trim().split('\n').at(-1);
    return JSON.parse(last);
  }
}

export class Viewers extends Camera {
  static command = 'viewer';

  /** Until its first line of progress says that it is connected. */
  async connected(timeout = 20000) {
    for (const end = Date.now() + timeout; !this.stderr.includes(': connected');) {
      if (Date.now() > end) throw new Error(`tidegate viewer did not connect:\n${this.stderr}`);
      await sleep(20);
    }
  }
}

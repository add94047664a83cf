// SPDX-License-Identifier: Apache-2.0
// Starts `tidegate camera` against a server or a relay in front of one.
import {spawn} from 'node:child_process';
import {binary, credentials, region} from './server.mjs';

export class Camera {
  /** Flags are those of `tidegate camera`; the last line of its output is the JSON report. */
  static start(endpoint, args) {
    const camera = new Camera();
    camera.stdout = '';
    camera.stderr = '';
    camera.process = spawn(binary, ['camera', '--endpoint', endpoint, '--region', region, '--access-key', credentials.accessKeyId,
      '--secret-key', credentials.secretAccessKey, '--json', ...args], {stdio: ['ignore', 'pipe', 'pipe']});
    camera.process.stdout.on('data', (text) => { camera.stdout += text; });
    camera.process.stderr.on('data', (text) => { camera.stderr = (camera.stderr + text).slice(-100000); });
    camera.done = new Promise((resolve) => camera.process.on('close', (code) => resolve(code)));
    process.on('exit', () => camera.process.kill('SIGKILL'));
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
    if (code !== 0) throw new Error(`tidegate camera ended with ${code}\n${this.stdout.slice(-3000)}${this.stderr.slice(-5000)}`);
    const last = this.stdout.trim().split('\n').at(-1);
    return JSON.parse(last);
  }
}

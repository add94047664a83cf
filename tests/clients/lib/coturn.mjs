// SPDX-License-Identifier: Apache-2.0
// A real TURN server for one test: Debian's coturn on loopback, with the shared secret of time-limited credentials.
import {spawn} from 'node:child_process';
import {createSocket} from 'node:dgram';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {scratch} from './media_files.mjs';
import {freePorts} from './server.mjs';

const bindable = (port) => new Promise((resolve) => {
  const socket = createSocket('udp4').once('error', () => resolve(false));
  socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
});

export class Coturn {
  static async start(secret) {
    const turn = new Coturn();
    turn.folder = scratch('coturn');
    turn.port = await freePorts(40, bindable);
    turn.uri = `turn:127.0.0.1:${turn.port}?transport=udp`;
    turn.output = '';
    // Relaying to loopback is what coturn refuses by default, since on a real host it would open local services.
    turn.process = spawn('turnserver', ['-n', '--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', `--listening-port=${turn.port}`,
      `--min-port=${turn.port + 1}`, `--max-port=${turn.port + 39}`, '--use-auth-secret', `--static-auth-secret=${secret}`, '--realm=test', '--allow-loopback-peers',
      '--no-tls', '--no-dtls', '--no-cli', '--fingerprint', '--verbose', '--log-file=stdout', '--simple-log',
      `--pidfile=${join(turn.folder, 'pid')}`, `--userdb=${join(turn.folder, 'db')}`], {stdio: ['ignore', 'pipe', 'pipe']});
    for (const pipe of [turn.process.stdout, turn.process.stderr]) pipe.on('data', (text) => { turn.output += text; });
    turn.ended = new Promise((resolve) => turn.process.on('exit', (code, signal) => resolve(turn.how = {code, signal})));
    process.on('exit', () => turn.process.kill('SIGKILL'));
    await turn.until(/UDP listener opened on/i, 10000);
    return turn;
  }

  async until(pattern, deadline) {
    for (const end = Date.now() + deadline; Date.now() < end; await sleep(50)) {
      if (pattern.test(this.output)) return;
      if (this.how) break;
    }
    throw new Error(`coturn did not say ${pattern} in ${deadline} ms\n${this.output.slice(-4000)}`);
  }

  /**
   * Bytes that coturn says it passed on to and from the peers of its allocations; it says so each 2048 packets and when an
   * allocation ends. Waits until it is at least so many.
   */
  async relayed({toPeers = 0, fromPeers = 0}, deadline = 5000) {
    for (const end = Date.now() + deadline; ; await sleep(100)) {
      const usage = [...this.output.matchAll(/peer usage: realm=<[^>]*>, username=<[^>]*>, rp=\d+, rb=(\d+), sp=\d+, sb=(\d+)/g)];
      const sum = usage.reduce((so, [, received, sent]) => ({fromPeers: so.fromPeers + Number(received), toPeers: so.toPeers + Number(sent)}), {fromPeers: 0, toPeers: 0});
      if (sum.toPeers >= toPeers && sum.fromPeers >= fromPeers) return sum;
      if (Date.now() > end) throw new Error(`coturn passed on ${JSON.stringify(sum)} bytes, not ${toPeers} and ${fromPeers}\n${this.output.slice(-3000)}`);
    }
  }

  async stop() {
    this.process.kill('SIGTERM');
    const ended = await Promise.race([this.ended, sleep(5000, null, {ref: false})]);
    if (!ended) this.process.kill('SIGKILL');
    rmSync(this.folder, {recursive: true, force: true});
  }
}

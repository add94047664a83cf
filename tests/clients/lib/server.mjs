// SPDX-License-Identifier: Apache-2.0
// A fresh `tidegate serve` for one test: free ports, its own data directory, stopped and removed afterwards.
import {spawn} from 'node:child_process';
import {createSocket} from 'node:dgram';
import {existsSync, readFileSync, rmSync} from 'node:fs';
import {createServer} from 'node:net';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {scratch} from './media_files.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
export const binary = process.env.TEST_BINARY ?? join(root, 'build/release/tidegate');
export const region = 'us-west-2';
export const accountId = '123456789012';
export const credentials = {accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secretsecretsecretsecretsecretsecret1234'};

const tcpFree = (port) => new Promise((resolve) => {
  const server = createServer().once('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
});
const udpFree = (port) => new Promise((resolve) => {
  const socket = createSocket('udp4').once('error', () => resolve(false));
  socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
});

/** The first of `count` neighbouring ports that are free, below the range the kernel hands out by itself. */
export async function freePorts(count, free = tcpFree) {
  for (;;) {
    const first = 11000 + Math.floor(Math.random() * 20000);
    const checks = await Promise.all(Array.from({length: count}, (_, i) => free(first + i)));
    if (checks.every(Boolean)) return first;
  }
}

export class Server {
  /**
   * options: dataDir (kept by its owner when given), args (additional flags), diskMegabytes (the data directory is a disk of
   * its own of that size, which only the server's mount namespace has: it goes with the server), mediaAddress.
   */
  static async start(options = {}) {
    const server = new Server();
    server.ownsData = !options.dataDir;
    server.dataDir = options.dataDir ?? scratch('server');
    server.httpPort = await freePorts(3);
    server.httpsPort = server.httpPort + 1;
    server.mediaTcpPort = server.httpPort + 2;
    server.mediaPort = await freePorts(8, udpFree);
    server.url = `http://127.0.0.1:${server.httpPort}`;
    server.ca = join(server.dataDir, 'tls/ca.pem');
    server.output = '';
    const disk = options.diskMegabytes;
    const mediaAddress = options.mediaAddress ?? '127.0.0.1';
    const mount = `mount -t tmpfs -o size=${disk}m tidegate "$0" && exec "$@"`;
    const wrapper = disk ? ['unshare', '--mount', 'sh', '-c', mount, server.dataDir] : [];
    server.command = [...wrapper, binary, 'serve', '--data-dir', server.dataDir, '--http-listen', `127.0.0.1:${server.httpPort}`,
      '--https-listen', `127.0.0.1:${server.httpsPort}`, '--media-listen', `${mediaAddress}:${server.mediaPort}`,
      '--media-tcp-listen', `${mediaAddress}:${server.mediaTcpPort}`,
      '--access-key', credentials.accessKeyId, '--secret-key', credentials.secretAccessKey,
      '--region', region, '--account-id', accountId, ...(options.args ?? [])];
    server.launch();
    process.on('exit', () => server.process.kill('SIGKILL'));
    if (disk) server.ca = `/proc/${server.process.pid}/root${server.ca}`;
    await server.untilHealthy(options.deadline ?? 20000);
    return server;
  }

  launch() {
    const [program, ...args] = this.command;
    this.how = undefined;
    this.process = spawn(program, args, {stdio: ['ignore', 'pipe', 'pipe']});
    for (const pipe of [this.process.stdout, this.process.stderr]) pipe.on('data', (text) => { this.output = (this.output + text).slice(-200000); });
    this.process.on('error', (error) => { this.output += String(error); });
    this.ended = new Promise((resolve) => this.process.on('exit', (code, signal) => resolve({code, signal})));
    this.ended.then((how) => { this.how = how; });
  }

  /** After kill(): the same once more, on the same ports and directory. */
  async startAgain(deadline = 20000) {
    this.launch();
    await this.untilHealthy(deadline);
  }

  async untilHealthy(deadline) {
    for (const end = Date.now() + deadline; Date.now() < end; await sleep(50)) {
      if (this.how) throw new Error(`the server ended with ${JSON.stringify(this.how)} at its start\n${this.output}`);
      const answer = await fetch(`${this.url}/healthz`).catch(() => null);
      await answer?.arrayBuffer();
      if (answer?.status === 200) return;
    }
    this.process.kill('SIGKILL');
    throw new Error(`the server was not healthy in ${deadline} ms\n${this.output}`);
  }

  caPem() {
    return readFileSync(this.ca);
  }

  /** Seconds of CPU the server has used. */
  cpuSeconds() {
    const fields = readFileSync(`/proc/${this.process.pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** name{labels} -> value */
  async metrics() {
    const body = await (await fetch(`${this.url}/metrics`)).text();
    return Object.fromEntries(body.split('\n').filter((line) => line && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  }

  alive() {
    return !this.how;
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  /** Ends by SIGTERM; an error when the server does not end by itself with 0. */
  async stop() {
    if (!this.how) this.process.kill('SIGTERM');
    const how = await Promise.race([this.ended, sleep(15000, 'late', {ref: false})]);
    if (how === 'late') await this.kill();
    if (this.ownsData && existsSync(this.dataDir)) rmSync(this.dataDir, {recursive: true, force: true});
    if (how === 'late') throw new Error(`the server did not end within 15 s of SIGTERM\n${this.output.slice(-3000)}`);
    if (how.code !== 0 && how.signal !== 'SIGKILL') throw new Error(`the server ended with ${JSON.stringify(how)}\n${this.output.slice(-6000)}`);
  }
}

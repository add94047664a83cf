// SPDX-License-Identifier: Apache-2.0
// A UDP proxy that loses, delays, reorders and repeats packets in both directions, by a seed.
import {createSocket} from 'node:dgram';
import {SentPictures} from './sent_pictures.mjs';

/** mulberry32: the same numbers for the same seed. */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const bound = (socket, port, address) => new Promise((resolve, reject) => {
  socket.once('error', reject);
  socket.bind(port, address, () => resolve(socket));
});

export const harsh = {loss: 0.05, delay: 50, jitter: 20, duplicates: 0.01};
export const clean = {loss: 0, delay: 0, jitter: 0, duplicates: 0};  // toClients: a Bottleneck on the way there

/** What stands before a path that is too narrow: packets wait in it in order, and what does not fit is lost. */
export class Bottleneck {
  constructor(longest) {
    Object.assign(this, {longest, bitsPerSecond: Infinity, freeAt: 0, waited: 0, lost: 0, bytes: 0, queue: []});
  }

  /** Calls `deliver` when a packet of so many bytes is through; in order, which timers of their own would not keep. */
  take(bytes, deliver) {
    const now = performance.now();
    this.freeAt = Math.max(this.freeAt, now);
    if (this.freeAt - now > this.longest) {
      this.lost++;
      return;
    }
    this.bytes += bytes + 28;
    this.freeAt += ((bytes + 28) * 8000) / this.bitsPerSecond;
    this.waited = Math.max(this.waited, this.freeAt - now);
    this.queue.push({at: this.freeAt, deliver});
    if (this.queue.length === 1) this.#wait();
  }

  #wait() {
    setTimeout(() => {
      while (this.queue.length > 0 && this.queue[0].at <= performance.now() + 0.5) this.queue.shift().deliver();
      if (this.queue.length > 0) this.#wait();
    }, Math.max(0, this.queue[0].at - performance.now()));
  }
}

/**
 * impairment: {loss, burst (packets lost in a row on average, Gilbert's model; 1), delay, jitter (ms each way), duplicates, reorder (share that is held
 * back by 10 to 50 ms)}. Each sender towards the proxy gets a socket of its own towards the target, so that the target
 * sees distinct peers.
 */
export class ImpairmentProxy {
  constructor(target, impairment = harsh, seed = 1) {
    this.target = target;
    this.impairment = impairment;
    this.random = seededRandom(seed);
    this.peers = new Map();
    this.forgotten = [];
    this.isDark = false;  // nothing passes
    this.sentPictures = new SentPictures();
    this.timers = new Set();
    this.counts = {in: 0, lost: 0, repeated: 0, out: 0};
  }

  async start() {
    this.front = await bound(createSocket({type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20}), 0, '127.0.0.1');
    this.port = this.front.address().port;
    this.front.on('message', (packet, from) => this.fromPeer(packet, from));
    return this;
  }

  fromPeer(packet, from) {
    this.sentPictures.see(packet);
    const name = `${from.address}:${from.port}`;
    let peer = this.peers.get(name);
    if (!peer) {
      const onAnswer = (answer) => {
        const {toClients} = this.impairment;
        const send = (bytes) => this.front.send(bytes, from.port, from.address);
        if (toClients) toClients.take(answer.length, () => this.pass(answer, send));
        else this.pass(answer, send);
      };
      peer = {socket: createSocket({type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20}), onAnswer};
      this.peers.set(name, peer);
      peer.socket.on('message', onAnswer);
      peer.socket.on('error', () => {});
    }
    this.pass(packet, (bytes) => peer.socket.send(bytes, this.target.port, this.target.address));
  }

  /**
   * Every sender has a new address and port from here on, as behind a NAT that lost its mappings; what is sent to the old ones
   * disappears.
   */
  async rebind(address) {
    for (const peer of this.peers.values()) {
      const old = peer.socket;
      const fresh = await bound(createSocket({type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20}), 0, address);
      old.removeAllListeners('message');
      this.forgotten.push(old);
      peer.socket = fresh;
      fresh.on('message', peer.onAnswer);
      fresh.on('error', () => {});
    }
  }

  pass(packet, send) {
    const {delay, jitter, duplicates, reorder = 0} = this.impairment;
    this.counts.in++;
    if (this.isDark || this.isLost()) {
      this.counts.lost++;
      return;
    }
    const copies = this.random() < duplicates ? 2 : 1;
    this.counts.repeated += copies - 1;
    for (let copy = 0; copy < copies; copy++) {
      const held = reorder > 0 && this.random() < reorder ? 10 + this.random() * 40 : 0;
      this.later(delay + held + (this.random() * 2 - 1) * jitter, () => send(packet));
    }
  }

  isLost() {
    const {loss, burst = 1} = this.impairment;
    if (burst === 1) return this.random() < loss;
    this.isBad = this.random() < (this.isBad ? 1 - 1 / burst : loss / (1 - loss) / burst);
    return this.isBad;
  }

  later(ms, action) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.counts.out++;
      action();
    }, ms);
    this.timers.add(timer);
  }

  stop() {
    for (const timer of this.timers) clearTimeout(timer);
    for (const socket of [...this.forgotten, ...[...this.peers.values()].map((peer) => peer.socket)]) socket.close();
    this.front.close();
  }
}

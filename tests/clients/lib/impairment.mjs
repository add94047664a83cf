// SPDX-License-Identifier: Apache-2.0
// A UDP proxy that loses, delays, reorders and repeats packets in both directions, by a seed.
import {createSocket} from 'node:dgram';

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
export const clean = {loss: 0, delay: 0, jitter: 0, duplicates: 0};

/** Each sender towards the proxy gets a socket of its own towards the target, so that the target sees distinct peers. */
export class ImpairmentProxy {
  constructor(target, impairment = harsh, seed = 1) {
    this.target = target;
    this.impairment = impairment;
    this.random = seededRandom(seed);
    this.peers = new Map();
    this.forgotten = [];
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
    const name = `${from.address}:${from.port}`;
    let peer = this.peers.get(name);
    if (!peer) {
      const onAnswer = (answer) => this.pass(answer, (bytes) => this.front.send(bytes, from.port, from.address));
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
    const {loss, delay, jitter, duplicates} = this.impairment;
    this.counts.in++;
    if (this.random() < loss) {
      this.counts.lost++;
      return;
    }
    const copies = this.random() < duplicates ? 2 : 1;
    this.counts.repeated += copies - 1;
    for (let copy = 0; copy < copies; copy++) this.later(delay + (this.random() * 2 - 1) * jitter, () => send(packet));
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

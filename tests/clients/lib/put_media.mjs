// SPDX-License-Identifier: Apache-2.0
// A PutMedia producer over a raw socket: literal header lines, chunks when the test says so, acknowledgements as they come.
import {connect} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {credentials, region} from './server.mjs';
import {amzDate, sha256, signature} from './sigv4.mjs';

// What the Kinesis producer signs, hop-by-hop headers included.
const SIGNED = ['connection', 'host', 'transfer-encoding', 'user-agent', 'x-amz-date', 'x-amzn-fragment-acknowledgment-required',
  'x-amzn-fragment-timecode-type', 'x-amzn-producer-start-timestamp', 'x-amzn-stream-name'];

/** The header lines in the order of the captured request, signed now. A value of null leaves a header out. */
export function putMediaHeaders(stream, {type = 'ABSOLUTE', start = '1795389019.582', acks = '1', change = {}} = {}) {
  const date = amzDate();
  const lines = [['Host', '127.0.0.1'], ['Accept', '*/*'], ['Authorization', ''], ['connection', 'keep-alive'],
    ['content-type', 'application/json'], ['transfer-encoding', 'chunked'],
    ['user-agent', 'AWS-SDK-KVS-CPP-CLIENT/3.5.0/1.6.0 GCC/12.2.0 Linux/6.1.0 x86_64 CPPSDK'], ['X-Amz-Date', date],
    ['x-amzn-fragment-acknowledgment-required', acks], ['x-amzn-fragment-timecode-type', type],
    ['x-amzn-producer-start-timestamp', start], ['x-amzn-stream-name', stream], ['Expect', '100-continue']];
  for (const [name, value] of Object.entries(change)) {
    const line = lines.find(([known]) => known.toLowerCase() === name.toLowerCase());
    if (line) line[1] = value;
    else lines.push([name, value]);
  }
  const sent = lines.filter(([, value]) => value !== null);
  const names = sent.map(([name]) => name.toLowerCase());
  const signed = SIGNED.filter((name) => names.includes(name));
  const proof = signature({method: 'POST', target: '/putMedia', headers: sent, signed, payloadHash: sha256(''), secret: credentials.secretAccessKey, date, region});
  sent.find(([name]) => name === 'Authorization')[1] =
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${date.slice(0, 8)}/${region}/kinesisvideo/aws4_request, SignedHeaders=${signed.join(';')}, Signature=${proof}`;
  return sent;
}

export class Producer {
  /** Sends the request's head; with the Expect header it waits for both heads of the server. */
  static async open(server, stream, options = {}) {
    const producer = new Producer();
    producer.acks = [];
    producer.statuses = [];
    producer.rest = Buffer.alloc(0);
    producer.waiting = new Set();
    producer.socket = connect(server.httpPort, '127.0.0.1');
    producer.socket.setNoDelay(true);
    producer.closed = new Promise((resolve) => producer.socket.once('close', resolve));
    producer.closed.then(() => { producer.gone = true; producer.wake(); });
    producer.socket.on('error', (error) => { producer.error = error; });
    await new Promise((resolve, reject) => producer.socket.once('connect', resolve).once('error', reject));
    producer.socket.on('data', (bytes) => producer.receive(bytes));
    const lines = options.headers ?? putMediaHeaders(stream, options);
    producer.chunked = lines.some(([name]) => name.toLowerCase() === 'transfer-encoding');
    producer.socket.write(`POST /putMedia HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
    await producer.until(() => producer.statuses.some((status) => status >= 200), 'an answer');
    return producer;
  }

  get status() {
    return this.statuses.find((status) => status >= 200);
  }

  receive(bytes) {
    this.rest = Buffer.concat([this.rest, bytes]);
    while (!this.ended && (this.answer ? this.takeChunk() : this.takeHead()));
    this.wake();
  }

  takeHead() {
    const end = this.rest.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = this.rest.toString('latin1', 0, end);
    this.rest = this.rest.subarray(end + 4);
    this.statuses.push(Number(head.slice(9, 12)));
    if (this.statuses.at(-1) < 200) return true;
    this.answer = Object.fromEntries(head.split('\r\n').slice(1).map((line) => line.split(/: (.*)/s).slice(0, 2)).map(([name, value]) => [name.toLowerCase(), value]));
    return true;
  }

  /** A chunk of the answer is exactly one acknowledgement. */
  takeChunk() {
    if (this.answer['content-length']) {
      if (this.rest.length < Number(this.answer['content-length'])) return false;
      this.body = this.rest.toString();
      this.ended = true;
      return false;
    }
    const line = this.rest.indexOf('\r\n');
    if (line < 0) return false;
    const size = parseInt(this.rest.toString('latin1', 0, line), 16);
    if (this.rest.length < line + 2 + size + 2) return false;
    const chunk = this.rest.toString('utf8', line + 2, line + 2 + size);
    this.rest = this.rest.subarray(line + 2 + size + 2);
    if (size === 0) {
      this.ended = true;
    } else {
      if (!/^\{[^\n]*\}\n$/.test(chunk) || size > 1024) throw new Error(`not one acknowledgement: ${chunk}`);
      this.acks.push({...JSON.parse(chunk), at: Date.now(), text: chunk.trimEnd()});
    }
    return true;
  }

  /** Resolves when the bytes have left; back-pressure is the socket's. */
  send(bytes) {
    if (this.chunked) this.socket.write(`${bytes.length.toString(16)}\r\n`);
    const sent = this.socket.write(bytes);
    const flushed = this.chunked ? this.socket.write('\r\n') : sent;
    if (flushed) return Promise.resolve();
    return Promise.race([new Promise((resolve) => this.socket.once('drain', resolve)), this.closed]);
  }

  /** Ends the body; resolves with the acknowledgements when the answer has ended. */
  async end(deadline = 15000) {
    if (this.chunked && !this.gone) this.socket.write('0\r\n\r\n');
    await this.until(() => this.ended, 'the end of the answer', deadline);
    this.socket.destroy();
    return this.acks;
  }

  abort() {
    this.socket.resetAndDestroy();
    return this.closed;
  }

  of(type) {
    return this.acks.filter((ack) => ack.EventType === type);
  }

  wake() {
    for (const each of this.waiting) each();
  }

  async until(condition, what, deadline = 15000) {
    const end = Date.now() + deadline;
    while (!condition()) {
      if (this.gone || Date.now() > end) throw new Error(`no ${what} ${this.gone ? 'before the connection closed' : `in ${deadline} ms`}: ${this.statuses} ${this.body ?? ''} ${JSON.stringify(this.acks.slice(-6))} ${this.error ?? ''}`);
      await Promise.race([new Promise((resolve) => this.waiting.add(resolve)), sleep(200, null, {ref: false})]);
      this.waiting.clear();
    }
  }

  untilAck(type, timecode, deadline) {
    return this.until(() => this.acks.some((ack) => ack.EventType === type && (timecode === undefined || ack.FragmentTimecode === timecode)), `${type} of ${timecode}`, deadline);
  }
}

// A writer of Matroska, as plain as it gets: sizes of eight bytes, or the kind of unknown size that the test asks for.
const idBytes = (id) => Buffer.from(id, 'hex');
const longSize = (size) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(size) | (1n << 56n));
  return bytes;
};
export const element = (id, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([idBytes(id), longSize(body.length), body]);
};
const number = (id, value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return element(id, bytes);
};
const text = (id, value) => element(id, Buffer.from(value));

/** EBML header, Segment of unknown size, Info, Tracks. */
export const head = (tracks = [{number: 1, type: 1, codec: 'V_TEST'}]) => Buffer.concat([
  element('1a45dfa3', text('4282', 'matroska')), idBytes('18538067'), Buffer.from('01ffffffffffffff', 'hex'),
  element('1549a966', number('2ad7b1', 1000000)),
  element('1654ae6b', ...tracks.map((track) => element('ae', number('d7', track.number), number('83', track.type), text('86', track.codec),
    ...(track.codecPrivate ? [element('63a2', track.codecPrivate)] : []))))]);

export const block = (track, relative, payload, key = true) => {
  const front = Buffer.alloc(4);
  front[0] = 0x80 | track;
  front.writeInt16BE(relative, 1);
  front[3] = key ? 0x80 : 0;
  return element('a3', front, payload);
};

/** A cluster of unknown size, as live producers write it. */
export const cluster = (timecode, ...children) => Buffer.concat([idBytes('1f43b675'), Buffer.from('ff', 'hex'), number('e7', timecode), ...children]);
export const knownCluster = (timecode, ...children) => element('1f43b675', number('e7', timecode), ...children);
export const tags = (pairs) => element('1254c367', ...Object.entries(pairs).map(([name, value]) => element('7373', element('67c8', text('45a3', name), text('4487', value)))));
export const endOfFragment = tags({AWS_KINESISVIDEO_END_OF_FRAGMENT: ''});

// SPDX-License-Identifier: Apache-2.0
// A client made of one TLS socket: no ALPN, and an HTTP answer has to be there in ONE read of 4,080 bytes, because
// webrtc-sdk-c keeps only the last piece it was given.
import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {connect} from 'node:tls';

export const readLimit = 4080;

export async function openTls(server, name) {
  const socket = connect({host: '127.0.0.1', port: server.httpsPort, servername: name, ca: server.caPem()});
  socket.setNoDelay(true);
  await once(socket, 'secureConnect');
  return socket;
}

const requestText = (method, target, headers) => `${method} ${target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;

export function parseAnswer(bytes) {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const [status, ...lines] = text.slice(0, Math.max(end, 0)).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  return {whole: end >= 0, status: Number(status.split(' ')[1]), headers, body: end < 0 ? '' : text.slice(end + 4)};
}

/** Sends one request on a connection of its own; the answer is whatever the first read brought. `ended`: the server closed. */
export async function oneRead(server, name, {method, target, headers, body}) {
  const socket = await openTls(server, name);
  const started = performance.now();
  socket.write(requestText(method, target, headers) + body);
  const [first] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [Buffer.alloc(0)])]);
  const ms = performance.now() - started;
  let more = 0;
  socket.on('data', (chunk) => { more += chunk.length; });
  const ended = await Promise.race([once(socket, 'close').then(() => true), new Promise((resolve) => setTimeout(resolve, 3000, false))]);
  socket.destroy();
  return {...parseAnswer(first.subarray(0, readLimit)), readBytes: first.length, ms, more, ended, alpn: socket.alpnProtocol};
}

/** RFC 6455 by hand: text messages out masked, messages in as {opcode, text}. */
export class RawWebSocket {
  static async open(server, name, target, headers) {
    const self = new RawWebSocket();
    self.socket = await openTls(server, name);
    self.frames = [];
    self.waiting = [];
    self.buffer = Buffer.alloc(0);
    self.socket.on('error', () => {});
    self.socket.on('close', () => self.deliver({opcode: 'gone', text: ''}));
    self.socket.write(requestText('GET', target, headers));
    await new Promise((resolve, reject) => {
      self.socket.once('data', (bytes) => {
        self.handshake = parseAnswer(bytes);
        if (self.handshake.status !== 101) reject(new Error(`upgrade refused: ${bytes}`));
        self.socket.on('data', (more) => self.take(more));
        self.take(Buffer.from(self.handshake.body, 'latin1'));
        resolve();
      });
    });
    return self;
  }

  take(bytes) {
    this.buffer = Buffer.concat([this.buffer, bytes]);
    for (;;) {
      if (this.buffer.length < 2) return;
      const short = this.buffer[1] & 0x7f;
      const start = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (this.buffer.length < start) return;
      const length = short === 126 ? this.buffer.readUInt16BE(2) : short === 127 ? Number(this.buffer.readBigUInt64BE(2)) : short;
      if (this.buffer.length < start + length) return;
      this.deliver({opcode: this.buffer[0] & 0x0f, final: (this.buffer[0] & 0x80) !== 0, masked: (this.buffer[1] & 0x80) !== 0,
        text: this.buffer.toString('utf8', start, start + length)});
      this.buffer = this.buffer.subarray(start + length);
    }
  }

  deliver(frame) {
    const next = this.waiting.shift();
    if (next) next(frame);
    else this.frames.push(frame);
  }

  nextFrame(deadline = 6000) {
    if (this.frames.length) return Promise.resolve(this.frames.shift());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no frame in ${deadline} ms`)), deadline);
      this.waiting.push((frame) => {
        clearTimeout(timer);
        resolve(frame);
      });
    });
  }

  /** The next text frame; pings of the server are answered on the way. */
  async nextText(deadline = 6000) {
    for (;;) {
      const frame = await this.nextFrame(deadline);
      if (frame.opcode === 9) this.send(frame.text, 10);
      else return frame;
    }
  }

  send(text, opcode = 1) {
    const payload = Buffer.from(text);
    const mask = randomBytes(4);
    const head = payload.length < 126 ? Buffer.from([0x80 | opcode, 0x80 | payload.length])
      : Buffer.from([0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 0xff]);
    this.socket.write(Buffer.concat([head, mask, payload.map((byte, i) => byte ^ mask[i & 3])]));
  }

  close() {
    this.socket.destroy();
  }
}

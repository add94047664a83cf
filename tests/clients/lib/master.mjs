// SPDX-License-Identifier: Apache-2.0
// A plain signaling client written for the tests: a signed WebSocket, what came over it, and what to send.
import {setTimeout as sleep} from 'node:timers/promises';
import {WebSocket} from 'ws';
import {credentials, region} from './server.mjs';
import {signedUrl} from './sigv4.mjs';

export const pack = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');

export class SignalingSocket {
  /** options: clientId (viewer), capitalised (keys as webrtc-sdk-c writes them), headers, url (ready made). */
  static async open(server, endpoint, ChannelARN, options = {}) {
    const socket = new SignalingSocket();
    socket.capitalised = options.capitalised ?? false;
    socket.messages = [];
    socket.taken = 0;
    const query = {'X-Amz-ChannelARN': ChannelARN, ...(options.clientId ? {'X-Amz-ClientId': options.clientId} : {}), ...options.query};
    const url = options.url ?? signedUrl({endpoint, query, accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey, region, ...options.signing});
    socket.socket = new WebSocket(url, {ca: server.caPem(), perMessageDeflate: options.deflate ?? false, headers: options.headers});
    socket.closed = new Promise((resolve) => socket.socket.on('close', (code) => { socket.closeCode = code; resolve(code); }));
    socket.socket.on('message', (text, isBinary) => socket.messages.push({...JSON.parse(String(text)), isBinary}));
    await new Promise((resolve, reject) => {
      socket.socket.once('open', resolve);
      socket.socket.once('error', reject);
      socket.socket.once('unexpected-response', (_, answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => reject(Object.assign(new Error(`refused with ${answer.statusCode}`),
          {status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks).toString()})));
      });
    });
    socket.socket.on('error', () => {});
    return socket;
  }

  /** The next message of this type, with its payload unpacked. */
  async next(type, deadline = 5000) {
    for (const end = Date.now() + deadline; Date.now() < end; await sleep(10)) {
      const at = this.messages.findIndex((message, index) => index >= this.taken && message.messageType === type);
      if (at < 0) continue;
      const [message] = this.messages.splice(at, 1);
      if (message.messagePayload) message.payload = JSON.parse(Buffer.from(message.messagePayload, 'base64').toString());
      return message;
    }
    throw new Error(`no ${type} in ${deadline} ms; closed: ${this.closeCode ?? 'no'}; came: ${JSON.stringify(this.messages).slice(0, 2000)}`);
  }

  send(action, payload, {recipient, correlationId} = {}) {
    const lower = {action, messagePayload: pack(payload), ...(recipient !== undefined ? {recipientClientId: recipient} : {}), ...(correlationId ? {correlationId} : {})};
    const upper = {action, RecipientClientId: recipient ?? '', MessagePayload: pack(payload), ...(correlationId ? {CorrelationId: correlationId} : {})};
    this.socket.send(JSON.stringify(this.capitalised ? upper : lower));
  }

  sendText(text) {
    this.socket.send(text);
  }

  async close() {
    this.socket.close();
    await Promise.race([this.closed, sleep(2000, null, {ref: false})]);
    this.socket.terminate();
  }
}

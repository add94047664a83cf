// SPDX-License-Identifier: Apache-2.0
// Stands between a client and the server so that media goes through an impairment proxy: passes HTTP and signaling on
// unchanged but for two things. WSS endpoints point back here; the server's candidates become the proxy's address, and the
// client's candidates are withheld, so that neither side knows a way around the proxy. Hosts are passed on as the client
// sent them, so signatures stay valid.
import {createServer as createHttpServer, request} from 'node:http';
import {createServer as createHttpsServer} from 'node:https';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {WebSocket, WebSocketServer} from 'ws';
import {ImpairmentProxy} from './impairment.mjs';
import {mustRun} from './programs.mjs';

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
const unpack = (text) => JSON.parse(Buffer.from(text, 'base64').toString());
const pack = (value) => Buffer.from(JSON.stringify(value)).toString('base64');

export class Relay {
  static async start(server, {impairment, seed = 1, folder}) {
    const relay = new this();
    relay.server = server;
    relay.impairment = impairment;
    relay.seed = seed;
    relay.proxies = new Map();
    const certificate = join(folder, 'relay.pem');
    await mustRun('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=relay',
      '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-keyout', join(folder, 'relay.key'), '-out', certificate]);
    relay.ca = certificate;
    relay.http = createHttpServer((from, to) => relay.forward(from, to));
    relay.https = createHttpsServer({key: readFileSync(join(folder, 'relay.key')), cert: readFileSync(certificate)});
    relay.sockets = new WebSocketServer({server: relay.https, perMessageDeflate: false});
    relay.sockets.on('connection', (client, upgrade) => relay.join(client, upgrade));
    relay.url = `http://127.0.0.1:${await listen(relay.http)}`;
    relay.wssPort = await listen(relay.https);
    return relay;
  }

  forward(from, to) {
    const onward = request({host: '127.0.0.1', port: this.server.httpPort, method: from.method, path: from.url, headers: from.rawHeaders, setHost: false}, (answer) => {
      if (!this.rewrites(from.url)) {
        to.writeHead(answer.statusCode, answer.rawHeaders);
        answer.pipe(to);
        return;
      }
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => {
        const body = this.withOurEndpoints(Buffer.concat(chunks).toString());
        to.writeHead(answer.statusCode, {...answer.headers, 'content-length': Buffer.byteLength(body)});
        to.end(body);
      });
    });
    onward.on('error', () => to.destroy());
    to.on('close', () => onward.destroy());
    from.pipe(onward);
  }

  rewrites(path) {
    return path === '/getSignalingChannelEndpoint';
  }

  withOurEndpoints(body) {
    return body.replace(/wss:\/\/[^/"]+/g, `wss://127.0.0.1:${this.wssPort}`);
  }

  join(client, upgrade) {
    const onward = new WebSocket(`wss://127.0.0.1:${this.server.httpsPort}${upgrade.url}`,
      {headers: {host: upgrade.headers.host}, ca: this.server.caPem(), checkServerIdentity: () => undefined, perMessageDeflate: false});
    const waiting = [];
    let order = Promise.resolve();
    client.on('message', (text) => {
      const message = this.fromClient(String(text));
      if (message === null) return;
      if (onward.readyState === WebSocket.OPEN) onward.send(message);
      else waiting.push(message);
    });
    onward.on('open', () => waiting.splice(0).forEach((message) => onward.send(message)));
    onward.on('message', (text) => {
      order = order.then(async () => {
        const message = await this.fromServer(String(text));
        if (message !== null && client.readyState === WebSocket.OPEN) client.send(message);
      });
    });
    onward.on('close', () => client.close());
    onward.on('error', () => client.terminate());
    client.on('close', () => onward.close());
    client.on('error', () => onward.terminate());
  }

  /** Withholds the client's candidates: the server has to learn its address from what arrives. */
  fromClient(text) {
    const message = JSON.parse(text);
    if (message.action === 'ICE_CANDIDATE') return null;
    const key = message.messagePayload === undefined ? 'MessagePayload' : 'messagePayload';
    const payload = unpack(message[key]);
    payload.sdp = payload.sdp?.replace(/a=candidate:.*\r?\n/g, '');
    return JSON.stringify({...message, [key]: pack(payload)});
  }

  async fromServer(text) {
    const message = JSON.parse(text);
    if (!message.messagePayload) return text;
    const payload = unpack(message.messagePayload);
    if (message.messageType === 'ICE_CANDIDATE') {
      payload.candidate = await this.rewritten(payload.candidate);
      if (payload.candidate === null) return null;
    } else if (payload.sdp) {
      const lines = await Promise.all(payload.sdp.split('\r\n').map((line) => (line.startsWith('a=candidate:') ? this.rewritten(line) : line)));
      payload.sdp = lines.filter((line) => line !== null).join('\r\n');
    }
    return JSON.stringify({...message, messagePayload: pack(payload)});
  }

  /** The candidate line with the proxy's port, or null for one that the proxy does not stand in for. */
  async rewritten(line) {
    const words = line.split(' ');
    if (words[2]?.toLowerCase() !== 'udp' || words[4] !== '127.0.0.1') return null;
    const proxy = await this.proxyFor(Number(words[5]));
    words[5] = String(proxy.port);
    return words.join(' ');
  }

  proxyFor(port) {
    if (!this.proxies.has(port)) {
      this.proxies.set(port, new ImpairmentProxy({address: '127.0.0.1', port}, this.impairment, this.seed).start());
    }
    return this.proxies.get(port);
  }

  /** ImpairmentProxy.rebind() of all proxies. */
  async rebind(address) {
    for (const proxy of await Promise.all(this.proxies.values())) await proxy.rebind(address);
  }

  /** Nothing passes for so long: {from, to} by the wall clock. */
  async blackOut(ms) {
    const proxies = await Promise.all(this.proxies.values());
    const from = Date.now();
    for (const proxy of proxies) proxy.isDark = true;
    await new Promise((resolve) => setTimeout(resolve, ms));
    for (const proxy of proxies) proxy.isDark = false;
    return {from, to: Date.now()};
  }

  /** What went through all proxies: {in, lost, repeated, out}. */
  async counts() {
    const each = (await Promise.all(this.proxies.values())).map((proxy) => proxy.counts);
    return each.reduce((sum, counts) => Object.fromEntries(Object.keys(counts).map((key) => [key, (sum[key] ?? 0) + counts[key]])), {});
  }

  /** SentPictures of all proxies, as one function of a picture's RTP timestamp. */
  async hasSent() {
    const all = (await Promise.all(this.proxies.values())).map((proxy) => proxy.sentPictures);
    return (rtpTimestamp) => all.some((sent) => sent.has(rtpTimestamp));
  }

  async stop() {
    for (const client of this.sockets.clients) client.terminate();
    for (const proxy of await Promise.all(this.proxies.values())) proxy.stop();
    for (const server of [this.http, this.https]) {
      server.closeAllConnections();
      server.close();
    }
  }
}

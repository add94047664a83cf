// SPDX-License-Identifier: Apache-2.0
// Sends one request body through a real AWS client, or by the tests' own signer where the client would send another body.
import {Agent, request} from 'node:http';
import {Readable} from 'node:stream';
import {credentials, region} from './server.mjs';
import {signedHeaders} from './sigv4.mjs';

const agent = new Agent({keepAlive: true, maxSockets: 16});
const OTHER_BODY = 'the client would send another body';

/** {status, headers, text}; the answer of a reader that follows the live end is cut after its head. */
export function send(server, {method = 'POST', path, headers, body}, headOnly = false) {
  return new Promise((resolve, reject) => {
    const call = request({agent, host: '127.0.0.1', port: server.httpPort, method, path, headers}, (answer) => {
      if (headOnly && answer.statusCode === 200) {
        resolve({status: 200, headers: answer.headers, text: ''});
        answer.destroy();
        return;
      }
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve({status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString()}));
      answer.on('error', reject);
    });
    call.setTimeout(15000, () => call.destroy(new Error(`no answer from ${path} in 15 s`)));
    call.on('error', reject);
    call.end(body);
  });
}

/** The handler an SDK client sends with: it keeps what came back, and sends nothing but `expected`. */
class Wire {
  constructor(server, expected, headOnly) {
    Object.assign(this, {server, expected, headOnly});
  }

  async handle(message) {
    const body = message.body ?? '';
    if (JSON.stringify(sorted(JSON.parse(body || '{}'))) !== JSON.stringify(sorted(this.expected))) throw new Error(OTHER_BODY);
    this.sent = true;
    this.answer = await send(this.server, {method: message.method, path: message.path, headers: message.headers, body}, this.headOnly);
    return {response: {statusCode: this.answer.status, headers: this.answer.headers, body: Readable.from([Buffer.from(this.answer.text)])}};
  }

  metadata = {handlerProtocol: 'http/1.1'};
  updateHttpClientConfig() {}
  httpHandlerConfigs() { return {}; }
  destroy() {}
}

const sorted = (value) => (value === null || typeof value !== 'object' ? value
  : Array.isArray(value) ? value.map(sorted)
    : Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])])));

/** Times stand as numbers in a body and as Date in a client's input. */
function asInput(value, name = '') {
  if (typeof value === 'number' && /Timestamp$/.test(name)) return new Date(value * 1000);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((each) => asInput(each));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, asInput(each, key)]));
}

async function sendRaw(server, path, body, headOnly) {
  const text = JSON.stringify(body);
  const headers = signedHeaders({target: path, host: `127.0.0.1:${server.httpPort}`, body: text, region,
    headers: [['Content-Type', 'application/json'], ['Content-Length', String(text.length)]], accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey});
  return {by: 'raw', ...await send(server, {path, headers: Object.fromEntries(headers), body: text}, headOnly)};
}

/** library: the client's package and the class in it; answers {by: 'sdk' | 'raw', status, headers, text, name}. */
export async function call(server, {library, client}, operation, path, body, headOnly = false) {
  const wire = new Wire(server, body, headOnly);
  const sdk = new library[client]({endpoint: server.url, region, credentials, maxAttempts: 1, requestHandler: wire});
  let name = null;
  try {
    await sdk.send(new library[`${operation}Command`](asInput(body)));
  } catch (error) {
    name = error.name;
    if (!wire.sent) return sendRaw(server, path, body, headOnly);
    if (!wire.answer) throw error;
  }
  return {by: 'sdk', name, ...wire.answer};
}

export const closeConnections = () => agent.destroy();

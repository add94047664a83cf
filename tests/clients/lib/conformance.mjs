// SPDX-License-Identifier: Apache-2.0
// Calls of the conformance suite: raw ones under the tests' own signature, and those of the SDK clients, whose bytes are kept.
import {Agent, request} from 'node:http';
import {Readable} from 'node:stream';
import {credentials, region} from './server.mjs';
import {signedHeaders} from './sigv4.mjs';

const agent = new Agent({keepAlive: true, maxSockets: 8});

/** {status, type, text}: one signed call with exactly this input as its body. A `taken` answer may stream: it is cut at its head. */
export function rawCall(server, {method, path}, input) {
  const body = Buffer.from(JSON.stringify(input));
  const lines = signedHeaders({method, target: path, host: `127.0.0.1:${server.httpPort}`, body, headers: [['Content-Type', 'application/json']],
    accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey, region});
  return new Promise((resolve, reject) => {
    const call = request({host: '127.0.0.1', port: server.httpPort, method, path, agent, timeout: 15000,
      headers: {...Object.fromEntries(lines), 'Content-Length': body.length}}, (answer) => {
      const type = answer.headers['x-amzn-errortype'];
      const head = {status: answer.statusCode, type, id: answer.headers['x-amzn-requestid']};
      if (answer.headers['content-type']?.startsWith('video/')) {
        answer.destroy();
        return resolve({...head, text: ''});
      }
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk)).on('error', reject).on('end', () => resolve({...head, text: Buffer.concat(chunks).toString()}));
    });
    call.on('timeout', () => call.destroy(new Error(`${path} gave no answer in 15 s`))).on('error', reject);
    call.end(body);
  });
}

export const closeCalls = () => agent.destroy();

/** The SDK's own transport; what it sent and what came back is kept in `exchange`. */
export class KeepingHandler {
  exchange = null;

  /** Takes the place of the client's transport, which it goes on to use. */
  static of(client) {
    const handler = new KeepingHandler();
    handler.inner = client.config.requestHandler;
    client.config.requestHandler = handler;
    return handler;
  }

  async handle(sent, options) {
    const {response} = await this.inner.handle(sent, options);
    this.exchange = {sent: Buffer.from(sent.body ?? '').toString(), status: response.statusCode, type: response.headers['x-amzn-errortype'], id: response.headers['x-amzn-requestid'], headers: response.headers};
    if (!response.headers['content-type']?.startsWith('video/')) {
      const chunks = [];
      for await (const chunk of response.body) chunks.push(chunk);
      this.exchange.text = Buffer.concat(chunks).toString();
      response.body = Readable.from(chunks);
    }
    return {response};
  }

  destroy() {
    this.inner.destroy();
  }
}

/** Runs `work` on each item, at most eight at a time. */
export async function eachOf(items, work) {
  let next = 0;
  await Promise.all(Array.from({length: 8}, async () => {
    while (next < items.length) await work(items[next++]);
  }));
}

/** Where `value` is not of the shape that the vectors give an answer; '' when it is. */
export function misfit(value, shape, path = 'the answer') {
  if (shape.structure) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return `${path} is no structure`;
    for (const [name, inner] of Object.entries(value)) {
      if (!shape.structure[name]) return `${path} has the member ${name}, which the model does not know`;
      const wrong = misfit(inner, shape.structure[name], `${path}.${name}`);
      if (wrong) return wrong;
    }
    return '';
  }
  if (shape.list) {
    if (!Array.isArray(value)) return `${path} is no list`;
    return value.map((inner, index) => misfit(inner, shape.list, `${path}[${index}]`)).find(Boolean) ?? '';
  }
  if (shape.map) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return `${path} is no map`;
    return Object.entries(value).map(([name, inner]) => misfit(inner, shape.map, `${path}.${name}`)).find(Boolean) ?? '';
  }
  const fits = {string: typeof value === 'string', boolean: typeof value === 'boolean', integer: Number.isInteger(value),
    long: Number.isInteger(value), timestamp: typeof value === 'number'}[shape.type];
  if (!fits) return `${path} is ${JSON.stringify(value)}, not a ${shape.type}`;
  return shape.enum && !shape.enum.includes(value) ? `${path} is ${value}, which is not in the model's enum` : '';
}

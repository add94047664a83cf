// SPDX-License-Identifier: Apache-2.0
// Signed calls of the server's own API (docs/api.md), in headers and in the query.
import {request} from 'node:http';
import {signedHeaders, signedUrl} from './sigv4.mjs';
import {credentials, region} from './server.mjs';

const keys = {accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey, region};

const ask = (url, headers, method = 'GET', content = '') => new Promise((resolve, reject) => {
  request(url, {method, headers: {...headers, ...(content && {'Content-Length': Buffer.byteLength(content)})}}, (answer) => {
    const chunks = [];
    answer.on('data', (chunk) => chunks.push(chunk));
    answer.on('end', () => resolve({status: answer.statusCode, type: answer.headers['x-amzn-errortype'], body: JSON.parse(String(Buffer.concat(chunks)))}));
  }).on('error', reject).end(content);
});

/** {status, type, body} of a read that is signed in its headers. */
export function readSigned(server, target) {
  const headers = signedHeaders({method: 'GET', target, host: `127.0.0.1:${server.httpPort}`, ...keys});
  return ask(server.url + target, Object.fromEntries(headers));
}

/** The same, signed in its query. */
export function readPresigned(server, path, query = {}) {
  return ask(signedUrl({endpoint: server.url + path, query, ...keys}), {});
}

/** Not signed at all. */
export const readPlain = (server, target) => ask(server.url + target, {});

/** A call that changes something, signed with `key` ({AccessKeyId, SecretAccessKey}; the server's own without one). `body`: an object. */
export function callSigned(server, method, target, body, key) {
  const content = body === undefined ? '' : JSON.stringify(body);
  const signing = key ? {accessKey: key.AccessKeyId, secretKey: key.SecretAccessKey, region} : keys;
  const headers = signedHeaders({method, target, host: `127.0.0.1:${server.httpPort}`, body: content, ...signing});
  return ask(server.url + target, Object.fromEntries(headers), method, content);
}

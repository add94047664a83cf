// SPDX-License-Identifier: Apache-2.0
// Signed GETs of the server's own API (docs/api.md), in headers and in the query.
import {request} from 'node:http';
import {signedHeaders, signedUrl} from './sigv4.mjs';
import {credentials, region} from './server.mjs';

const keys = {accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey, region};

const get = (url, headers) => new Promise((resolve, reject) => {
  request(url, {headers}, (answer) => {
    const chunks = [];
    answer.on('data', (chunk) => chunks.push(chunk));
    answer.on('end', () => resolve({status: answer.statusCode, type: answer.headers['x-amzn-errortype'], body: JSON.parse(String(Buffer.concat(chunks)))}));
  }).on('error', reject).end();
});

/** {status, type, body} of a read that is signed in its headers. */
export function readSigned(server, target) {
  const headers = signedHeaders({method: 'GET', target, host: `127.0.0.1:${server.httpPort}`, ...keys});
  return get(server.url + target, Object.fromEntries(headers));
}

/** The same, signed in its query. */
export function readPresigned(server, path, query = {}) {
  return get(signedUrl({endpoint: server.url + path, query, ...keys}), {});
}

/** Not signed at all. */
export const readPlain = (server, target) => get(server.url + target, {});

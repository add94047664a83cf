// SPDX-License-Identifier: Apache-2.0
// The tests' own Signature Version 4: shares no code with the server and is checked against captured requests.
import {createHash, createHmac} from 'node:crypto';

export const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** 20261123T084200Z */
export const amzDate = (date = new Date()) => date.toISOString().replace(/[-:]|\.\d{3}/g, '');

/** The query as sent, parsed and put in canonical order, without the signature itself. */
function canonicalQuery(query) {
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split(/=(.*)/s).slice(0, 2).map((part) => encode(decodeURIComponent(part ?? ''))))
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${name}=${value ?? ''}`)
    .sort()
    .join('&');
}

/** headers: [[name, value]...] in any case; signed: lower-case names in order. */
export function signature({method, target, headers, signed, payloadHash, secret, date, region, service = 'kinesisvideo'}) {
  const [path, query = ''] = target.split(/\?(.*)/s);
  const value = (name) => headers.filter(([n]) => n.toLowerCase() === name).map(([, v]) => v.trim().replace(/ +/g, ' ')).join(',');
  const canonical = [method, path, canonicalQuery(query), ...signed.map((name) => `${name}:${value(name)}`), '',
    signed.join(';'), payloadHash].join('\n');
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const key = [date.slice(0, 8), region, service, 'aws4_request'].reduce(hmac, `AWS4${secret}`);
  return createHmac('sha256', key).update(toSign).digest('hex');
}

/** Headers of a signed POST. `signed` names which of them are signed, host and x-amz-date always among them. */
export function signedHeaders({method = 'POST', target, host, body = '', headers = [], signed, accessKey, secretKey, region, date = amzDate()}) {
  const all = [['Host', host], ['X-Amz-Date', date], ...headers];
  const names = signed ?? all.map(([name]) => name.toLowerCase()).sort();
  const proof = signature({method, target, headers: all, signed: names, payloadHash: sha256(body), secret: secretKey, date, region});
  const credential = `${accessKey}/${date.slice(0, 8)}/${region}/kinesisvideo/aws4_request`;
  return [...all, ['Authorization',
    `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${proof}`]];
}

/** A WebSocket URL signed in its query, as every signaling client does it. */
export function signedUrl({endpoint, query, accessKey, secretKey, region, expires = 299, date = amzDate(), host}) {
  const url = new URL(endpoint);
  const fields = {
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${accessKey}/${date.slice(0, 8)}/${region}/kinesisvideo/aws4_request`,
    'X-Amz-Date': date,
    'X-Amz-Expires': String(expires),
    'X-Amz-SignedHeaders': 'host',
    ...query,
  };
  const text = Object.keys(fields).sort().map((name) => `${encode(name)}=${encode(fields[name])}`).join('&');
  const target = `${url.pathname}?${text}`;
  const proof = signature({method: 'GET', target, headers: [['host', host ?? url.host]], signed: ['host'],
    payloadHash: sha256(''), secret: secretKey, date, region});
  return `${url.protocol}//${url.host}${target}&X-Amz-Signature=${proof}`;
}

// SPDX-License-Identifier: Apache-2.0
// The server's own calls (docs/api.md), signed here with Signature Version 4.
import {Sha256} from '@aws-crypto/sha256-browser';
import {HttpRequest} from '@smithy/protocol-http';
import {SignatureV4} from '@smithy/signature-v4';
import {type Credentials, currentSession, type ServerFacts} from '../session';

export class ApiError extends Error {
  constructor(readonly code: string, readonly status: number, message: string) {
    super(message);
  }
}

export type CameraState = 'recording' | 'connected' | 'connecting' | 'offline' | 'peer_to_peer';
export interface CameraFacts {
  name: string;
  channelArn?: string;
  streamName?: string;
  streamArn?: string;
  state: CameraState;
  viewers: number;
  bitsPerSecond?: number;
  recordingSince?: number;
  newestEnd?: number;
}
export interface Range { start: number; end: number }
export interface Gap extends Range { reason: string; reasonText: string; open: boolean }
export interface Coverage { streamName: string; ranges: Range[]; gaps: Gap[]; live: boolean; nextToken?: string }
export interface Thumbnail { streamName: string; time: number; contentType: string; image: string }
export interface SessionNumbers {
  videoPackets: number; videoBytes: number; videoFrames: number; videoLost: number; videoRepaired: number;
  nacks: number; plis: number; audioPackets: number; audioBytes: number; audioLost: number; roundTripMicroseconds?: number;
  videoJitterMicroseconds?: number; audioJitterMicroseconds?: number; skewMicroseconds?: number;
}
export interface SessionFacts {
  sessionId: string; channelName: string; role: 'MASTER' | 'VIEWER'; clientId?: string; state: string; joinedAt: number; endedAt?: number;
  reason?: string; reasonText?: string; steps: {step: string; milliseconds: number}[]; localCandidates: string[]; remoteCandidates: string[];
  pairs: {local: string; remote: string; checksSent: number; answered: boolean; remoteChecked: boolean; selected: boolean}[];
  numbers?: SessionNumbers;
}
export interface StreamUse {
  streamName: string; streamArn: string; retentionHours: number; fragments: number; bytes: number; oldest?: number; newestEnd?: number;
  bitsPerSecond?: number;
}
export interface Storage { diskCapacity: number; diskFree: number; streams: StreamUse[] }
export interface KeyFacts {
  accessKeyId: string; name: string; created?: number; expires?: number; issuedFrom?: string; allRights: boolean;
  policies: Policy[];
}

type Query = Record<string, string>;

interface Call { method?: 'GET' | 'POST' | 'DELETE'; path: string; query?: Query; body?: unknown; signal?: AbortSignal | undefined }

async function signedCall<T>({method = 'GET', path, query = {}, body, signal}: Call, credentials: Credentials, server: ServerFacts): Promise<T> {
  const signer = new SignatureV4({service: 'kinesisvideo', region: server.region, credentials, sha256: Sha256, applyChecksum: false});
  const text = body === undefined ? undefined : JSON.stringify(body);
  const request = new HttpRequest({method, ...(text === undefined ? {} : {body: text}), protocol: location.protocol, hostname: location.hostname, path, query, headers: {host: location.host}});
  const {headers} = await signer.sign(request);
  delete headers.host;  // the browser's to say
  const search = new URLSearchParams(query).toString().replaceAll('+', '%20');
  const answer = await fetch(path + (search && `?${search}`), {method, headers, cache: 'no-store', signal: signal ?? null, ...(text === undefined ? {} : {body: text})});
  const told: unknown = await answer.json().catch(() => ({}));
  if (answer.ok) return told as T;
  const {code = 'Error', message = `the server answered ${answer.status}`} = told as {code?: string; message?: string};
  throw new ApiError(code, answer.status, message);
}

function call<T>(what: Call): Promise<T> {
  const {credentials, server} = currentSession();
  return signedCall<T>(what, credentials, server);
}
const read = <T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> => call<T>({path, query, signal});

const streamPath = (name: string, what: string) => `/api/v1/streams/${encodeURIComponent(name)}/${what}`;

/** Whether these credentials are good, by the cheapest read that there is. */
export const tryCredentials = (credentials: Credentials, server: ServerFacts): Promise<unknown> =>
  signedCall({path: '/api/v1/cameras', query: {maxResults: '1'}}, credentials, server);

export async function listCameras(signal?: AbortSignal): Promise<CameraFacts[]> {
  const all: CameraFacts[] = [];
  let token: string | undefined;
  do {
    const page: {cameras: CameraFacts[]; nextToken?: string} = await read('/api/v1/cameras', token ? {nextToken: token} : {}, signal);
    all.push(...page.cameras);
    token = page.nextToken;
  } while (token);
  return all;
}
export const findCamera = async (name: string): Promise<CameraFacts | undefined> =>
  (await read<{cameras: CameraFacts[]}>('/api/v1/cameras', {name})).cameras[0];
export const readThumbnail = (stream: string, signal?: AbortSignal): Promise<Thumbnail> => read(streamPath(stream, 'thumbnail'), {}, signal);
export const readStorage = (): Promise<Storage> => read('/api/v1/storage');
export const listKeys = async (): Promise<KeyFacts[]> => (await read<{keys: KeyFacts[]}>('/api/v1/keys')).keys;
export interface Policy { name: string; document: string }
export interface NewKey { accessKeyId: string; secretAccessKey: string; name: string }
export const makeKey = (name: string, policies: Policy[]): Promise<NewKey> => call({method: 'POST', path: '/api/v1/keys', body: {...(name ? {name} : {}), policies}});
export const revokeKey = (accessKeyId: string): Promise<unknown> => call({method: 'DELETE', path: '/api/v1/keys', query: {accessKeyId}});
export const attachPolicy = (accessKeyId: string, policy: Policy): Promise<unknown> => call({method: 'POST', path: '/api/v1/keys/policies', body: {accessKeyId, ...policy}});
export const detachPolicy = (accessKeyId: string, name: string): Promise<unknown> => call({method: 'DELETE', path: '/api/v1/keys/policies', query: {accessKeyId, name}});
export const listSessions = async (channel?: string): Promise<SessionFacts[]> =>
  (await read<{sessions: SessionFacts[]}>('/api/v1/sessions', channel ? {channelName: channel, maxResults: '1000'} : {maxResults: '1000'})).sessions;

/** The coverage of a window, all pages of it up to a bound: a month of a bad camera has thousands of gaps. */
export async function readCoverage(stream: string, from?: number, to?: number): Promise<Coverage> {
  const window: Query = {};
  if (from !== undefined) window.from = from.toFixed(3);
  if (to !== undefined) window.to = to.toFixed(3);
  let page: Coverage = await read(streamPath(stream, 'coverage'), window);
  const whole: Coverage = {...page, ranges: [...page.ranges], gaps: [...page.gaps]};
  for (let pages = 1; page.nextToken && pages < 10; ++pages) {
    page = await read(streamPath(stream, 'coverage'), {nextToken: page.nextToken});
    whole.ranges.push(...page.ranges);
    whole.gaps.push(...page.gaps);
    whole.live = page.live;
  }
  return whole;
}

export interface FragmentFacts { fragmentNumber: string; producerTimestamp: number; durationMicroseconds: number; sizeInBytes: number }
/** Those that start in the window. */
export const listFragments = async (stream: string, from: number, to: number): Promise<FragmentFacts[]> =>
  (await read<{fragments: FragmentFacts[]}>(streamPath(stream, 'fragments'), {from: from.toFixed(6), to: to.toFixed(6), maxResults: '1000'})).fragments;

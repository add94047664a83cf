// SPDX-License-Identifier: Apache-2.0
// The AWS SDK's own clients, pointed at this server: the console is a client like any other. Each is a chunk of its own.
import {currentSession} from '../session';

export interface ClientConfig {
  region: string;
  endpoint: string;
  credentials: {accessKeyId: string; secretAccessKey: string; sessionToken?: string};
  maxAttempts: number;
}

export function clientConfig(): ClientConfig {
  const {credentials, server} = currentSession();
  return {region: server.region, endpoint: location.origin, credentials, maxAttempts: 2};
}

/** What went wrong, in the server's words. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name && error.name !== 'Error' && !error.message.startsWith(error.name) ? `${error.name}: ${error.message}` : error.message;
}

/** Nobody answered, or somebody who cannot now: the same call may do later. */
export function isAway(error: unknown): boolean {
  const {status, $metadata} = error as {status?: number; $metadata?: {httpStatusCode?: number}};
  return error instanceof TypeError || ($metadata?.httpStatusCode ?? status ?? 0) >= 500;
}

// SPDX-License-Identifier: Apache-2.0
// Who is signed in. The secret stays in this page: in memory, or if the person asks for it in the tab's sessionStorage. It signs
// requests and is never part of one.

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** What the server says to anybody (GET /console/server.json). */
export interface ServerFacts {
  region: string;
  httpsUrl: string;
  wssUrl: string;
  caFingerprint?: string;
}

export interface Session {
  credentials: Credentials;
  server: ServerFacts;
}

const place = 'tidegate.credentials';
let session: Session | undefined;

export function currentSession(): Session {
  if (!session) throw new Error('nobody is signed in');
  return session;
}

export function signIn(credentials: Credentials, server: ServerFacts, keep: boolean): void {
  session = {credentials, server};
  if (keep) sessionStorage.setItem(place, JSON.stringify(credentials));
  dispatchEvent(new Event('sessionchange'));
}

export function signOut(): void {
  session = undefined;
  sessionStorage.removeItem(place);
  dispatchEvent(new Event('sessionchange'));
}

export const isSignedIn = (): boolean => session !== undefined;

export function keptCredentials(): Credentials | undefined {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(place) ?? 'null');
    if (kept && typeof kept === 'object' && 'accessKeyId' in kept && 'secretAccessKey' in kept) return kept as Credentials;
  } catch {
    // Not ours.
  }
  return undefined;
}

export async function loadServerFacts(): Promise<ServerFacts> {
  const answer = await fetch('server.json', {cache: 'no-store'});
  if (!answer.ok) throw new Error(`the server answered ${answer.status} for its own facts`);
  return answer.json() as Promise<ServerFacts>;
}

// SPDX-License-Identifier: Apache-2.0
import {useEffect, useState} from 'preact/hooks';
import {ApiError, tryCredentials} from '../api/own';
import {type Credentials, keptCredentials, loadServerFacts, type ServerFacts, signIn} from '../session';
import {useTitle} from '../parts/hooks';

function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return `The server could not be reached: ${String(error)}`;
  // The key is good, it may only not list: pages say where that matters.
  if (error.code === 'InvalidClientTokenId') return 'The server knows no access key of this id.';
  if (error.code === 'InvalidSignatureException') return `The signature does not fit: the secret is wrong, or this computer's clock is. (${error.message})`;
  return error.message;
}

/** On plain http away from this machine browsers offer neither WebCrypto nor cameras. */
function Insecure({server}: {server: ServerFacts | undefined}) {
  return (
    <section class="card" aria-labelledby="insecure">
      <h1 id="insecure">This page needs HTTPS</h1>
      <p>You opened the console over plain http. Away from the machine itself browsers then offer no cryptography, with which a sign-in is
        signed, and no camera. Everything here works at the HTTPS address:</p>
      {server ? <p><a class="button" href={`${server.httpsUrl}/console/`}>{server.httpsUrl}/console/</a></p> : <p role="status">Asking the server for its address</p>}
      {server?.caFingerprint && (
        <>
          <h2>Trust its certificate once</h2>
          <p>The server signs its certificate itself. Download its authority and add it to this computer's trusted authorities, after comparing the
            SHA-256 fingerprint with the one of <code>tls/ca.pem</code> in the server's data directory:</p>
          <p><code class="fingerprint">{server.caFingerprint}</code></p>
          <p><a href="ca.pem" download>Download the certificate authority</a></p>
        </>
      )}
    </section>
  );
}

interface FormProps { server: ServerFacts; failed?: string }

function Form({server, failed}: FormProps) {
  const [trouble, setTrouble] = useState(failed);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    const credentials: Credentials = {accessKeyId: text('id'), secretAccessKey: text('secret')};
    if (text('token')) credentials.sessionToken = text('token');
    setBusy(true);
    setTrouble(undefined);
    try {
      await tryCredentials(credentials, server);
      signIn(credentials, server, form.has('keep'));
    } catch (error) {
      setTrouble(explain(error));
      setBusy(false);
    }
  };
  return (
    <form class="card" onSubmit={submit} aria-labelledby="sign-in">
      <h1 id="sign-in">Sign in to Tidegate</h1>
      <p class="faint">The secret signs requests inside this page and is never sent.</p>
      <label>Access key id<input name="id" autoComplete="username" required spellcheck={false} autofocus /></label>
      <label>Secret access key<input name="secret" type="password" autoComplete="current-password" required /></label>
      <details><summary>Temporary credentials</summary><label>Session token<input name="token" spellcheck={false} /></label></details>
      <label class="check"><input type="checkbox" name="keep" />Stay signed in while this tab is open</label>
      {trouble && <p class="notice bad" role="alert">{trouble}</p>}
      <button class="primary" disabled={busy}>{busy ? 'Signing in' : 'Sign in'}</button>
      <p class="faint">Region {server.region}. Keys are made with <code>tidegate key create</code>; the server's own key was printed at its first start.
        {server.caFingerprint && <> <a href="ca.pem" download>Certificate authority</a>.</>}</p>
    </form>
  );
}

export function SignIn() {
  useTitle('Sign in');
  const [server, setServer] = useState<ServerFacts>();
  const [trouble, setTrouble] = useState<string>();
  useEffect(() => {
    const begin = async () => {
      const facts = await loadServerFacts();
      const kept = window.isSecureContext ? keptCredentials() : undefined;
      if (kept) {
        await tryCredentials(kept, facts).then(() => signIn(kept, facts, true), (error: unknown) => setTrouble(explain(error)));
      }
      setServer(facts);
    };
    begin().catch((error: unknown) => setTrouble(String(error)));
  }, []);
  return (
    <main class="sign-in">
      {!window.isSecureContext ? <Insecure server={server} /> : server ? <Form server={server} {...(trouble ? {failed: trouble} : {})} />
        : <section class="card"><h1>Tidegate</h1>{trouble ? <p class="notice bad" role="alert">{trouble}</p> : <p role="status">Asking the server</p>}</section>}
    </main>
  );
}

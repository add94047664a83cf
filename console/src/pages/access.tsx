// SPDX-License-Identifier: Apache-2.0
// Who may do what here, and what to give a client so that it finds this server.
import {useState} from 'preact/hooks';
import {Copy} from '../parts/copy';
import {useTitle} from '../parts/hooks';
import {currentSession} from '../session';
import {Keys} from './keys';
import {makeSnippets} from './snippets';

function Endpoints() {
  const {server, credentials} = currentSession();
  const [url, setUrl] = useState(location.origin);
  const [chosen, setChosen] = useState(0);
  const snippets = makeSnippets({url, httpsUrl: server.httpsUrl, region: server.region, accessKeyId: credentials.accessKeyId, hasOwnCa: server.caFingerprint !== undefined});
  const snippet = snippets[chosen];
  const addresses = [...new Set([location.origin, server.httpsUrl])];
  return (
    <section class="card" aria-labelledby="endpoints">
      <div class="page-head">
        <h2 id="endpoints">Connect a client</h2>
        <label class="inline">Address <select value={url} onChange={(event) => setUrl(event.currentTarget.value)}>{addresses.map((each) => <option>{each}</option>)}</select></label>
      </div>
      <div class="tools tabs">
        <span class="group" role="group" aria-label="Client">{snippets.map(({name}, i) => <button aria-pressed={i === chosen} onClick={() => setChosen(i)}>{name}</button>)}</span>
        <span class="spring" />
        {snippet && <Copy text={snippet.text} of={`the lines for ${snippet.name}`} />}
      </div>
      {snippet && <pre tabIndex={0} aria-label={`Lines for ${snippet.name}`}>{snippet.text}</pre>}
      {server.caFingerprint && (
        <p class="after">Over HTTPS clients must trust <a href="ca.pem" download>tidegate-ca.pem</a>, SHA-256 <code class="fingerprint">{server.caFingerprint}</code></p>
      )}
    </section>
  );
}

export function AccessPage() {
  useTitle('Access');
  return (
    <>
      <div class="page-head"><h1>Access</h1></div>
      <Endpoints />
      <div class="after"><Keys /></div>
    </>
  );
}

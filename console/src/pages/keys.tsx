// SPDX-License-Identifier: Apache-2.0
// Access keys: who has one, what it may do, and making and revoking them.
import {useState} from 'preact/hooks';
import {attachPolicy, detachPolicy, type KeyFacts, listKeys, makeKey, type NewKey, type Policy, revokeKey} from '../api/own';
import {when} from '../format';
import {Copy} from '../parts/copy';
import {Dialog} from '../parts/dialog';
import {usePolled} from '../parts/hooks';
import {currentSession} from '../session';
import {policyChoices} from './policies';

type Open = {kind: 'create'} | {kind: 'made'; made: NewKey} | {kind: 'revoke' | 'policy'; facts: KeyFacts} | {kind: 'detach'; facts: KeyFacts; policy: string};

const namePattern = /^[\w+=,.@-]{1,64}$/;

function pretty(document: string): string {
  try {
    return JSON.stringify(JSON.parse(document), null, 2);
  } catch {
    return document;
  }
}

function Rights({facts, onDetach}: {facts: KeyFacts; onDetach: (policy: string) => void}) {
  if (facts.allRights) return <>everything</>;
  if (facts.issuedFrom !== undefined && facts.policies.length === 0) return <>those of its key</>;
  if (facts.policies.length === 0) return <>nothing: no policy</>;
  return <>{facts.policies.map(({name, document}) => (
    <details><summary>{name}</summary><pre>{pretty(document)}</pre>
      <button class="quiet" onClick={() => onDetach(name)} aria-label={`Take the policy ${name} from ${facts.name}`}>Take it away</button></details>))}</>;
}

/** A ready policy by its purpose, or one that is written here; what stands in the field is what counts. */
function PolicyFields({keyName, policy, onPolicy, mayBeNone}: {keyName: string; policy: Policy | undefined; onPolicy: (policy: Policy | undefined) => void; mayBeNone: boolean}) {
  const [chosen, setChosen] = useState('');
  const choose = (id: string) => {
    setChosen(id);
    const choice = policyChoices.find((each) => each.id === id);
    onPolicy(choice ? {name: choice.id, document: choice.document(keyName)} : id === 'own' ? {name: 'own', document: ''} : undefined);
  };
  const about = policyChoices.find(({id}) => id === chosen)?.about;
  return (
    <>
      <label>May do<select name="rights" value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{mayBeNone ? 'Nothing yet' : 'Choose'}</option>
        {policyChoices.map(({id, title}) => <option value={id}>{title}</option>)}
        <option value="own">What I write</option>
      </select></label>
      {about && <p class="faint">{about}</p>}
      {policy && (
        <>
          <label>Name of the policy<input name="policy-name" value={policy.name} required onInput={(event) => onPolicy({...policy, name: event.currentTarget.value})} spellcheck={false} /></label>
          <label>Policy, as IAM writes it<textarea name="document" class="mono" rows={9} value={policy.document} required onInput={(event) => onPolicy({...policy, document: event.currentTarget.value})} spellcheck={false} /></label>
        </>
      )}
    </>
  );
}

const isWhole = (policy: Policy) => namePattern.test(policy.name) && policy.document.trim() !== '';

function CreateDialog({onClose, onMade}: {onClose: () => void; onMade: (made: NewKey) => void}) {
  const [name, setName] = useState('');
  const [policy, setPolicy] = useState<Policy>();
  return (
    <Dialog title="New access key" action="Make the key" isReady={namePattern.test(name) && (!policy || isWhole(policy))} onClose={onClose}
      onAct={async () => onMade(await makeKey(name, policy ? [policy] : []))}>
      <label>Whose it is<input name="key-name" value={name} required onInput={(event) => setName(event.currentTarget.value)} placeholder="camera-7" spellcheck={false} /></label>
      <PolicyFields keyName={name} policy={policy} onPolicy={setPolicy} mayBeNone />
    </Dialog>
  );
}

function MadeDialog({made, onClose}: {made: NewKey; onClose: () => void}) {
  return (
    <Dialog title={`The key of ${made.name}`} action="I have kept it" isOnlyWay onClose={onClose} onAct={() => Promise.resolve()}>
      <p class="notice warn">The secret is shown this once. The server keeps it sealed and tells nobody again.</p>
      <div><h3>Access key</h3><div class="tools"><code class="made-id">{made.accessKeyId}</code><span class="spring" /><Copy text={made.accessKeyId} of="the access key" /></div></div>
      <div><h3>Secret</h3><div class="tools"><code class="made-secret">{made.secretAccessKey}</code><span class="spring" /><Copy text={made.secretAccessKey} of="the secret" /></div></div>
    </Dialog>
  );
}

function PolicyDialog({facts, onClose}: {facts: KeyFacts; onClose: () => void}) {
  const [policy, setPolicy] = useState<Policy>();
  const replaces = facts.policies.some(({name}) => name === policy?.name);
  return (
    <Dialog title={`A policy for ${facts.name}`} action={replaces ? 'Replace' : 'Attach'} isReady={policy !== undefined && isWhole(policy)} onClose={onClose}
      onAct={async () => { if (policy) await attachPolicy(facts.accessKeyId, policy); }}>
      <PolicyFields keyName={facts.name} policy={policy} onPolicy={setPolicy} mayBeNone={false} />
      {replaces && <p class="notice">It replaces the policy of this name.</p>}
    </Dialog>
  );
}

function RevokeDialog({facts, onClose}: {facts: KeyFacts; onClose: () => void}) {
  const isOurs = facts.accessKeyId === currentSession().credentials.accessKeyId;
  return (
    <Dialog title={`Revoke the key of ${facts.name}`} action="Revoke" isDangerous onClose={onClose} onAct={async () => { await revokeKey(facts.accessKeyId); }}>
      <p><code>{facts.accessKeyId}</code> is refused from then on, with the temporary credentials that were issued from it. What it has opened ends, but for WebRTC
        connections that stand. Nothing brings it back.</p>
      {isOurs && <p class="notice bad">You are signed in with this key.</p>}
    </Dialog>
  );
}

function DetachDialog({facts, policy, onClose}: {facts: KeyFacts; policy: string; onClose: () => void}) {
  return (
    <Dialog title={`Take ${policy} from ${facts.name}`} action="Take it away" isDangerous onClose={onClose} onAct={async () => { await detachPolicy(facts.accessKeyId, policy); }}>
      <p>The key may no longer do what only this policy allows, nor is it denied what only this policy denies.</p>
    </Dialog>
  );
}

export function Keys() {
  const {value: keys, error, reload} = usePolled(listKeys, 10000);
  const {credentials} = currentSession();
  const [open, setOpen] = useState<Open>();
  const close = () => {
    // The dialog that has made a key closes when the one that shows it is open already.
    setOpen((old) => (old?.kind === 'made' ? old : undefined));
    reload();
  };
  return (
    <section aria-labelledby="keys">
      <div class="page-head"><h2 id="keys">Access keys</h2>{keys && <button class="primary" onClick={() => setOpen({kind: 'create'})}>New key</button>}</div>
      {error && <p class="notice" role="alert">{error.message}</p>}
      {keys && (
        <div class="table" role="region" aria-label="Access keys" tabIndex={0}>
          <table class="stacks" role="table">
            <thead role="rowgroup"><tr role="row"><th role="columnheader">Name</th><th role="columnheader">Access key</th><th role="columnheader">Made</th><th role="columnheader">Ends</th><th role="columnheader">May do</th><th role="columnheader"><span class="hidden">Actions</span></th></tr></thead>
            <tbody role="rowgroup">{keys.map((facts) => (
              <tr role="row" key={facts.accessKeyId}>
                <td role="cell" class="stack-head">{facts.name}</td>
                <td role="cell" data-label="Access key" class="mono"><span>{facts.accessKeyId}{facts.accessKeyId === credentials.accessKeyId && <span class="faint"> (yours)</span>}</span></td>
                <td role="cell" data-label="Made">{facts.created === undefined ? '' : when(facts.created)}</td>
                <td role="cell" data-label="Ends">{facts.expires === undefined ? '' : when(facts.expires)}</td>
                <td role="cell" data-label="May do" class="rights"><Rights facts={facts} onDetach={(policy) => setOpen({kind: 'detach', facts, policy})} /></td>
                <td role="cell" class="actions">{!facts.allRights && (
                  <>
                    <button onClick={() => setOpen({kind: 'policy', facts})} aria-label={`Add policy to ${facts.name}`}>Add policy</button>
                    <button class="danger" onClick={() => setOpen({kind: 'revoke', facts})} aria-label={`Revoke the key of ${facts.name}`}>Revoke</button>
                  </>)}</td>
              </tr>))}</tbody>
          </table>
        </div>
      )}
      <p class="faint after">The server's own key is changed where it is configured. Beside the server <code>tidegate key</code> does all of this too, and issues temporary credentials.</p>
      {open?.kind === 'create' && <CreateDialog onClose={close} onMade={(made) => setOpen({kind: 'made', made})} />}
      {open?.kind === 'made' && <MadeDialog made={open.made} onClose={() => setOpen(undefined)} />}
      {open?.kind === 'revoke' && <RevokeDialog facts={open.facts} onClose={close} />}
      {open?.kind === 'policy' && <PolicyDialog facts={open.facts} onClose={close} />}
      {open?.kind === 'detach' && <DetachDialog facts={open.facts} policy={open.policy} onClose={close} />}
    </section>
  );
}

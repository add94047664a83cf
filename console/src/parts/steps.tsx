// SPDX-License-Identifier: Apache-2.0
import type {SessionFacts} from '../api/own';

const names: Record<string, string> = {
  offer_sent: 'Offer sent', offer_received: 'Offer received', answered: 'Answered', first_candidate: 'First address named', first_check: 'First path tried',
  ice_connected: 'Path found (ICE)', dtls_connected: 'Encrypted (DTLS)', first_rtp: 'First packet', first_frame: 'First frame', first_key_frame: 'First key frame',
  first_fragment_durable: 'First fragment on disk',
};
const expected = (role: string) => ['offer_sent', 'answered', 'first_candidate', 'first_check', 'ice_connected', 'dtls_connected',
  ...(role === 'MASTER' ? ['first_rtp', 'first_frame', 'first_key_frame', 'first_fragment_durable'] : [])];

/** What a connection has come to, with times since its join; what is still to come is faint. */
export function Steps({session}: {session: Pick<SessionFacts, 'role' | 'steps' | 'state'>}) {
  const reached = session.steps.map(({step, milliseconds}) => ({step, milliseconds}));
  const missing = expected(session.role).filter((step) => !reached.some((each) => each.step === step) && !(step === 'offer_sent' && reached.some((each) => each.step === 'offer_received')));
  return (
    <ol class="steps">
      {reached.map(({step, milliseconds}) => <li class="done" data-step={step}><span>{names[step] ?? step}</span><span class="mono">{milliseconds} ms</span></li>)}
      {missing.map((step) => <li class="faint"><span>{names[step] ?? step}</span><span>{session.state === 'ended' ? 'never' : 'not yet'}</span></li>)}
    </ol>
  );
}

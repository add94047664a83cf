// SPDX-License-Identifier: Apache-2.0
import {stateName} from '../format';

const tones: Record<string, string> = {
  recording: 'good', connected: 'warn', connecting: 'warn', waiting: 'warn', offered: 'warn', ended: 'idle', offline: 'idle', peer_to_peer: 'info',
};

/** A word with a mark; the mark has a shape of its own for those who do not tell the colours apart. */
export function State({state}: {state: string}) {
  return <span class={`state ${tones[state] ?? 'idle'}`}><i aria-hidden="true" />{stateName(state)}</span>;
}

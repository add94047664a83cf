// SPDX-License-Identifier: Apache-2.0
import {useState} from 'preact/hooks';

/** `of`: what is copied, for those who do not see what stands beside it. */
export function Copy({text, of}: {text: string; of: string}) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return <button type="button" onClick={() => void copy().catch(() => {})} aria-label={`Copy ${of}`}>{copied ? 'Copied' : 'Copy'}</button>;
}

// SPDX-License-Identifier: Apache-2.0
import type {ComponentChildren} from 'preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {messageOf} from '../api/clients';

interface Props {
  title: string;
  action: string;
  isDangerous?: boolean;
  /** There is nothing to cancel: what it tells has happened. */
  isOnlyWay?: boolean;
  /** May the action be taken now? */
  isReady?: boolean;
  onClose: () => void;
  /** Closes when it ends well; else says why not. */
  onAct: () => Promise<void>;
  children: ComponentChildren;
}

/** The browser's own modal dialog: focus, Escape and the backdrop are its business. */
export function Dialog({title, action, isDangerous, isOnlyWay, isReady = true, onClose, onAct, children}: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string>();
  useEffect(() => element.current?.showModal(), []);
  const act = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setTrouble(undefined);
    try {
      await onAct();
      onClose();
    } catch (error) {
      setTrouble(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <dialog ref={element} onClose={onClose} aria-labelledby="dialog-title">
      <form onSubmit={act}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        {trouble && <p class="notice bad" role="alert">{trouble}</p>}
        <div class="tools">
          <button class={isDangerous ? 'danger' : 'primary'} disabled={busy || !isReady}>{busy ? 'Working' : action}</button>
          {!isOnlyWay && <button type="button" onClick={() => element.current?.close()}>Cancel</button>}
        </div>
      </form>
    </dialog>
  );
}

/** What the development wallet was asked to sign and waits to be told: approve or reject. */

import { useSyncExternalStore } from "react";

export interface Approval {
  readonly account: string;
  /** What would be signed, as the wallet got it. */
  readonly document: unknown;
  readonly answer: (approved: boolean) => void;
}

let pending: Approval | null = null;
const listeners = new Set<() => void>();

/**
 * Ask the person; resolves with what they say. A second request replaces, and so rejects, the first.
 * Where no dialog is shown there is nobody to ask: the answer is no.
 */
export function askApproval(account: string, document: unknown): Promise<boolean> {
  rejectApproval();
  if (listeners.size === 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const approval: Approval = {
      account,
      document,
      answer: (approved) => {
        if (pending === approval) change(null);
        resolve(approved);
      },
    };
    change(approval);
  });
}

/** Answer an open request with no: its dialog is going away. */
export function rejectApproval(): void {
  pending?.answer(false);
}

export function useApproval(): Approval | null {
  return useSyncExternalStore(subscribe, readApproval);
}

export function readApproval(): Approval | null {
  return pending;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(next: Approval | null): void {
  pending = next;
  for (const listener of listeners) listener();
}

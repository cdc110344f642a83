import { useSyncExternalStore } from "react";

interface Toast {
  id: number;
  text: string;
}

const SHOWN_FOR_MS = 6000;
let toasts: readonly Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

/** Shows a sentence for some seconds; it is also read out. */
export function toast(text: string): void {
  last += 1;
  const id = last;
  change([...toasts, { id, text }].slice(-3));
  setTimeout(() => change(toasts.filter((each) => each.id !== id)), SHOWN_FOR_MS);
}

/** The list of short messages, above everything else. */
export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div
      role="status"
      className="pointer-events-none fixed right-4 bottom-20 z-50 flex max-w-[calc(100%-2rem)] flex-col gap-2 lg:bottom-4"
    >
      {shown.map((each) => (
        <p key={each.id} className="rounded-md bg-ink px-3 py-2 text-canvas shadow-lg">
          {each.text}
        </p>
      ))}
    </div>
  );
}

function change(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

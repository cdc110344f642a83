/** What is verified: the entries, the proof, and what may lie beside them. */

/** The bytes of one proof: the log entry, its proof, and the chain evidence if there is any. */
export interface Bundle extends Beside {
  readonly event: Uint8Array;
}

/** The bytes of a proof of many entries: `events` is a whole NAME.events file. */
export interface EventsBundle extends Beside {
  readonly events: Uint8Array;
  /** The file that shows the stream complete, of which `proof` is then the batch proof. */
  readonly stream: Uint8Array | null;
}

interface Beside {
  readonly proof: Uint8Array;
  readonly anchor: Uint8Array | null;
  /** A file of disclosed values. */
  readonly personal?: Uint8Array | null;
  /** Bundles of erasure events. */
  readonly erasures?: readonly Bundle[];
}

export type AnyBundle = Bundle | EventsBundle;

export function isSingle(bundle: AnyBundle): bundle is Bundle {
  return "event" in bundle;
}

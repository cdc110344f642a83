import { affectedBy, distinct, everythingLive } from "./affected.ts";

export type StreamState = "connecting" | "live" | "polling" | "off";

/** What the stream needs of its surroundings; tests bring their own. */
export interface Surroundings {
  open: (url: string) => EventSource;
  hidden: () => boolean;
  /** Calls back when the page is shown or hidden, or the network returns. */
  onChange: (listener: () => void) => () => void;
  refresh: (keys: readonly (readonly unknown[])[]) => void;
  after: (milliseconds: number, work: () => void) => () => void;
}

interface Notice {
  position: number;
  type: string;
}

const FAILURES_BEFORE_POLLING = 3;
const LONGEST_WAIT_MS = 30_000;
const FLUSH_MS = 150;

/**
 * One subscription to the caller's own events.
 *
 * Each event names what it changes, and only that is asked again, in batches. A hidden page asks
 * nothing and holds no connection: a browser opens six to one server (HTTP/1.1), for all its tabs
 * together. Once shown it goes on from its last position. The browser reconnects by itself with Last-Event-ID; where the server refuses,
 * we try again with growing waits from the last position, and after three failures call it polling.
 */
export class LiveStream {
  #state: StreamState = "off";
  #source: EventSource | null = null;
  #position: number | null;
  #failures = 0;
  #begun = false;
  #pending: (readonly unknown[])[] = [];
  #cancelFlush: (() => void) | null = null;
  #cancelRetry: (() => void) | null = null;
  #forget: () => void = () => undefined;
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly around: Surroundings,
    after: number | null = null,
  ) {
    this.#position = after;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): StreamState => this.#state;

  start(): void {
    this.#forget = this.around.onChange(() => this.#woken());
    this.#connect();
  }

  /** Ends the subscription; nothing is asked again after it. */
  stop(): void {
    this.#forget();
    this.#disconnect();
    this.#cancelFlush?.();
    this.#pending = [];
    this.#become("off");
  }

  #connect(): void {
    this.#cancelRetry = null;
    if (this.#failures === 0) this.#become("connecting");
    const query = this.#position === null ? "" : `?after=${this.#position}`;
    const source = this.around.open(`/api/v1/events/stream${query}`);
    this.#source = source;
    source.addEventListener("open", () => this.#opened());
    source.addEventListener("error", () => this.#failed(source));
    source.addEventListener("event", (message) => this.#heard(message));
  }

  #opened(): void {
    this.#failures = 0;
    if (!this.#begun) {
      this.#begun = true;
      // What happened between the first requests and the stream's beginning is in neither.
      this.around.refresh(everythingLive());
    }
    this.#become("live");
  }

  #failed(source: EventSource): void {
    if (source !== this.#source) return;
    this.#failures += 1;
    this.#become(this.#failures >= FAILURES_BEFORE_POLLING ? "polling" : "connecting");
    if (source.readyState !== source.CLOSED) return; // the browser tries again by itself
    const wait = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** (this.#failures - 1));
    this.#cancelRetry = this.around.after(wait, () => this.#connect());
  }

  #heard(message: Event): void {
    const notice = parsed(message);
    if (notice === null) return;
    this.#position = Math.max(this.#position ?? 0, notice.position);
    this.#pending.push(...affectedBy(notice.type));
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#cancelFlush !== null || this.around.hidden()) return;
    this.#cancelFlush = this.around.after(FLUSH_MS, () => {
      this.#cancelFlush = null;
      if (this.around.hidden()) return;
      const keys = distinct(this.#pending);
      this.#pending = [];
      if (keys.length > 0) this.around.refresh(keys);
    });
  }

  #woken(): void {
    if (this.around.hidden()) {
      this.#disconnect();
      return;
    }
    if (this.#pending.length > 0) this.#flushSoon();
    const waiting = this.#cancelRetry !== null;
    if (waiting || this.#source === null) {
      this.#disconnect();
      this.#connect();
    }
  }

  #disconnect(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#source?.close();
    this.#source = null;
  }

  #become(state: StreamState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

function parsed(message: Event): Notice | null {
  if (!(message instanceof MessageEvent) || typeof message.data !== "string") return null;
  try {
    const found: unknown = JSON.parse(message.data);
    if (typeof found !== "object" || found === null) return null;
    const { position, type } = found as Record<string, unknown>;
    return typeof position === "number" && typeof type === "string" ? { position, type } : null;
  } catch {
    return null; // a notice that cannot be read changes nothing; the status still polls
  }
}

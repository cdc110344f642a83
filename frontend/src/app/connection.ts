import { useEffect, useState } from "react";
import { useStatus } from "../api/queries/platform.ts";
import type { StreamState } from "../live/stream.ts";

export interface Connection {
  word: string;
  tone: "good" | "warn" | "bad" | "neutral";
  /** What it means for what is on the page. */
  detail: string;
}

const STALE_MS = 15_000;
const TICK_MS = 5000;

/** How fresh the page is, judged by the last answer as well as by the stream. */
export function useConnection(stream: StreamState): Connection {
  const status = useStatus();
  const now = useNow();
  const answered = status.dataUpdatedAt;
  const age = answered === 0 ? null : now - answered;
  return connection({ stream, failing: status.isError, age, online: navigator.onLine });
}

interface Facts {
  stream: StreamState;
  failing: boolean;
  /** Milliseconds since the last answer; null before the first. */
  age: number | null;
  online: boolean;
}

/** The connection's state in a word. The stream alone proves nothing: it can hang half open. */
export function connection({ stream, failing, age, online }: Facts): Connection {
  const shown = age === null ? "Nothing was loaded yet." : `Figures are ${seconds(age)} old.`;
  if (!online) return { word: "Offline", tone: "bad", detail: `No network. ${shown}` };
  if (failing) return { word: "Not answering", tone: "bad", detail: `No answer. ${shown}` };
  if (age === null) return { word: "Connecting", tone: "neutral", detail: shown };
  if (age > STALE_MS) return { word: "Stale", tone: "warn", detail: shown };
  if (stream === "polling") {
    return { word: "Polling", tone: "warn", detail: "No event stream: asked every 8 seconds." };
  }
  if (stream === "live") {
    return { word: "Live", tone: "good", detail: "Every event of yours is shown as it comes." };
  }
  if (stream === "connecting") return { word: "Connecting", tone: "neutral", detail: shown };
  return { word: "Connected", tone: "neutral", detail: "Signed out: public figures only." };
}

function seconds(age: number): string {
  return `${Math.max(1, Math.round(age / 1000))} s`;
}

function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { everythingLive } from "./affected.ts";
import { LiveStream, type StreamState, type Surroundings } from "./stream.ts";

const POLL_MS = 8000;

/** Keeps what is shown fresh while somebody is signed in: by the stream, else by asking. */
export function useLive(participantId: string | null, logSize: number | null): StreamState {
  const client = useQueryClient();
  const [stream, setStream] = useState<LiveStream | null>(null);
  const ready = participantId !== null && logSize !== null;
  // The log's size is only where the stream begins; its growth must not start another one.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (!ready) return;
    const begun = new LiveStream(surroundings(client), Math.max(0, (logSize ?? 0) - 1));
    begun.start();
    setStream(begun);
    return () => begun.stop();
  }, [client, participantId, ready]);
  const state = useSyncExternalStore(
    (listener) => stream?.subscribe(listener) ?? (() => undefined),
    () => stream?.state() ?? "off",
  );
  usePolling(client, state === "polling");
  return ready ? state : "off";
}

function usePolling(client: QueryClient, on: boolean): void {
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => {
      if (!document.hidden) refresh(client, everythingLive());
    }, POLL_MS);
    return () => clearInterval(timer);
  }, [client, on]);
}

function surroundings(client: QueryClient): Surroundings {
  return {
    open: (url) => new EventSource(url),
    hidden: () => document.hidden,
    onChange: (listener) => {
      document.addEventListener("visibilitychange", listener);
      window.addEventListener("online", listener);
      return () => {
        document.removeEventListener("visibilitychange", listener);
        window.removeEventListener("online", listener);
      };
    },
    refresh: (keys) => refresh(client, keys),
    after: (milliseconds, work) => {
      const timer = setTimeout(work, milliseconds);
      return () => clearTimeout(timer);
    },
  };
}

function refresh(client: QueryClient, found: readonly (readonly unknown[])[]): void {
  for (const queryKey of found) void client.invalidateQueries({ queryKey });
}

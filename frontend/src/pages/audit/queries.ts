import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client.ts";
import { keys } from "../../api/keys.ts";
import { fetchProof } from "../verify/sample.ts";

const PAGE = 50;

/** The log's signed head and where it stands; no event tells of its lag, so it is asked again. */
export function useLog() {
  return useQuery({
    queryKey: keys.log,
    queryFn: () => unwrap(api.GET("/api/v1/log")),
    refetchInterval: 10_000,
  });
}

/** The anchors, the newest first. */
export function useAnchors() {
  return useInfiniteQuery({
    queryKey: [...keys.anchors, "list"],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/api/v1/anchors", {
          params: { query: { limit: 20, ...(pageParam === null ? {} : { cursor: pageParam }) } },
        }),
      ),
    getNextPageParam: (last) => last.next_cursor ?? null,
  });
}

export interface EventFilter {
  /** What the type begins with, such as `settlement.`; empty for all. */
  readonly type: string;
  readonly stream: string;
}

/** The caller's events, the newest first. */
export function useEvents({ type, stream }: EventFilter) {
  return useInfiniteQuery({
    queryKey: [...keys.events, "list", type, stream],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/api/v1/events", {
          params: {
            query: {
              order: "desc",
              limit: PAGE,
              ...(type === "" ? {} : { type }),
              ...(stream === "" ? {} : { stream_id: stream }),
              ...(pageParam === null ? {} : { cursor: pageParam }),
            },
          },
        }),
      ),
    getNextPageParam: (last) => last.next_cursor ?? null,
  });
}

/** One event. */
export function useEvent(eventId: string) {
  return useQuery({
    queryKey: [...keys.events, "one", eventId],
    queryFn: () =>
      unwrap(api.GET("/api/v1/events/{event_id}", { params: { path: { event_id: eventId } } })),
  });
}

/** The events of one stream, in order, as far as one page goes. */
export function useStream(streamId: string | undefined) {
  return useQuery({
    queryKey: [...keys.events, "stream", streamId ?? ""],
    enabled: streamId !== undefined,
    queryFn: () =>
      unwrap(
        api.GET("/api/v1/events", {
          params: { query: { stream_id: streamId ?? "", limit: 200, order: "asc" } },
        }),
      ),
  });
}

/** An event's bundle. A refusal is an answer too: the event may be too new for a proof. */
export function useProof(eventId: string) {
  return useQuery({
    queryKey: ["proof", eventId],
    queryFn: () => fetchProof(eventId),
    retry: false,
    staleTime: 0,
  });
}

/** All events of a stream with the proof that none is missing. A refusal is an answer too. */
export function useStreamProof(streamId: string, tenantId: string | null) {
  return useQuery({
    queryKey: ["stream-proof", streamId, tenantId],
    queryFn: () =>
      unwrap(
        api.GET("/api/v1/streams/{stream_id}/proof", {
          params: {
            path: { stream_id: streamId },
            query: tenantId === null ? {} : { tenant_id: tenantId },
          },
        }),
      ),
    retry: false,
    staleTime: 0,
  });
}

/** Ask for the present size to be anchored. */
export function useAnchorNow() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => unwrap(api.POST("/api/v1/anchors")),
    onSettled: () => client.invalidateQueries({ queryKey: keys.anchors }),
  });
}

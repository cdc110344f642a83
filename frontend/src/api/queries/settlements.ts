import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../client.ts";
import { furthest } from "../furthest.ts";
import { keys } from "../keys.ts";
import type { SettlementDetail } from "../models.ts";

const PAGE = 25;

/** The caller's settlement instructions, newest first. */
export function useInstructions(enabled = true) {
  return useInfiniteQuery({
    queryKey: keys.instructions,
    enabled,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/api/v1/instructions", {
          params: { query: { limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } },
        }),
      ),
    getNextPageParam: (last) => last.next_cursor ?? null,
  });
}

/** One instruction with what there is to sign. */
export function useInstruction(instructionId: string) {
  return useQuery({
    queryKey: keys.instruction(instructionId),
    queryFn: () =>
      unwrap(
        api.GET("/api/v1/instructions/{instruction_id}", {
          params: { path: { instruction_id: instructionId } },
        }),
      ),
  });
}

/** All settlements of the venue, newest first; for its operators and auditors. */
export function useSettlements(enabled = true) {
  return useInfiniteQuery({
    queryKey: keys.settlements,
    enabled,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/api/v1/settlements", {
          params: { query: { limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } },
        }),
      ),
    getNextPageParam: (last) => last.next_cursor ?? null,
  });
}

const EVERY_MS = 3000;

/**
 * A trade's way, of the caller's own instruction (`party`) or of the venue's process (`venue`).
 * It is asked again until it has ended, and an answer that is older than the last changes nothing.
 */
export function useTimeline(kind: "party" | "venue", id: string) {
  return useQuery({
    queryKey: keys.timeline(kind, id),
    queryFn: () => (kind === "party" ? partyTimeline(id) : venueTimeline(id)),
    structuralSharing: (previous, next) =>
      keepFurthest(previous as SettlementDetail | undefined, next as SettlementDetail),
    refetchInterval: (query) =>
      query.state.data?.timeline.outcome === "under_way" ? EVERY_MS : false,
  });
}

function keepFurthest(
  previous: SettlementDetail | undefined,
  next: SettlementDetail,
): SettlementDetail {
  if (previous === undefined) return next;
  const merged = furthest(previous.timeline, next.timeline);
  return { ...(merged.older ? previous : next), timeline: merged.timeline };
}

const partyTimeline = (id: string) =>
  unwrap(
    api.GET("/api/v1/instructions/{instruction_id}/timeline", {
      params: { path: { instruction_id: id } },
    }),
  );

const venueTimeline = (id: string) =>
  unwrap(api.GET("/api/v1/settlements/{trade_id}", { params: { path: { trade_id: id } } }));

import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../client.ts";
import { keys } from "../keys.ts";

/** The log's newest signed head. */
export function useLogHead() {
  return useQuery({
    queryKey: keys.log,
    queryFn: () => unwrap(api.GET("/api/v1/log")),
    refetchInterval: 10_000,
  });
}

/** The newest anchors on chain, the newest first. */
export function useNewestAnchors(limit = 5) {
  return useQuery({
    queryKey: [...keys.anchors, "newest", limit],
    queryFn: () => unwrap(api.GET("/api/v1/anchors", { params: { query: { limit } } })),
  });
}

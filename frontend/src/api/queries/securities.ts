import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, unwrap } from "../client.ts";
import { keys } from "../keys.ts";
import type { Security } from "../models.ts";

const PAGE = 200;

/** All registered securities, page by page. */
export function useSecurities(enabled = true) {
  return useQuery({
    queryKey: keys.securities,
    queryFn: allSecurities,
    enabled,
    staleTime: 300_000,
  });
}

async function allSecurities(): Promise<Security[]> {
  const found: Security[] = [];
  let cursor: string | null = null;
  do {
    const query: { limit: number; cursor?: string } = { limit: PAGE };
    if (cursor !== null) query.cursor = cursor;
    const answer = await unwrap(api.GET("/api/v1/securities", { params: { query } }));
    found.push(...answer.items);
    cursor = answer.next_cursor ?? null;
  } while (cursor !== null);
  return found;
}

/** Securities by id; empty until they are loaded. */
export function useSecurityNames(enabled = true): ReadonlyMap<string, Security> {
  const { data } = useSecurities(enabled);
  return useMemo(() => new Map((data ?? []).map((each) => [each.security_id, each])), [data]);
}

/** The last close on or before a day. */
export function usePrice(securityId: string | null, on: string | null) {
  return useQuery({
    queryKey: keys.price(securityId ?? "", on ?? ""),
    enabled: securityId !== null && on !== null,
    queryFn: () =>
      unwrap(
        api.GET("/api/v1/securities/{security_id}/price", {
          params: { path: { security_id: securityId ?? "" }, query: { on: on ?? "" } },
        }),
      ),
    retry: false,
  });
}

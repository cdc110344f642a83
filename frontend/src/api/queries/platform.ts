import { useQuery } from "@tanstack/react-query";
import { api, unwrap } from "../client.ts";
import { keys } from "../keys.ts";

const STATUS_EVERY_MS = 4000;

/** The deployment: chain, contracts, log, development mode. It does not change while a page lives. */
export function useConfig() {
  return useQuery({
    queryKey: keys.config,
    queryFn: () => unwrap(api.GET("/api/v1/config")),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Business time, chain, log and breakers, asked every few seconds while the page is seen. */
export function useStatus() {
  return useQuery({
    queryKey: keys.status,
    queryFn: () => unwrap(api.GET("/api/v1/status")),
    refetchInterval: STATUS_EVERY_MS,
    retry: false,
  });
}

/** The business date, or null before the first answer. */
export function useBusinessDate(): string | null {
  return useStatus().data?.now.slice(0, 10) ?? null;
}

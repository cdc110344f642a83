import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "../client.ts";
import { keys } from "../keys.ts";

interface Change {
  scope: string;
  act: "trip" | "reset";
  reason: string;
}

/** All breakers with who changed them last. */
export function useBreakers(enabled = true) {
  return useQuery({
    queryKey: keys.breakers,
    enabled,
    queryFn: () => unwrap(api.GET("/api/v1/circuit-breakers")),
  });
}

/** Stops trading in a scope, or lets it go on; an operator's right. */
export function useChangeBreaker() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ scope, act, reason }: Change) => {
      const options = { params: { path: { scope } }, body: { reason } };
      return unwrap(
        act === "trip"
          ? api.POST("/api/v1/circuit-breakers/{scope}/trip", options)
          : api.POST("/api/v1/circuit-breakers/{scope}/reset", options),
      );
    },
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: keys.status }),
        client.invalidateQueries({ queryKey: keys.breakers }),
      ]),
  });
}

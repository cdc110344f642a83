import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, idempotencyKey, unwrap } from "../../api/client.ts";
import { keys } from "../../api/keys.ts";

interface Submission {
  readonly signature: string;
  /** One for each signature; a retry after a lost answer keeps it. */
  readonly key: string;
}

/** Send a consent whose signer was recovered before. */
export function useSubmit(instructionId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ signature, key }: Submission) =>
      unwrap(
        api.POST("/api/v1/instructions/{instruction_id}/signature", {
          params: {
            path: { instruction_id: instructionId },
            header: { "Idempotency-Key": key },
          },
          body: { signature },
        }),
      ),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.instructions });
      void client.invalidateQueries({ queryKey: keys.timeline("party", instructionId) });
    },
  });
}

export const newKey = idempotencyKey;

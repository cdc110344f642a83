import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useConfig } from "../../api/queries/platform.ts";
import type { Part, ProofFiles } from "../../proof/files.ts";
import type { Trust } from "../../proof/trust.ts";
import { chooseProfile } from "../../proof/verifier.ts";
import { fetchServerInputs, serverTrust } from "./serverInputs.ts";

export interface Completed {
  readonly files: ProofFiles;
  readonly fromServer: readonly Part[];
  readonly trust: Trust | null;
  readonly loading: boolean;
}

/** The given files, completed by the server's policy, keys and registry where the reader has none. */
export function useServerTrust(given: ProofFiles): Completed {
  const config = useConfig().data;
  const wanted = !given.policy || !given.keys;
  const inputs = useQuery({
    queryKey: ["log-inputs"],
    queryFn: fetchServerInputs,
    enabled: wanted,
    staleTime: 60_000,
    retry: false,
  });
  return useMemo(() => {
    const policy = given.policy ?? inputs.data?.policy ?? null;
    const keys = given.keys ?? (isForeign(given) ? null : (inputs.data?.keys ?? null));
    const fromServer: Part[] = [];
    if (!given.policy && policy) fromServer.push("policy");
    if (!given.keys && keys) fromServer.push("keys");
    const trust = !given.trust && config ? serverTrust(config) : null;
    if (trust) fromServer.push("trust");
    const loading = wanted && inputs.isPending && inputs.fetchStatus === "fetching";
    return { files: { ...given, policy, keys }, fromServer, trust, loading };
  }, [given, inputs.data, inputs.isPending, inputs.fetchStatus, config, wanted]);
}

/** A proof of another log, brought with its own policy: our event keys say nothing of it. */
function isForeign({ event, policy, proof }: ProofFiles): boolean {
  if (!event || !policy || !proof) return false;
  return chooseProfile({ event, proof, anchor: null }, null) === "c2sp";
}

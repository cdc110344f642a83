/** Trust inputs from the server that serves this page: its own word, and always named so. */

import { networkError, problemError } from "../../api/errors.ts";
import { parsePrefixedHex } from "../../proof/encoding.ts";
import type { ProofFiles } from "../../proof/files.ts";
import type { Trust } from "../../proof/trust.ts";

/** The server's policy and keys, as files. */
export async function fetchServerInputs(): Promise<ProofFiles> {
  const [policy, keys] = await Promise.all([fetchBytes("/log/policy"), fetchBytes("/log/keys")]);
  return { policy, keys };
}

async function fetchBytes(path: string): Promise<Uint8Array> {
  const response = await fetch(path).catch((cause: unknown) => {
    throw networkError(cause);
  });
  if (!response.ok) throw problemError(response, null);
  return new Uint8Array(await response.arrayBuffer());
}

/** The registry and chain that the server names; no block of it is trusted. */
export function serverTrust(config: { chain_id: number; registry_contract: string }): Trust {
  const registry = config.registry_contract.toLowerCase();
  return {
    chainId: BigInt(config.chain_id),
    registry: parsePrefixedHex(registry, "the registry address", 20),
    codeHash: null,
    blocks: new Map(),
  };
}

/** An EIP-1193 provider for tests: a real key that signs, and the ways in which wallets go wrong. */

import { createHash } from "node:crypto";
import { privateKeyToAccount } from "viem/accounts";
import { type Provider, ProviderError, type RpcRequest } from "./eip1193.ts";

export const keyOf = (name: string) =>
  privateKeyToAccount(`0x${createHash("sha256").update(name).digest("hex")}`);

interface Behaviour {
  readonly account?: string;
  readonly chainId?: string;
  readonly fails?: Readonly<Record<string, number>>;
  /** Signs with this key whatever account is asked for. */
  readonly signsWith?: string;
}

export interface FakeWallet extends Provider {
  readonly requests: RpcRequest[];
}

export function makeFakeWallet(owner: string, behaviour: Behaviour = {}): FakeWallet {
  const requests: RpcRequest[] = [];
  const signer = keyOf(behaviour.signsWith ?? owner);
  return {
    requests,
    async request(request) {
      requests.push(request);
      const code = behaviour.fails?.[request.method];
      if (code !== undefined) throw new ProviderError(code, `refused with ${code}`);
      if (request.method === "eth_chainId") return behaviour.chainId ?? "0x7a69";
      if (request.method === "eth_signTypedData_v4") {
        return signer.signTypedData(JSON.parse(String(request.params?.[1])));
      }
      if (request.method === "eth_requestAccounts" || request.method === "eth_accounts") {
        return [behaviour.account ?? keyOf(owner).address];
      }
      throw new ProviderError(4200, `${request.method} is not supported`);
    },
  };
}

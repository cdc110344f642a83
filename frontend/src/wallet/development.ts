/**
 * The development wallet: an EIP-1193 provider in front of the demonstration's test keys.
 *
 * The keys stay in a process of their own; this forwards to /api/v1/development/rpc, which exists
 * on a development chain and a loopback address only. It asks before every signature, as any wallet
 * does, so that what a newcomer learns here is the true way.
 */

import { askApproval } from "./approvals.ts";
import { type Provider, ProviderError, type RpcRequest, type Wallet } from "./eip1193.ts";

const PATH = "/api/v1/development/rpc";
const SIGNING = new Set(["eth_signTypedData_v4", "personal_sign"]);

type Approve = (account: string, document: unknown) => Promise<boolean>;

let lastId = 0;

export function makeDevelopmentProvider(approve: Approve = askApproval): Provider {
  return {
    async request({ method, params = [] }: RpcRequest): Promise<unknown> {
      if (SIGNING.has(method)) {
        const [account, document] = method === "personal_sign" ? [...params].reverse() : params;
        if (!(await approve(String(account), readDocument(document)))) {
          throw new ProviderError(4001, "User rejected the request.");
        }
      }
      return forward(method, params);
    },
  };
}

async function forward(method: string, params: readonly unknown[]): Promise<unknown> {
  lastId += 1;
  const response = await fetch(PATH, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: lastId, method, params }),
  });
  if (!response.ok) throw await refusal(response, method);
  const answer = (await response.json()) as { result?: unknown; error?: unknown };
  const error = answer.error as { code: number; message: string } | null | undefined;
  if (error) throw new ProviderError(error.code, error.message);
  return answer.result;
}

async function refusal(response: Response, method: string): Promise<ProviderError> {
  // 422: the method is not on the server's list, which EIP-1193 calls unsupported.
  if (response.status === 422) return new ProviderError(4200, `${method} is not supported.`);
  if (response.status === 401) return new ProviderError(4100, "The session has ended.");
  return new ProviderError(4900, `The development wallet answered ${response.status}.`);
}

function readDocument(document: unknown): unknown {
  if (typeof document !== "string") return document;
  try {
    return JSON.parse(document);
  } catch {
    return document;
  }
}

const wallet: Wallet = {
  info: {
    uuid: "6c1e8f0a-6a53-4b55-9e8e-3f5a8f6d7c11",
    name: "Development wallet (test keys)",
    icon: "",
    rdns: "tallystick.development",
  },
  provider: makeDevelopmentProvider(),
};

/** Whether a wallet is this one: by its provider, since anyone can announce a name. */
export function isDevelopmentWallet(candidate: Wallet | null): boolean {
  return candidate?.provider === wallet.provider;
}

/** Announce the wallet by EIP-6963 while the page lives; returns how to stop. */
export function announceDevelopmentWallet(): () => void {
  const announce = () => {
    const detail = Object.freeze({ info: wallet.info, provider: wallet.provider });
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  };
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
  return () => window.removeEventListener("eip6963:requestProvider", announce);
}

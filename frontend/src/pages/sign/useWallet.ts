import { useCallback, useEffect, useState } from "react";
import type { Wallet } from "../../wallet/eip1193.ts";
import { explainWalletError } from "../../wallet/errors.ts";
import { connectAccounts, readAccounts, readChainId } from "../../wallet/sign.ts";
import { type Address, sameAddress } from "../../wallet/trade.ts";

export interface Connection {
  readonly account: Address | null;
  readonly accounts: readonly Address[];
  readonly chainId: bigint | null;
  readonly error: string | null;
  readonly busy: boolean;
  readonly connect: () => Promise<void>;
}

/** A chosen wallet's account and chain, kept up with what it announces. */
export function useWallet(wallet: Wallet | null, wanted: Address): Connection {
  const [accounts, setAccounts] = useState<readonly Address[]>([]);
  const [chainId, setChainId] = useState<bigint | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    setAccounts([]);
    setChainId(null);
    setError(null);
    if (wallet === null) return;
    const { provider } = wallet;
    const onAccounts = (value: unknown) => setAccounts(readAccounts(value));
    const onChain = (value: unknown) => setChainId(toChain(value));
    provider.on?.("accountsChanged", onAccounts);
    provider.on?.("chainChanged", onChain);
    return () => {
      provider.removeListener?.("accountsChanged", onAccounts);
      provider.removeListener?.("chainChanged", onChain);
    };
  }, [wallet]);

  const connect = useCallback(async () => {
    if (wallet === null) return;
    setBusy(true);
    setError(null);
    try {
      const found = await connectAccounts(wallet.provider);
      setAccounts(found);
      setChainId(await readChainId(wallet.provider));
      if (found.length === 0) setError("The wallet gives this page no account.");
    } catch (failed) {
      setError(explainWalletError(failed));
    }
    setBusy(false);
  }, [wallet]);

  const account = accounts.find((each) => sameAddress(each, wanted)) ?? accounts[0] ?? null;
  return { account, accounts, chainId, error, busy, connect };
}

function toChain(value: unknown): bigint | null {
  return typeof value === "string" && /^0x[0-9a-fA-F]+$/.test(value) ? BigInt(value) : null;
}

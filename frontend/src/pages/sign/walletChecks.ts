import { sameAddress } from "../../wallet/trade.ts";
import type { Checked, Review } from "./review.ts";
import type { Connection } from "./useWallet.ts";

/** Whether the wallet can sign this trade: its account, and the chain it is on. */
export function walletChecks(
  { party, domain }: Pick<Review, "party" | "domain">,
  { account, chainId }: Pick<Connection, "account" | "chainId">,
): Checked[] {
  return [accountCheck(party, account), chainCheck(domain.chainId, chainId)];
}

function accountCheck(party: string, account: string | null): Checked {
  const name = "The wallet's account is the party";
  if (account === null) return { name, status: "wait", detail: "the wallet is not connected" };
  if (sameAddress(account, party)) return { name, status: "pass", detail: account };
  const detail = `the wallet offers ${account}; the trade is signed by ${party}`;
  return { name, status: "fail", detail };
}

function chainCheck(wanted: bigint, found: bigint | null): Checked {
  const name = "The wallet is on the trade's chain";
  if (found === null) return { name, status: "wait", detail: "the wallet is not connected" };
  if (found === wanted) return { name, status: "pass", detail: `chain ${found}` };
  return {
    name,
    status: "fail",
    detail: `the wallet is on chain ${found}; switch it to ${wanted}`,
  };
}

/** Amounts of wei for people. */

import {
  compareDecimals,
  formatDecimal,
  formatRounded,
  signOf,
  times,
} from "../../format/decimal.ts";

const WEI = "0.000000000000000001";
const SMALLEST = "0.000000001";

/** Wei as ether, rounded to a gwei; what is less than one and not nothing is said so. */
export function formatEther(wei: string): string {
  const ether = times(wei, WEI);
  if (signOf(ether) > 0 && compareDecimals(ether, SMALLEST) < 0) return `under ${SMALLEST} ETH`;
  return `${formatRounded(ether, 9).replace(/\.?0+$/, "")} ETH`;
}

/** The exact amount. */
export function formatWei(wei: string): string {
  return `${formatDecimal(wei)} wei`;
}

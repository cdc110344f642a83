import { formatEther, formatWei } from "./ether.ts";

/** An amount of wei as ether; the exact amount is in its title. */
export function Ether({ wei }: { wei: string }) {
  return (
    <span className="num" title={formatWei(wei)}>
      {formatEther(wei)}
    </span>
  );
}

import { classes } from "../../components/classes.ts";
import { StateWord } from "../../components/StateWord.tsx";
import { isDevelopmentWallet } from "../../wallet/development.ts";
import type { Wallet } from "../../wallet/eip1193.ts";

export const CLI = "cli";

interface Props {
  wallets: readonly Wallet[];
  /** A wallet's uuid, or CLI. */
  chosen: string;
  onChoose: (uuid: string) => void;
}

/** The wallets of this browser, and the command line for those without one. */
export function WalletPicker({ wallets, chosen, onChoose }: Props) {
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1 font-medium">Wallet</legend>
      {wallets.map((wallet) => (
        <Option
          key={wallet.info.uuid}
          name={wallet.info.name}
          icon={wallet.info.icon}
          marked={isDevelopmentWallet(wallet)}
          checked={chosen === wallet.info.uuid}
          onChoose={() => onChoose(wallet.info.uuid)}
        />
      ))}
      <Option
        name="Sign with the command line"
        icon=""
        marked={false}
        checked={chosen === CLI}
        onChoose={() => onChoose(CLI)}
      />
      {wallets.length === 0 ? (
        <p className="text-xs text-muted">
          This browser has no wallet. Install one that speaks EIP-6963, or sign with the command
          line.
        </p>
      ) : null}
    </fieldset>
  );
}

interface OptionProps {
  name: string;
  icon: string;
  marked: boolean;
  checked: boolean;
  onChoose: () => void;
}

function Option({ name, icon, marked, checked, onChoose }: OptionProps) {
  return (
    <label
      className={classes(
        "flex min-h-9 items-center gap-2 rounded-md border px-3 py-1",
        marked && checked ? "border-2 border-warn" : checked ? "border-accent" : "border-line",
      )}
    >
      <input type="radio" name="wallet" checked={checked} onChange={onChoose} />
      {icon === "" ? null : <img src={icon} alt="" className="size-5" />}
      <span className="min-w-0 flex-1">{name}</span>
      {marked ? <StateWord tone="warn">no value</StateWord> : null}
    </label>
  );
}

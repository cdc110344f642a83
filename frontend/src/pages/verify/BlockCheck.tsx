import { useState } from "react";
import { Button } from "../../components/Button.tsx";
import { Field } from "../../components/Field.tsx";
import type { BlockWitness } from "../../proof/confirm.ts";
import { isDevelopmentWallet } from "../../wallet/development.ts";
import { explainWalletError } from "../../wallet/errors.ts";
import { useWallets } from "../../wallet/store.ts";
import {
  askServer,
  askWallet,
  BlockSourceError,
  readPastedHash,
  SERVER_SOURCE,
} from "./blockSources.ts";

const PASTE = "paste";
const SERVER = "server";

interface Props {
  block: bigint;
  onWitness: (witness: BlockWitness) => void;
}

/** Whom to believe about the block that carries the anchor, the most independent first. */
export function BlockCheck({ block, onWitness }: Props) {
  // The development wallet has keys and no node.
  const wallets = useWallets().filter((wallet) => !isDevelopmentWallet(wallet));
  const [source, setSource] = useState<string | null>(null);
  const [pasted, setPasted] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const chosen = source ?? wallets[0]?.info.uuid ?? PASTE;
  const choices = [
    ...wallets.map(({ info }) => [info.uuid, `${info.name}: your wallet's own node`] as const),
    [PASTE, "a block hash from a node or explorer that you trust"] as const,
    [SERVER, SERVER_SOURCE] as const,
  ];
  const ask = async () => {
    setBusy(true);
    setError(null);
    try {
      const wallet = wallets.find(({ info }) => info.uuid === chosen);
      if (wallet) onWitness(await askWallet(wallet.provider, wallet.info.name, block));
      else onWitness(chosen === SERVER ? await askServer(block) : readPastedHash(pasted, block));
    } catch (found) {
      setError(found instanceof BlockSourceError ? found.message : explainWalletError(found));
    }
    setBusy(false);
  };
  return (
    <fieldset className="rounded-md border border-line px-3 pt-1 pb-3">
      <legend className="px-1 font-medium">Check block {String(block)} with</legend>
      <div className="space-y-1">
        {choices.map(([value, label]) => (
          <Choice
            key={value}
            label={label}
            checked={chosen === value}
            onChange={() => setSource(value)}
          />
        ))}
      </div>
      {chosen === PASTE ? <HashField block={block} value={pasted} onChange={setPasted} /> : null}
      {error ? (
        <p role="alert" className="mt-2 text-bad">
          {error}
        </p>
      ) : null}
      <Button className="mt-3" busy={busy} onClick={() => void ask()}>
        Check the block
      </Button>
    </fieldset>
  );
}

interface HashFieldProps {
  block: bigint;
  value: string;
  onChange: (value: string) => void;
}

function HashField({ block, value, onChange }: HashFieldProps) {
  return (
    <div className="mt-2">
      <Field label={`Hash of block ${block}`}>
        {(ties) => (
          <input
            {...ties}
            className="field font-mono text-xs"
            value={value}
            onChange={(event) => onChange(event.target.value)}
            placeholder="0x…"
            spellCheck={false}
            autoComplete="off"
          />
        )}
      </Field>
    </div>
  );
}

interface ChoiceProps {
  label: string;
  checked: boolean;
  onChange: () => void;
}

function Choice({ label, checked, onChange }: ChoiceProps) {
  return (
    <label className="flex min-h-7 items-center gap-2">
      <input type="radio" name="block-source" checked={checked} onChange={onChange} />
      <span>{label}</span>
    </label>
  );
}

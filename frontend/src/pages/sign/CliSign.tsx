import { useState } from "react";
import { Button } from "../../components/Button.tsx";
import { CopyButton } from "../../components/CopyButton.tsx";
import { Field } from "../../components/Field.tsx";
import { readSignature } from "./readSignature.ts";

interface Props {
  /** What `tally sign` reads: typed data and the names of its tokens. */
  document: unknown;
  blocked: string | null;
  busy: boolean;
  onSignature: (signature: string) => void;
}

const FILE = "trade.json";
const COMMAND = `tally sign ${FILE} --keystore KEYSTORE.json`;

/** For those whose key is in a keystore: take the document, sign it elsewhere, bring the signature. */
export function CliSign({ document: consent, blocked, busy, onSignature }: Props) {
  const [text, setText] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = () => {
    const signature = readSignature(text);
    setError(signature === null ? "This holds no signature of 64 or 65 bytes." : null);
    if (signature !== null) onSignature(signature);
  };
  return (
    <ol className="list-decimal space-y-3 pl-5">
      <li>
        <Button onClick={() => save(consent)}>Save {FILE}</Button>
      </li>
      <li>
        Run <code className="rounded bg-raised px-1 py-0.5 text-xs break-all">{COMMAND}</code>
        <CopyButton value={COMMAND} label="command" />
        <span className="block text-xs text-muted">
          It shows the same sentence and the same hashes, and asks.
        </span>
      </li>
      <li>
        <Field label="Signature" hint="What the command prints, as text or as JSON" error={error}>
          {(ties) => (
            <textarea
              {...ties}
              rows={3}
              className="field font-mono text-xs"
              spellCheck={false}
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
        <Button
          kind="primary"
          className="mt-2"
          busy={busy}
          blocked={blocked ?? (text.trim() === "" ? "Paste the signature first" : null)}
          onClick={submit}
        >
          Check and submit
        </Button>
      </li>
    </ol>
  );
}

function save(consent: unknown): void {
  const blob = new Blob([JSON.stringify(consent, null, 2)], { type: "application/json" });
  const address = URL.createObjectURL(blob);
  const link = window.document.createElement("a");
  link.href = address;
  link.download = FILE;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

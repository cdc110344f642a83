import { useState } from "react";
import { type ProofFiles, TRUST_PARTS } from "../../proof/files.ts";

/** Whether the reader has vouched for the given policy, keys and trust, each of these very files. */
export function useVouching(given: ProofFiles) {
  const [vouched, setVouched] = useState<ProofFiles>({});
  const dropped = TRUST_PARTS.filter((part) => given[part]);
  return {
    needed: dropped.length > 0,
    own: dropped.every((part) => vouched[part] === given[part]),
    vouch: (own: boolean) => setVouched(own ? given : {}),
  };
}

interface Props {
  own: boolean;
  onChange: (own: boolean) => void;
}

/** A sender can add files that agree with a forged proof; only the reader knows whose they are. */
export function Vouch({ own, onChange }: Props) {
  return (
    <label className="mb-3 flex min-h-7 items-start gap-2">
      <input
        type="checkbox"
        className="mt-1"
        checked={own}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>These policy, keys and trust files are mine, not the sender's</span>
    </label>
  );
}

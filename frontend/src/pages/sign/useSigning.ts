import { useState } from "react";
import { explainWalletError } from "../../wallet/errors.ts";
import { newKey, useSubmit } from "./submit.ts";

export interface Signing {
  /** Get a checked signature and send it; a refusal on the way is kept and nothing is sent. */
  readonly run: (sign: () => Promise<string>) => Promise<void>;
  readonly refusal: string | null;
  readonly error: Error | null;
  readonly busy: boolean;
}

/** From the wish to sign to the server's answer. */
export function useSigning(instructionId: string): Signing {
  const submit = useSubmit(instructionId);
  const [working, setWorking] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const run = async (sign: () => Promise<string>) => {
    setWorking(true);
    setRefusal(null);
    submit.reset();
    try {
      submit.mutate({ signature: await sign(), key: newKey() });
    } catch (error) {
      setRefusal(explainWalletError(error));
    }
    setWorking(false);
  };
  return { run, refusal, error: submit.error, busy: working || submit.isPending };
}

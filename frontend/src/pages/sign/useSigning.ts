import { useEffect, useRef, useState } from "react";
import { explainWalletError } from "../../wallet/errors.ts";
import { newKey, useSubmit } from "./submit.ts";

export interface Signing {
  /**
   * Get a checked signature and send it; a refusal on the way is kept and nothing is sent. `isShown`
   * says whether the trade still is on the page: a signature that comes later is dropped.
   */
  readonly run: (sign: (isShown: () => boolean) => Promise<string>) => Promise<void>;
  readonly refusal: string | null;
  readonly error: Error | null;
  readonly busy: boolean;
}

/** From the wish to sign to the server's answer. */
export function useSigning(instructionId: string): Signing {
  const submit = useSubmit(instructionId);
  const [working, setWorking] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const shown = useRef(false);
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
    };
  }, []);
  const isShown = () => shown.current;
  const run: Signing["run"] = async (sign) => {
    setWorking(true);
    setRefusal(null);
    submit.reset();
    try {
      const signature = await sign(isShown);
      if (isShown()) submit.mutate({ signature, key: newKey() });
    } catch (error) {
      setRefusal(explainWalletError(error));
    }
    setWorking(false);
  };
  return { run, refusal, error: submit.error, busy: working || submit.isPending };
}

import { Button } from "../../components/Button.tsx";
import type { Wallet } from "../../wallet/eip1193.ts";
import { checkSigner, signTrade } from "../../wallet/sign.ts";
import { sameAddress } from "../../wallet/trade.ts";
import { CliSign } from "./CliSign.tsx";
import type { Consent, Review } from "./review.ts";
import type { Signing } from "./useSigning.ts";
import type { Connection } from "./useWallet.ts";

interface Props {
  wallet: Wallet | null;
  connection: Connection;
  review: Review;
  consent: Consent;
  signing: Signing;
  /** Why nothing may be signed now. */
  blocked: string | null;
}

/** The button of the chosen wallet, or the way by the command line. */
export function SignAction({ wallet, connection, review, consent, signing, blocked }: Props) {
  const { party, trade, domain } = review;
  if (wallet === null) {
    const check = async (signature: string) =>
      (await checkSigner(signature, party, trade, domain)).signature;
    return (
      <CliSign
        document={{ typed_data: consent.typed_data, tokens: consent.tokens }}
        blocked={blocked}
        busy={signing.busy}
        onSignature={(signature) => void signing.run(() => check(signature))}
      />
    );
  }
  const { account, error } = connection;
  const sign = async (isShown: () => boolean) =>
    (await signTrade(wallet.provider, party, trade, domain, isShown)).signature;
  return (
    <>
      {account !== null && sameAddress(account, party) ? (
        <SignButton busy={signing.busy} blocked={blocked} onSign={() => void signing.run(sign)} />
      ) : (
        <Button kind="primary" busy={connection.busy} onClick={() => void connection.connect()}>
          {account === null ? "Connect the wallet" : "Connect again"}
        </Button>
      )}
      {error ? (
        <p role="alert" className="mt-3 text-warn">
          {error}
        </p>
      ) : null}
    </>
  );
}

interface ButtonProps {
  busy: boolean;
  blocked: string | null;
  onSign: () => void;
}

function SignButton({ busy, blocked, onSign }: ButtonProps) {
  return (
    <>
      <Button kind="primary" busy={busy} blocked={blocked} onClick={onSign}>
        {busy ? "Waiting for the wallet…" : "Sign the trade"}
      </Button>
      <p className="mt-2 text-xs text-muted">
        Your wallet opens. The signature is checked on this device before it is sent.
      </p>
    </>
  );
}

import { useState } from "react";
import { Card } from "../../components/Card.tsx";
import { classes } from "../../components/classes.ts";
import { ErrorState } from "../../components/ErrorState.tsx";
import { isDevelopmentWallet } from "../../wallet/development.ts";
import { useWallets } from "../../wallet/store.ts";
import { CheckList } from "./CheckList.tsx";
import type { Consent, Review } from "./review.ts";
import { SignAction } from "./SignAction.tsx";
import { useSigning } from "./useSigning.ts";
import { useWallet } from "./useWallet.ts";
import { CLI, WalletPicker } from "./WalletPicker.tsx";
import { walletChecks } from "./walletChecks.ts";

interface Props {
  review: Review;
  consent: Consent;
  instructionId: string;
}

/** Wallet, checks, and the button. Nothing is sent before the signer was recovered here. */
export function SignCard({ review, consent, instructionId }: Props) {
  const wallets = useWallets();
  const [chosen, setChosen] = useState<string | null>(null);
  const uuid = chosen ?? wallets[0]?.info.uuid ?? CLI;
  const wallet = wallets.find(({ info }) => info.uuid === uuid) ?? null;
  const connection = useWallet(wallet, review.party);
  const signing = useSigning(instructionId);
  const checks = [...review.checks, ...(wallet ? walletChecks(review, connection) : [])];
  const open = checks.find(({ status }) => status === "fail") ?? checks.find(isWaiting);
  const isMarked = isDevelopmentWallet(wallet);
  return (
    <Card title="Sign" className={classes(isMarked && "border-2 border-warn")}>
      {isMarked ? <DevelopmentLabel /> : null}
      <WalletPicker wallets={wallets} chosen={uuid} onChoose={setChosen} />
      <h3 className="mt-4 mb-2 font-medium">Checks</h3>
      <CheckList checks={checks} />
      {open?.status === "fail" ? (
        <p role="alert" className="mt-3 rounded-md bg-bad-soft px-3 py-2 break-words text-bad">
          This cannot be signed here: {open.detail}.
        </p>
      ) : null}
      <div className="mt-4">
        <SignAction
          wallet={wallet}
          connection={connection}
          review={review}
          consent={consent}
          signing={signing}
          blocked={open ? `Not now: ${open.detail}` : null}
        />
      </div>
      {signing.refusal ? (
        <p role="alert" className="mt-3 rounded-md bg-warn-soft px-3 py-2 break-words text-warn">
          {signing.refusal}
        </p>
      ) : null}
      {signing.error ? <ErrorState error={signing.error} what="the consent" /> : null}
    </Card>
  );
}

const isWaiting = ({ status }: { status: string }) => status === "wait";

function DevelopmentLabel() {
  return (
    <p className="mb-3 rounded-md bg-warn-soft px-3 py-2 font-medium text-warn">
      Development wallet: test keys on a development chain. Nothing here has value.
    </p>
  );
}

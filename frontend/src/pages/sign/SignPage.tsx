import { useEffect, useMemo } from "react";
import { useParams } from "react-router";
import type { Config, Instruction, InstructionDetail } from "../../api/models.ts";
import { useConfig, useStatus } from "../../api/queries/platform.ts";
import { useSession } from "../../api/queries/session.ts";
import { useInstruction } from "../../api/queries/settlements.ts";
import { ButtonLink } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { announceDevelopmentWallet } from "../../wallet/development.ts";
import { TypedDataInvalid } from "../../wallet/trade.ts";
import { BreakerNote } from "./BreakerNote.tsx";
import { DevelopmentDialog } from "./DevelopmentDialog.tsx";
import { ReviewCard } from "./ReviewCard.tsx";
import { type Consent, type Context, type Review, reviewConsent } from "./review.ts";
import { SignCard } from "./SignCard.tsx";

/** Read the trade as a sentence, see it checked, and sign it with a wallet. */
export default function SignPage() {
  const { instructionId = "" } = useParams();
  const instruction = useInstruction(instructionId);
  const inDevelopment = Boolean(useConfig().data?.development);
  useEffect(() => (inDevelopment ? announceDevelopmentWallet() : undefined), [inDevelopment]);
  return (
    <>
      <PageHeader title="Sign a trade" lead={`Instruction ${instructionId}`} />
      <BreakerNote />
      <Loaded query={instruction} what="the instruction" lines={8}>
        {(detail) => <Signing key={instructionId} detail={detail} />}
      </Loaded>
      {inDevelopment ? <DevelopmentDialog key={instructionId} /> : null}
    </>
  );
}

function Signing({ detail }: { detail: InstructionDetail }) {
  const { instruction, consent } = detail;
  const config = useConfig();
  const status = useStatus();
  if (instruction.status !== "RECEIVED") return <Done instruction={instruction} />;
  if (consent === null) {
    return (
      <Card>
        <EmptyState title="There is nothing to sign">
          {instruction.narrative || "The instruction has no terms."}
        </EmptyState>
      </Card>
    );
  }
  return (
    <Loaded query={config} what="the deployment" lines={8}>
      {(deployment) => (
        <Loaded query={status} what="the business time" lines={8}>
          {({ now }) => (
            <Reviewed instruction={instruction} consent={consent} config={deployment} now={now} />
          )}
        </Loaded>
      )}
    </Loaded>
  );
}

interface ReviewedProps {
  instruction: Instruction;
  consent: Consent;
  config: Config;
  now: string;
}

function Reviewed({ instruction, consent, config, now }: ReviewedProps) {
  const wallets = useSession().data?.wallets;
  const found = useMemo(() => {
    const context = {
      direction: instruction.direction,
      quantity: instruction.quantity,
      amount: instruction.amount,
      chainId: config.chain_id,
      contract: config.settlement_contract,
      wallets: wallets?.map((wallet) => wallet.address) ?? [],
      now,
    };
    return attempt(consent, context);
  }, [instruction, consent, config, wallets, now]);
  if (typeof found === "string") {
    return (
      <Card title="This cannot be signed here">
        <p role="alert" className="text-bad">
          {found}
        </p>
      </Card>
    );
  }
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <ReviewCard review={found} typedData={consent.typed_data} />
      <SignCard review={found} consent={consent} instructionId={instruction.instruction_id} />
    </div>
  );
}

function attempt(consent: Consent, context: Context): Review | string {
  try {
    return reviewConsent(consent, context);
  } catch (error) {
    if (error instanceof TypedDataInvalid) return error.message;
    throw error;
  }
}

const ENDINGS: Readonly<Record<string, string>> = {
  SIGNED: "You have signed this trade",
  SETTLED: "This trade is settled",
  FAILED: "This trade failed and cannot be signed any more",
};

function Done({ instruction }: { instruction: Instruction }) {
  return (
    <Card>
      <EmptyState title={ENDINGS[instruction.status] ?? `The instruction is ${instruction.status}`}>
        <p className="mb-3">{instruction.narrative}</p>
        <ButtonLink kind="primary" to={`/settlements/${instruction.instruction_id}`}>
          See the settlement
        </ButtonLink>
      </EmptyState>
    </Card>
  );
}

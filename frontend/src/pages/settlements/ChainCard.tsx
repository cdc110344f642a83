import type { ReactNode } from "react";
import type { SettlementDetail } from "../../api/models.ts";
import { useConfig, useStatus } from "../../api/queries/platform.ts";
import { Card } from "../../components/Card.tsx";
import { Facts } from "../../components/Facts.tsx";
import { Address, Hash } from "../../components/Hash.tsx";
import { Time } from "../../components/Time.tsx";
import { formatDecimal } from "../../format/decimal.ts";
import { reasonsInWords } from "./words.ts";

type Fact = readonly [string, ReactNode];

/** Where the trade stands on the chain, and what was tried. */
export function ChainCard({ settlement }: { settlement: SettlementDetail }) {
  const chain = useStatus().data?.chain;
  const policy = useConfig().data?.finality;
  const { timeline } = settlement;
  const hash = settlement.transaction_hash;
  const facts: Fact[] = [
    ["Included", block(settlement.block_number, reached(settlement, "included"))],
    ["Safe", standing(reached(settlement, "safe"), chain?.safe?.number)],
    ["Final", standing(reached(settlement, "final"), chain?.finalized?.number)],
    ["Attempt", timeline.attempt === 0 ? "none yet" : String(timeline.attempt)],
  ];
  if (hash) facts.push(["Transaction", <Hash key="h" value={hash} label="transaction hash" />]);
  if (settlement.gas_used !== null) facts.push(["Gas", count(settlement.gas_used)]);
  if (settlement.contract) {
    facts.push(["Contract", <Address key="c" value={settlement.contract} label="contract" />]);
  }
  if (settlement.reasons.length > 0) {
    facts.push(["Waits because", reasonsInWords(settlement.reasons.join(","))]);
  }
  if (timeline.last_error) facts.push(["Last error", timeline.last_error]);
  if (timeline.next_retry_at) {
    facts.push(["Next try", <Time key="n" value={timeline.next_retry_at} />]);
  }
  if (settlement.cause) facts.push(["Cause", settlement.cause]);
  return (
    <Card title="On the chain">
      <Facts items={facts} />
      {policy ? (
        <p className="mt-3 text-xs text-muted">
          Final means that the block is at or behind the chain's <code>{policy}</code> head.
        </p>
      ) : null}
    </Card>
  );
}

function reached(settlement: SettlementDetail, name: "included" | "safe" | "final"): boolean {
  return settlement.timeline.steps.some((step) => step.name === name && step.state === "done");
}

function block(number: number | null, done: boolean): string {
  if (number !== null) return `in block ${count(number)}`;
  return done ? "yes" : "not yet";
}

function standing(done: boolean, head: number | undefined): string {
  if (done) return "yes";
  return head === undefined ? "not yet" : `not yet; the chain's is at ${count(head)}`;
}

const count = (value: number) => formatDecimal(String(value));

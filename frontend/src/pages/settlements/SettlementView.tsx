import { Link } from "react-router";
import type { SettlementDetail } from "../../api/models.ts";
import { useStatus } from "../../api/queries/platform.ts";
import { useSecurityNames } from "../../api/queries/securities.ts";
import { ButtonLink } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { Facts } from "../../components/Facts.tsx";
import { Hash } from "../../components/Hash.tsx";
import { Money, Quantity } from "../../components/Numbers.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { StateWord } from "../../components/StateWord.tsx";
import { Time } from "../../components/Time.tsx";
import { formatAge } from "../../format/dates.ts";
import { formatAmount, formatDecimal } from "../../format/decimal.ts";
import { ChainCard } from "./ChainCard.tsx";
import { TimelineList } from "./TimelineList.tsx";
import { hasEnded, stateWord } from "./words.ts";

/** A party's own side of a trade. */
export interface OwnSide {
  direction: "deliver" | "receive";
  /** Where to sign; null when there is nothing to sign. */
  signAt: string | null;
  orderId: string;
}

interface Props {
  settlement: SettlementDetail;
  side: OwnSide | null;
}

/** One settlement: what changes hands, its way, and where it stands on the chain. */
export function SettlementView({ settlement, side }: Props) {
  const security = useSecurityNames().get(settlement.security_id);
  const units = `${formatDecimal(settlement.quantity)} ${security?.ticker ?? "units"}`;
  const money = `${formatAmount(settlement.amount)} ${settlement.currency}`;
  return (
    <>
      <PageHeader
        title={`${headline(side)} ${units} against ${money}`}
        lead={<State settlement={settlement} />}
      >
        {side?.signAt ? (
          <ButtonLink kind="primary" to={side.signAt}>
            Review and sign
          </ButtonLink>
        ) : null}
      </PageHeader>
      <div className="grid gap-4 lg:grid-cols-3">
        <Card title="Timeline" className="lg:col-span-2">
          <TimelineList timeline={settlement.timeline} />
        </Card>
        <div className="min-w-0 space-y-4">
          <ChainCard settlement={settlement} />
          <Terms settlement={settlement} side={side} />
        </div>
      </div>
    </>
  );
}

function headline(side: OwnSide | null): string {
  if (side === null) return "Settlement:";
  return side.direction === "deliver" ? "Deliver" : "Receive";
}

function State({ settlement }: { settlement: SettlementDetail }) {
  const now = useStatus().data?.now ?? null;
  const { word, tone } = stateWord(settlement.state);
  return (
    <span className="inline-flex flex-wrap items-center gap-2">
      <StateWord tone={tone}>{word}</StateWord>
      <span role="status" className="sr-only">
        State: {word}
      </span>
      {now !== null && !hasEnded(settlement.state) ? (
        <span>open for {formatAge(settlement.entered_at, now)} of business time</span>
      ) : null}
    </span>
  );
}

function Terms({ settlement, side }: Props) {
  return (
    <Card title="Terms">
      <Facts
        items={[
          ["Units", <Quantity key="q" value={settlement.quantity} />],
          ["Price", <Money key="p" value={settlement.price} currency={settlement.currency} />],
          ["Amount", <Money key="a" value={settlement.amount} currency={settlement.currency} />],
          ["Trade date", <Time key="t" value={settlement.trade_date} />],
          ["Settles", <Time key="s" value={settlement.settlement_date} />],
          ["Trade id", <Hash key="i" value={settlement.trade_id} label="trade id" />],
          ...(side === null
            ? []
            : ([
                [
                  "Order",
                  <Link key="o" className="link" to={`/orders/${side.orderId}`}>
                    Your order
                  </Link>,
                ],
              ] as const)),
        ]}
      />
    </Card>
  );
}

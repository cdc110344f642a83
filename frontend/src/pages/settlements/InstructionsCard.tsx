import { Link } from "react-router";
import type { Instruction, Security } from "../../api/models.ts";
import { useStatus } from "../../api/queries/platform.ts";
import { useSecurityNames } from "../../api/queries/securities.ts";
import { useInstructions } from "../../api/queries/settlements.ts";
import { ButtonLink } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { LoadMore } from "../../components/LoadMore.tsx";
import { Money, Quantity } from "../../components/Numbers.tsx";
import { StateWord } from "../../components/StateWord.tsx";
import { type Column, Table } from "../../components/Table.tsx";
import { Time } from "../../components/Time.tsx";
import { formatAge } from "../../format/dates.ts";
import { hasEnded, needsSignature, reasonsInWords, stateWord } from "./words.ts";

/** A party's instructions with their state and age. */
export function InstructionsCard() {
  const query = useInstructions();
  const names = useSecurityNames();
  const now = useStatus().data?.now ?? null;
  return (
    <Card flush>
      <Loaded query={query} what="your settlements" lines={6}>
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.items);
          if (rows.length === 0) {
            return (
              <EmptyState title="Nothing is settling">
                A settlement begins when an order of yours is matched.
              </EmptyState>
            );
          }
          return (
            <Table
              caption="Your settlements"
              columns={columns(names, now)}
              rows={rows}
              rowKey={(row) => row.instruction_id}
            />
          );
        }}
      </Loaded>
      <LoadMore query={query} />
    </Card>
  );
}

function columns(
  names: ReadonlyMap<string, Security>,
  now: string | null,
): readonly Column<Instruction>[] {
  return [
    {
      key: "trade",
      header: "Trade",
      cell: (row) => (
        <Link to={`/settlements/${row.instruction_id}`} className="link">
          {row.direction === "DELI" ? "Deliver" : "Receive"} <Quantity value={row.quantity} />{" "}
          {names.get(row.security_id)?.ticker ?? "…"}
        </Link>
      ),
    },
    {
      key: "amount",
      header: "Against",
      number: true,
      from: "sm",
      cell: (row) => <Money value={row.amount} currency={row.currency} />,
    },
    {
      key: "traded",
      header: "Traded",
      from: "md",
      cell: (row) => <Time value={row.trade_date} />,
    },
    {
      key: "settles",
      header: "Settles",
      from: "sm",
      cell: (row) => <Time value={row.settlement_date} />,
    },
    { key: "state", header: "State", cell: (row) => <State row={row} /> },
    {
      key: "age",
      header: "Open for",
      number: true,
      from: "md",
      cell: (row) =>
        now === null || row.received_at === null || hasEnded(row.settlement_state)
          ? "–"
          : formatAge(row.received_at, now),
    },
    {
      key: "sign",
      header: "Signature",
      hiddenHeader: true,
      from: "sm",
      number: true,
      cell: (row) =>
        needsSignature(row) ? (
          <ButtonLink kind="primary" to={`/sign/${row.instruction_id}`}>
            Sign
          </ButtonLink>
        ) : null,
    },
  ];
}

function State({ row }: { row: Instruction }) {
  const { word, tone } = stateWord(row.settlement_state);
  if (needsSignature(row)) {
    return (
      <Link to={`/sign/${row.instruction_id}`}>
        <StateWord tone="warn">Needs your signature</StateWord>
      </Link>
    );
  }
  return (
    <>
      <StateWord tone={tone}>{word}</StateWord>
      {row.narrative && !hasEnded(row.settlement_state) ? (
        <div className="mt-0.5 text-xs text-muted">{reasonsInWords(row.narrative)}</div>
      ) : null}
    </>
  );
}

import { Link } from "react-router";
import type { Security, Settlement } from "../../api/models.ts";
import { useStatus } from "../../api/queries/platform.ts";
import { useSecurityNames } from "../../api/queries/securities.ts";
import { useSettlements } from "../../api/queries/settlements.ts";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { LoadMore } from "../../components/LoadMore.tsx";
import { Money, Quantity } from "../../components/Numbers.tsx";
import { StateWord } from "../../components/StateWord.tsx";
import { type Column, Table } from "../../components/Table.tsx";
import { Time } from "../../components/Time.tsx";
import { formatAge } from "../../format/dates.ts";
import { hasEnded, reasonsInWords, stateWord } from "./words.ts";

interface Props {
  title?: string;
  /** Only those that have not ended. */
  openOnly?: boolean;
}

/** The venue's settlement processes. */
export function VenueSettlementsCard({ title, openOnly = false }: Props) {
  const query = useSettlements();
  const names = useSecurityNames();
  const now = useStatus().data?.now ?? null;
  return (
    <Card title={title} flush>
      <Loaded query={query} what="the settlements" lines={5}>
        {({ pages }) => {
          const all = pages.flatMap((page) => page.items);
          const rows = openOnly ? all.filter((row) => !hasEnded(row.state)) : all;
          if (rows.length === 0) {
            return (
              <EmptyState title="Nothing is settling">
                A settlement begins with every trade of the venue.
              </EmptyState>
            );
          }
          return (
            <Table
              caption={title ?? "Settlements"}
              columns={columns(names, now)}
              rows={rows}
              rowKey={(row) => row.trade_id}
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
): readonly Column<Settlement>[] {
  return [
    {
      key: "trade",
      header: "Trade",
      cell: (row) => (
        <Link to={`/settlements/${row.trade_id}`} className="link">
          <Quantity value={row.quantity} /> {names.get(row.security_id)?.ticker ?? "…"}
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
      cell: (row) => (now === null || hasEnded(row.state) ? "–" : formatAge(row.entered_at, now)),
    },
  ];
}

function State({ row }: { row: Settlement }) {
  const { word, tone } = stateWord(row.state);
  return (
    <>
      <StateWord tone={tone}>{word}</StateWord>
      {row.reasons.length > 0 && !hasEnded(row.state) ? (
        <div className="mt-0.5 text-xs text-muted">{reasonsInWords(row.reasons.join(","))}</div>
      ) : null}
    </>
  );
}

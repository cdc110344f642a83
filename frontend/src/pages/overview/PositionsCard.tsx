import type { Holding, Security } from "../../api/models.ts";
import { useAccounts, useHoldings } from "../../api/queries/portfolio.ts";
import { useSecurityNames } from "../../api/queries/securities.ts";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { Money, Percent, Quantity } from "../../components/Numbers.tsx";
import { SecurityName } from "../../components/SecurityName.tsx";
import { type Column, Table } from "../../components/Table.tsx";
import { formatDate } from "../../format/dates.ts";
import { compareDecimals, ratio, signOf } from "../../format/decimal.ts";
import { valuation } from "./valuation.ts";

/** What is held now, at the last closes. */
export function PositionsCard({ portfolioId }: { portfolioId: string }) {
  const holdings = useHoldings(portfolioId);
  const accounts = useAccounts(portfolioId).data ?? [];
  const names = useSecurityNames();
  return (
    <Card title="Positions" flush aside={<Valued on={holdings.data?.as_of} />}>
      <Loaded query={holdings} what="the positions">
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="No positions">
              Buy something, or deposit units; cash is shown beside.
            </EmptyState>
          ) : (
            <Table
              caption="Positions"
              columns={columns(names, totalOf(items, accounts))}
              rows={items}
              rowKey={(row) => `${row.account_id} ${row.security_id}`}
            />
          )
        }
      </Loaded>
    </Card>
  );
}

function Valued({ on }: { on: string | undefined }) {
  return on ? <span className="text-xs text-muted">valued {formatDate(on)}</span> : null;
}

type Accounts = NonNullable<ReturnType<typeof useAccounts>["data"]>;

/** What the weights are parts of, or null where it cannot be told or nothing is a part of it. */
function totalOf(items: readonly Holding[], accounts: Accounts): string | null {
  // Before the accounts are known the whole is not, and a weight would be wrong.
  if (accounts.length === 0) return null;
  const { total } = valuation(items, accounts);
  return total !== null && signOf(total) > 0 ? total : null;
}

function columns(
  names: ReadonlyMap<string, Security>,
  total: string | null,
): readonly Column<Holding>[] {
  // Of the row, not of the security: in two accounts it has two rows.
  const weight = (row: Holding) =>
    total === null || row.market_value === null ? null : ratio(row.market_value, total);
  const ticker = (row: Holding) => names.get(row.security_id)?.ticker ?? "";
  return [
    {
      key: "security",
      header: "Security",
      compare: (a, b) => -ticker(a).localeCompare(ticker(b)),
      cell: (row) => <SecurityName security={names.get(row.security_id)} id={row.security_id} />,
    },
    {
      key: "units",
      header: "Units",
      number: true,
      from: "sm",
      compare: (a, b) => compareDecimals(a.units, b.units),
      cell: (row) => (
        <>
          <Quantity value={row.units} />
          {compareDecimals(row.reserved, "0") > 0 ? (
            <div className="text-xs text-muted">
              <Quantity value={row.reserved} /> reserved
            </div>
          ) : null}
        </>
      ),
    },
    {
      key: "price",
      header: "Price",
      number: true,
      from: "sm",
      compare: by((row) => row.price),
      cell: (row) => (
        <>
          <Money value={row.price} />
          {row.price_on ? (
            <div className="num text-xs text-muted">{formatDate(row.price_on)}</div>
          ) : null}
        </>
      ),
    },
    {
      key: "value",
      header: "Value",
      number: true,
      compare: by((row) => row.market_value),
      cell: (row) => <Money value={row.market_value} />,
    },
    {
      key: "weight",
      header: "Weight",
      number: true,
      from: "md",
      compare: by(weight),
      cell: (row) => <Percent value={weight(row)} places={1} />,
    },
    {
      key: "unrealised",
      header: "Unrealised",
      number: true,
      compare: by((row) => row.unrealised_gain),
      cell: (row) => <Money value={row.unrealised_gain} signed />,
    },
    {
      key: "realised",
      header: "Realised",
      number: true,
      from: "md",
      compare: by((row) => row.realised_gain),
      cell: (row) => <Money value={row.realised_gain} signed />,
    },
  ];
}

/** Orders rows by a decimal; those without one come first. */
function by(value: (row: Holding) => string | null): (a: Holding, b: Holding) => number {
  return (a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === null || right === null) return Number(left !== null) - Number(right !== null);
    return compareDecimals(left, right);
  };
}

import { useAccounts, useHoldings } from "../../api/queries/portfolio.ts";
import { useSecurityNames } from "../../api/queries/securities.ts";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { Money, Percent } from "../../components/Numbers.tsx";
import { signOf } from "../../format/decimal.ts";
import { Donut } from "./Donut.tsx";
import { shadeFill, shadeOf } from "./shades.ts";
import { type Valuation, valuation } from "./valuation.ts";

/** How the value is spread: a ring, and the same as a table. */
export function AllocationCard({ portfolioId }: { portfolioId: string }) {
  const holdings = useHoldings(portfolioId);
  const accounts = useAccounts(portfolioId);
  return (
    <Card title="Allocation">
      <Loaded query={holdings} what="the positions">
        {({ items }) => (
          <Loaded query={accounts} what="the accounts">
            {(found) => <Allocation value={valuation(items, found)} />}
          </Loaded>
        )}
      </Loaded>
    </Card>
  );
}

function Allocation({ value }: { value: Valuation }) {
  const names = useSecurityNames();
  if (value.total === null) {
    return (
      <EmptyState title="Not available">
        A position has no price, or there are several currencies.
      </EmptyState>
    );
  }
  const sign = signOf(value.total);
  if (sign < 0) {
    return (
      <EmptyState title="No allocation">
        The total is below zero: more cash is owed than the positions are worth.
      </EmptyState>
    );
  }
  if (sign === 0) return <EmptyState title="Nothing held yet" />;
  const rows = value.parts.map((part) => ({
    ...part,
    name: part.securityId ? (names.get(part.securityId)?.ticker ?? "…") : "Cash",
  }));
  return (
    <div className="flex items-center gap-4">
      <Donut parts={rows} />
      <table className="min-w-0 flex-1">
        <caption className="sr-only">Allocation by security</caption>
        <thead className="sr-only">
          <tr>
            <th scope="col">Part</th>
            <th scope="col">Value</th>
            <th scope="col">Weight</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={row.key}>
              <th scope="row" className="py-0.5 text-left font-normal whitespace-nowrap">
                <Swatch shade={row.securityId === null ? null : index} />
                {row.name}
              </th>
              <td className="py-0.5 text-right text-muted max-2xl:hidden">
                <Money value={row.value} />
              </td>
              <td className="py-0.5 text-right">
                <Percent value={row.weight} places={1} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Swatch({ shade }: { shade: number | null }) {
  return (
    <svg viewBox="0 0 10 10" className="mr-2 inline size-2.5" aria-hidden="true">
      <rect width="10" height="10" rx="2" fill={shadeFill(shade)} fillOpacity={shadeOf(shade)} />
    </svg>
  );
}

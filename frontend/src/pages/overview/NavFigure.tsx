import { type ReactNode, useState } from "react";
import type { NavDay } from "../../api/models.ts";
import { Money, Percent } from "../../components/Numbers.tsx";
import { type Column, Table } from "../../components/Table.tsx";
import { Time } from "../../components/Time.tsx";
import { formatDate } from "../../format/dates.ts";
import { compareDecimals, formatAmount } from "../../format/decimal.ts";

interface Props {
  days: readonly NavDay[];
  currency: string;
  /** The drawing itself. */
  children: ReactNode;
}

/** A curve with a sentence that says the same, and the same figures as a table. */
export function NavFigure({ days, currency, children }: Props) {
  const [open, setOpen] = useState(false);
  return (
    <figure>
      {children}
      <figcaption className="mt-2 text-xs text-muted">{navSentence(days, currency)}</figcaption>
      <details className="mt-1" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary className="inline-block min-h-6 text-xs text-accent">View as table</summary>
        {open ? (
          <section
            aria-label="Net asset value by day"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must take the keyboard
            tabIndex={0}
            className="max-h-72 overflow-auto"
          >
            <Table
              caption="Net asset value by day"
              columns={COLUMNS}
              rows={[...days].reverse()}
              rowKey={(day) => day.on}
            />
          </section>
        ) : null}
      </details>
    </figure>
  );
}

const COLUMNS: readonly Column<NavDay>[] = [
  { key: "on", header: "Day", cell: (day) => <Time value={day.on} /> },
  { key: "value", header: "Value", number: true, cell: (day) => <Money value={day.value} /> },
  {
    key: "return",
    header: "Day",
    number: true,
    cell: (day) => <Percent value={day.day_return} signed />,
  },
  {
    key: "cash",
    header: "Cash",
    number: true,
    from: "sm",
    cell: (day) => <Money value={day.cash} />,
  },
];

/** The curve in words: first and last, lowest and highest. */
export function navSentence(days: readonly NavDay[], currency: string): string {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return "No values.";
  const ordered = [...days].sort((a, b) => compareDecimals(a.value, b.value));
  const low = ordered[0] ?? first;
  const high = ordered.at(-1) ?? last;
  const amount = (day: NavDay) => formatAmount(day.value);
  return (
    `${formatDate(first.on)} to ${formatDate(last.on)}: from ${amount(first)} to ${amount(last)} ` +
    `${currency}; lowest ${amount(low)} on ${formatDate(low.on)}, highest ${amount(high)} on ` +
    `${formatDate(high.on)}.`
  );
}

import { type ReactNode, useMemo, useState } from "react";
import { classes } from "./classes.ts";

export interface Column<Row> {
  key: string;
  header: string;
  cell: (row: Row) => ReactNode;
  /** The header is for screen readers only, as above buttons. */
  hiddenHeader?: boolean;
  /** Numbers stand to the right. */
  number?: boolean;
  /** Makes the column sortable: negative when a comes before b. */
  compare?: (a: Row, b: Row) => number;
  /** From which screen width on it is shown; the row's own page shows all of it. */
  from?: "sm" | "md" | "lg";
}

interface Props<Row> {
  /** What the table holds, for screen readers. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
}

const FROM = {
  sm: "hidden sm:table-cell",
  md: "hidden md:table-cell",
  lg: "hidden lg:table-cell",
} as const;

interface Sort {
  key: string;
  descending: boolean;
}

/** A real table; a click on a sortable head orders it. */
export function Table<Row>({ caption, columns, rows, rowKey }: Props<Row>) {
  const [sort, setSort] = useState<Sort | null>(null);
  const ordered = useMemo(() => sorted(rows, columns, sort), [rows, columns, sort]);
  return (
    <div className="relative overflow-x-auto">
      <table className="w-full border-collapse text-left">
        <caption className="sr-only">{caption}</caption>
        <thead className="text-xs text-muted">
          <tr>
            {columns.map((column) => (
              <Head key={column.key} column={column} sort={sort} onSort={setSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {ordered.map((row) => (
            <tr key={rowKey(row)} className="border-t border-line hover:bg-raised/60">
              {columns.map((column) => (
                <td key={column.key} className={cellClass(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadProps<Row> {
  column: Column<Row>;
  sort: Sort | null;
  onSort: (sort: Sort) => void;
}

function Head<Row>({ column, sort, onSort }: HeadProps<Row>) {
  const here = sort?.key === column.key ? sort : null;
  const direction = here === null ? "none" : here.descending ? "descending" : "ascending";
  const next = { key: column.key, descending: here === null ? true : !here.descending };
  return (
    <th
      scope="col"
      aria-sort={column.compare ? direction : undefined}
      className={classes(cellClass(column), "py-1.5 font-medium whitespace-nowrap")}
    >
      {column.compare ? (
        <button
          type="button"
          className="min-h-6 font-medium hover:text-ink"
          onClick={() => onSort(next)}
        >
          {column.header}
          {here ? (
            <span aria-hidden="true" className="absolute">
              {here.descending ? "↓" : "↑"}
            </span>
          ) : null}
        </button>
      ) : (
        <span className={column.hiddenHeader ? "sr-only" : undefined}>{column.header}</span>
      )}
    </th>
  );
}

function cellClass<Row>(column: Column<Row>): string {
  return classes(
    "px-2 py-2 align-baseline first:pl-4 last:pr-4",
    column.number && "text-right",
    column.from && FROM[column.from],
  );
}

function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sort: Sort | null,
): readonly Row[] {
  const compare = columns.find((column) => column.key === sort?.key)?.compare;
  if (!compare || sort === null) return rows;
  return [...rows].sort((a, b) => (sort.descending ? -compare(a, b) : compare(a, b)));
}

import { Link, useSearchParams } from "react-router";
import type { Order, Security } from "../../api/models.ts";
import { type OrderStatus, useOrders } from "../../api/queries/orders.ts";
import { useSecurityNames } from "../../api/queries/securities.ts";
import { Card } from "../../components/Card.tsx";
import { EmptyState } from "../../components/EmptyState.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { LoadMore } from "../../components/LoadMore.tsx";
import { Money, Quantity } from "../../components/Numbers.tsx";
import { StateWord } from "../../components/StateWord.tsx";
import { type Column, Table } from "../../components/Table.tsx";
import { Time } from "../../components/Time.tsx";
import { isOpen, STATUSES } from "./words.ts";

const ALL = "all";

/** The caller's orders by state. */
export function OrdersCard() {
  const [search, setSearch] = useSearchParams();
  const wanted = search.get("state");
  const status = isStatus(wanted) ? wanted : null;
  const query = useOrders(status);
  const names = useSecurityNames();
  const choose = (next: string) =>
    setSearch(
      (before) => {
        if (next === ALL) before.delete("state");
        else before.set("state", next);
        return before;
      },
      { replace: true, preventScrollReset: true },
    );
  return (
    <Card
      title="Your orders"
      flush
      className="self-start"
      aside={
        <select
          aria-label="State"
          className="field w-auto"
          value={status ?? ALL}
          onChange={(event) => choose(event.target.value)}
        >
          <option value={ALL}>All states</option>
          {Object.entries(STATUSES).map(([value, { word }]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      }
    >
      <Loaded query={query} what="your orders" lines={6}>
        {({ pages }) => {
          const rows = pages.flatMap((page) => page.items);
          return rows.length === 0 ? (
            <None status={status} />
          ) : (
            <Table
              caption="Your orders"
              columns={columns(names)}
              rows={rows}
              rowKey={(row) => row.order_id}
            />
          );
        }}
      </Loaded>
      <LoadMore query={query} />
    </Card>
  );
}

function None({ status }: { status: OrderStatus | null }) {
  if (status === null) {
    return <EmptyState title="No orders yet">Place one with the ticket.</EmptyState>;
  }
  return <EmptyState title={`No order is ${STATUSES[status].word.toLowerCase()}`} />;
}

function isStatus(text: string | null): text is OrderStatus {
  return text !== null && Object.hasOwn(STATUSES, text);
}

function columns(names: ReadonlyMap<string, Security>): readonly Column<Order>[] {
  return [
    {
      key: "order",
      header: "Order",
      cell: (row) => (
        <Link to={`/orders/${row.order_id}`} className="link">
          {row.side === "buy" ? "Buy" : "Sell"} <Quantity value={row.quantity} />{" "}
          {names.get(row.security_id)?.ticker ?? "…"}
        </Link>
      ),
    },
    {
      key: "limit",
      header: "Limit",
      number: true,
      cell: (row) => <Money value={row.limit_price} />,
    },
    {
      key: "filled",
      header: "Filled",
      number: true,
      from: "md",
      cell: (row) => <Quantity value={row.filled_quantity} />,
    },
    {
      key: "average",
      header: "Average",
      number: true,
      from: "md",
      cell: (row) => <Money value={row.average_price} />,
    },
    { key: "state", header: "State", cell: (row) => <OrderState order={row} /> },
    {
      key: "placed",
      header: "Placed (UTC)",
      from: "sm",
      cell: (row) => <Time value={row.placed_at} />,
    },
  ];
}

/** An order's state in a word. */
export function OrderState({ order }: { order: Order }) {
  if (order.cancel_requested && isOpen(order.status)) {
    return <StateWord tone="warn">Cancel asked</StateWord>;
  }
  const { word, tone } = STATUSES[order.status];
  return <StateWord tone={tone}>{word}</StateWord>;
}

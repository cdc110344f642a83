import { useParams } from "react-router";
import type { Order } from "../../api/models.ts";
import { useOrder } from "../../api/queries/orders.ts";
import { useSecurityNames } from "../../api/queries/securities.ts";
import { Card } from "../../components/Card.tsx";
import { Facts } from "../../components/Facts.tsx";
import { Hash } from "../../components/Hash.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { Money, Quantity } from "../../components/Numbers.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { Time } from "../../components/Time.tsx";
import { formatDecimal } from "../../format/decimal.ts";
import { CancelOrder } from "./CancelOrder.tsx";
import { Checks } from "./Checks.tsx";
import { FillsCard } from "./FillsCard.tsx";
import { OrderState } from "./OrdersCard.tsx";
import { checkName, isOpen } from "./words.ts";

/** One order: what was asked, which checks it passed, what was filled. */
export default function OrderPage() {
  const { id = "" } = useParams();
  const query = useOrder(id);
  return (
    <>
      {query.data ? null : <PageHeader title="Order" />}
      <Loaded query={query} what="the order" lines={8}>
        {(order) => <Details order={order} />}
      </Loaded>
    </>
  );
}

function Details({ order }: { order: Order }) {
  const security = useSecurityNames().get(order.security_id);
  const what = `${formatDecimal(order.quantity)} ${security?.ticker ?? "units"}`;
  return (
    <>
      <PageHeader
        title={`${order.side === "buy" ? "Buy" : "Sell"} ${what}`}
        lead={
          <span className="inline-flex flex-wrap items-center gap-2">
            <OrderState order={order} />
            {rejectWords(order) ?? cancelWords(order.cancel_reason)}
          </span>
        }
      >
        {isOpen(order.status) ? <CancelOrder order={order} what={what} /> : null}
      </PageHeader>
      <div className="grid gap-4 lg:grid-cols-3">
        <div className="min-w-0 space-y-4 lg:col-span-2">
          <FillsCard orderId={order.order_id} currency={order.currency} />
          <Card title="Compliance checks">
            <Checks checks={order.checks} />
          </Card>
        </div>
        <Card title="Order" className="self-start">
          <Facts
            items={[
              ["Limit", <Money key="l" value={order.limit_price} currency={order.currency} />],
              ["Filled", <Quantity key="f" value={order.filled_quantity} />],
              ["Left", <Quantity key="r" value={order.leaves_quantity} />],
              ["Average", <Money key="a" value={order.average_price} currency={order.currency} />],
              ["Placed", <Time key="p" value={order.placed_at} />],
              ["Changed", <Time key="u" value={order.updated_at} />],
              ["Order id", <Hash key="i" value={order.order_id} label="order id" />],
              ["Your id", <span key="c">{order.client_order_id}</span>],
            ]}
          />
        </Card>
      </div>
    </>
  );
}

function rejectWords(order: Order): string | null {
  if (order.reject_reason === null) return null;
  const failed = order.checks.filter((check) => !check.passed).map(checkName);
  return failed.length === 0 ? order.reject_reason : `Did not pass: ${failed.join(", ")}.`;
}

function cancelWords(reason: string | null): string | null {
  if (reason === null || reason === "cancelled") return null;
  return reason === "self-trade-prevented"
    ? "It would have met an order of your own."
    : reason.replaceAll("-", " ");
}

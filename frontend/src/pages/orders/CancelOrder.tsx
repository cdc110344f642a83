import { useState } from "react";
import type { Order } from "../../api/models.ts";
import { useCancelOrder } from "../../api/queries/orders.ts";
import { hasRole, useSession } from "../../api/queries/session.ts";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { toast } from "../../components/Toasts.tsx";
import { formatDecimal } from "../../format/decimal.ts";

interface Props {
  order: Order;
  what: string;
}

/** Asks for the rest of an order to be cancelled, after a question. */
export function CancelOrder({ order, what }: Props) {
  const [asking, setAsking] = useState(false);
  const cancel = useCancelOrder(order.order_id);
  const trader = hasRole(useSession().data, "trader");
  const blocked = order.cancel_requested
    ? "It was asked for already; the venue decides it in the order of its log."
    : trader
      ? null
      : "Cancelling needs the role trader.";
  const confirm = () =>
    cancel.mutate(undefined, {
      onSuccess: () => {
        setAsking(false);
        toast("The cancel was asked for.");
      },
    });
  return (
    <>
      <Button kind="danger" blocked={blocked} onClick={() => setAsking(true)}>
        Cancel the order
      </Button>
      <Dialog open={asking} title="Cancel the order?" onClose={() => setAsking(false)}>
        <p>
          {formatDecimal(order.leaves_quantity)} of {what} are still open. What is filled before the
          venue decides the cancel stays filled.
        </p>
        {cancel.isError ? <ErrorState error={cancel.error} /> : null}
        <div className="mt-4 flex justify-end gap-2">
          <Button onClick={() => setAsking(false)}>Keep it</Button>
          <Button kind="danger" busy={cancel.isPending} onClick={confirm}>
            Cancel the order
          </Button>
        </div>
      </Dialog>
    </>
  );
}

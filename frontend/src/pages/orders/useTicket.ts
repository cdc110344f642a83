import { type FormEvent, useRef, useState } from "react";
import { blockedBy, breakerFor } from "../../api/breakers.ts";
import { usePlaceOrder } from "../../api/queries/orders.ts";
import { useBusinessDate, useStatus } from "../../api/queries/platform.ts";
import { usePrice } from "../../api/queries/securities.ts";
import { isPositiveDecimal, normaliseInput } from "../../format/decimal.ts";
import { outcomeUnknown, refusalOf } from "./refusal.ts";
import { type Draft, isOf, Submissions } from "./submission.ts";

export type Side = "buy" | "sell";

/** The ticket's state: what is typed, what it means, and what the server said of it. */
export function useTicket(firstAccount: string, securityId: string) {
  const [accountId, setAccountId] = useState(firstAccount);
  const [side, setSide] = useState<Side>("buy");
  const [quantity, setQuantity] = useState("");
  const [typedPrice, setTypedPrice] = useState<string | null>(null);
  const [touched, setTouched] = useState(false);
  const lastClose = usePrice(securityId || null, useBusinessDate());
  const price = typedPrice ?? lastClose.data?.close ?? "";
  const order = { quantity: normaliseInput(quantity), limit_price: normaliseInput(price) };
  const complete = isPositiveDecimal(order.quantity) && isPositiveDecimal(order.limit_price);
  const draft = { account_id: accountId, security_id: securityId, side, ...order };
  const { place, busy, answer, send } = usePlacing(draft);
  const blocked = blockedBy(breakerFor(useStatus().data?.breakers, securityId));

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTouched(true);
    if (blocked || busy || !complete) return;
    send(() => {
      // What was typed while the answer was on its way is the next order's.
      setQuantity((now) => (normaliseInput(now) === draft.quantity ? "" : now));
      setTouched(false);
    });
  };
  /** Another security: its own last close, and nothing of what was said of the other. */
  const changeSecurity = () => {
    setTypedPrice(null);
    place.reset();
  };

  return {
    accountId,
    setAccountId,
    side,
    setSide,
    quantity,
    setQuantity,
    price,
    setPrice: setTypedPrice,
    close: lastClose.data,
    hasNoClose: lastClose.isError,
    order,
    complete,
    touched,
    blocked,
    busy,
    answer,
    submit,
    changeSecurity,
  };
}

/** Sends the draft, and says of the last answer whether it still is about what stands there. */
function usePlacing(draft: Draft) {
  const submissions = useRef(new Submissions());
  const place = usePlaceOrder((error) => {
    if (error === null || !outcomeUnknown(error)) submissions.current.answered();
  });
  const sent = place.variables?.order;
  const changed = sent !== undefined && !isOf(draft, sent);
  const unknown = place.isError && outcomeUnknown(place.error);
  const answer = {
    accepted: place.data && sent ? { orderId: place.data.order_id, order: sent } : null,
    error: changed ? null : place.error,
    refusal: place.isError && !changed ? refusalOf(place.error) : null,
    mayRepeat: unknown && !changed,
    /** The fate of the order before is not known, and this is another one. */
    isAnother: unknown && changed,
  };
  const send = (onSuccess: () => void) =>
    place.mutate(submissions.current.for(draft), { onSuccess });
  return { place, busy: place.isPending, answer, send };
}

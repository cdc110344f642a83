import { type FormEvent, useRef, useState } from "react";
import { blockedBy, breakerFor } from "../../api/breakers.ts";
import { usePlaceOrder } from "../../api/queries/orders.ts";
import { useBusinessDate, useStatus } from "../../api/queries/platform.ts";
import { usePrice } from "../../api/queries/securities.ts";
import { isPositiveDecimal, normaliseInput } from "../../format/decimal.ts";
import { outcomeUnknown, refusalOf } from "./refusal.ts";
import { Submissions } from "./submission.ts";

export type Side = "buy" | "sell";

/** The ticket's state: what is typed, what it means, and what the server said of it. */
export function useTicket(firstAccount: string, securityId: string) {
  const [accountId, setAccountId] = useState(firstAccount);
  const [side, setSide] = useState<Side>("buy");
  const [quantity, setQuantity] = useState("");
  const [typedPrice, setTypedPrice] = useState<string | null>(null);
  const [touched, setTouched] = useState(false);
  const lastClose = usePrice(securityId || null, useBusinessDate());
  const close = lastClose.data;
  const place = usePlaceOrder();
  const submissions = useRef(new Submissions());
  const blocked = blockedBy(breakerFor(useStatus().data?.breakers, securityId));
  const price = typedPrice ?? close?.close ?? "";
  const order = { quantity: normaliseInput(quantity), limit_price: normaliseInput(price) };
  const complete = isPositiveDecimal(order.quantity) && isPositiveDecimal(order.limit_price);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTouched(true);
    if (blocked || place.isPending || !complete) return;
    const draft = { account_id: accountId, security_id: securityId, side, ...order };
    place.mutate(submissions.current.for(draft), {
      onSuccess: () => {
        submissions.current.answered();
        setQuantity("");
        setTouched(false);
      },
      onError: (error) => {
        if (!outcomeUnknown(error)) submissions.current.answered();
      },
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
    close,
    hasNoClose: lastClose.isError,
    order,
    complete,
    touched,
    blocked,
    place,
    refusal: place.isError ? refusalOf(place.error) : null,
    submit,
    changeSecurity,
  };
}

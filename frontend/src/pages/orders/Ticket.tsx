import { Link } from "react-router";
import type { Account, Security } from "../../api/models.ts";
import type { NewOrder } from "../../api/queries/orders.ts";
import { Button } from "../../components/Button.tsx";
import { Choice } from "../../components/Choice.tsx";
import { formatDate } from "../../format/dates.ts";
import { formatAmount, formatDecimal, isPositiveDecimal, times } from "../../format/decimal.ts";
import { Refused } from "./Refused.tsx";
import { Chooser, DecimalInput } from "./TicketFields.tsx";
import { type Side, useTicket } from "./useTicket.ts";

interface Props {
  accounts: readonly Account[];
  securities: readonly Security[];
  securityId: string;
  onSecurity: (securityId: string) => void;
}

type State = ReturnType<typeof useTicket>;

const SIDES: readonly (readonly [Side, string])[] = [
  ["buy", "Buy"],
  ["sell", "Sell"],
];

/** A limit order, good till cancelled. */
export function Ticket({ accounts, securities, securityId, onSecurity }: Props) {
  const ticket = useTicket(accounts[0]?.account_id ?? "", securityId);
  const currency = securities.find((each) => each.security_id === securityId)?.currency ?? "";
  return (
    <form onSubmit={ticket.submit} className="space-y-3" noValidate>
      {accounts.length > 1 ? (
        <Chooser
          label="Account"
          value={ticket.accountId}
          options={accounts.map((each) => [each.account_id, each.name])}
          onChange={ticket.setAccountId}
        />
      ) : null}
      <Chooser
        label="Security"
        value={securityId}
        options={securities.map((each) => [each.security_id, `${each.ticker} ${each.name}`])}
        error={ticket.answer.refusal?.fields.security_id}
        disabled={ticket.busy}
        onChange={(id) => {
          ticket.changeSecurity();
          onSecurity(id);
        }}
      />
      <Choice label="Side" value={ticket.side} options={SIDES} onChange={ticket.setSide} />
      <Amounts ticket={ticket} currency={currency} />
      <Button
        type="submit"
        kind="primary"
        className="w-full"
        busy={ticket.busy}
        blocked={ticket.blocked}
      >
        {ticket.side === "buy" ? "Place the buy order" : "Place the sell order"}
      </Button>
      {ticket.blocked ? <p className="text-xs text-bad">{ticket.blocked}</p> : null}
      <Answer answer={ticket.answer} securities={securities} />
    </form>
  );
}

function Amounts({ ticket, currency }: { ticket: State; currency: string }) {
  const { close, order } = ticket;
  const { refusal } = ticket.answer;
  const wrong = (value: string) =>
    ticket.touched && !isPositiveDecimal(value) ? "Enter a number above zero." : null;
  return (
    <>
      <DecimalInput
        label="Quantity, whole units"
        value={ticket.quantity}
        error={refusal?.fields.quantity ?? wrong(order.quantity)}
        onChange={ticket.setQuantity}
      />
      <DecimalInput
        label={`Limit price${currency ? `, ${currency}` : ""}`}
        value={ticket.price}
        hint={
          close
            ? `Last close ${formatAmount(close.close)} of ${formatDate(close.price_date)}`
            : ticket.hasNoClose
              ? "No close is known up to the business date."
              : "Looking up the last close…"
        }
        error={refusal?.fields.limit_price ?? wrong(order.limit_price)}
        onChange={ticket.setPrice}
      />
      <p className="flex justify-between">
        <span className="text-muted">
          {ticket.side === "buy" ? "You pay at most" : "You get at least"}
        </span>
        <span className="num font-medium">
          {ticket.complete
            ? `${formatAmount(times(order.quantity, order.limit_price))} ${currency}`
            : "–"}
        </span>
      </p>
    </>
  );
}

interface AnswerProps {
  answer: State["answer"];
  securities: readonly Security[];
}

function Answer({ answer, securities }: AnswerProps) {
  const { accepted, error, refusal, mayRepeat, isAnother } = answer;
  return (
    <>
      <div role="status">
        {accepted ? (
          <p>
            Accepted: {summaryOf(accepted.order, securities)}.{" "}
            <Link className="link" to={`/orders/${accepted.orderId}`}>
              See the order
            </Link>
          </p>
        ) : null}
        {isAnother ? (
          <p className="text-warn">
            You changed the order: this is a new one. It is not known whether the one before
            arrived; look at your orders first.
          </p>
        ) : null}
      </div>
      {error && refusal ? <Refused error={error} refusal={refusal} mayRepeat={mayRepeat} /> : null}
    </>
  );
}

/** "buy 10 AAPL at 676.27" */
function summaryOf(order: NewOrder, securities: readonly Security[]): string {
  const found = securities.find((each) => each.security_id === order.security_id);
  const [units, price] = [formatDecimal(order.quantity), formatAmount(order.limit_price)];
  return `${order.side} ${units} ${found?.ticker ?? order.security_id} at ${price}`;
}

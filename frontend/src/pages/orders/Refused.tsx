import { Link } from "react-router";
import { asApiError } from "../../api/errors.ts";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Checks } from "./Checks.tsx";
import type { Refusal } from "./refusal.ts";

interface Props {
  error: unknown;
  refusal: Refusal;
  /** The answer was lost: pressing the button again sends the same submission. */
  mayRepeat: boolean;
}

/** Why an order was not placed: the failed checks, or the error. */
export function Refused({ error, refusal, mayRepeat }: Props) {
  if (refusal.checks.length === 0) {
    return (
      <div className="space-y-2">
        <ErrorState error={error} />
        {mayRepeat ? (
          <p className="text-xs text-muted">
            It is not known whether the order arrived. Placing it again sends the same one: it
            cannot be placed twice.
          </p>
        ) : null}
      </div>
    );
  }
  return (
    <div role="alert" className="rounded-md border border-bad/40 bg-bad-soft p-3">
      <p className="font-medium text-bad">Refused: {asApiError(error).title}</p>
      <p className="mb-2 text-xs text-muted">
        Code <code>{asApiError(error).code}</code>. The refusal is on record
        {refusal.orderId ? (
          <>
            :{" "}
            <Link className="link" to={`/orders/${refusal.orderId}`}>
              see it
            </Link>
          </>
        ) : null}
        .
      </p>
      <Checks checks={refusal.checks} />
    </div>
  );
}

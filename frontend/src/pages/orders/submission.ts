import { idempotencyKey } from "../../api/client.ts";
import type { NewOrder } from "../../api/queries/orders.ts";

export type Draft = Omit<NewOrder, "client_order_id">;

export interface Submission {
  order: NewOrder;
  key: string;
}

/** Whether a submission is of this very draft. */
export function isOf(draft: Draft, { client_order_id: _name, ...order }: NewOrder): boolean {
  return textOf(draft) === textOf(order);
}

function textOf(draft: Draft): string {
  return JSON.stringify(draft, Object.keys(draft).sort());
}

/**
 * Names submissions. An order whose fate is unknown is sent again under its old key and id, so that
 * it cannot be placed twice; any change of the order, or any definite answer, makes a new one.
 */
export class Submissions {
  #open: { draft: string; submission: Submission } | null = null;

  constructor(private readonly newId: () => string = idempotencyKey) {}

  for(draft: Draft): Submission {
    const text = textOf(draft);
    if (this.#open?.draft === text) return this.#open.submission;
    const id = this.newId();
    const submission = { order: { ...draft, client_order_id: `web-${id}` }, key: id };
    this.#open = { draft: text, submission };
    return submission;
  }

  /** The server has answered for good. */
  answered(): void {
    this.#open = null;
  }
}

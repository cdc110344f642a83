import { idempotencyKey } from "../../api/client.ts";
import type { NewOrder } from "../../api/queries/orders.ts";

export type Draft = Omit<NewOrder, "client_order_id">;

export interface Submission {
  order: NewOrder;
  key: string;
}

/**
 * Names submissions. An order whose fate is unknown is sent again under its old key and id, so that
 * it cannot be placed twice; any change of the order, or any definite answer, makes a new one.
 */
export class Submissions {
  #open: { draft: string; submission: Submission } | null = null;

  constructor(private readonly newId: () => string = idempotencyKey) {}

  for(draft: Draft): Submission {
    const text = JSON.stringify(draft, Object.keys(draft).sort());
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

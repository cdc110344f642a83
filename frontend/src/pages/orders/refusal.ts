import { asApiError } from "../../api/errors.ts";
import type { Check } from "../../api/models.ts";

export const TICKET_FIELDS = ["security_id", "quantity", "limit_price"] as const;
export type TicketField = (typeof TICKET_FIELDS)[number];

export interface Refusal {
  /** Errors that belong to one input. */
  fields: Partial<Record<TicketField, string>>;
  /** The compliance checks of a refused order, failed ones first; empty for other errors. */
  checks: readonly Check[];
  /** The refused order, which is on record. */
  orderId: string | null;
}

/** A failed submission sorted into what the form can show where. */
export function refusalOf(error: unknown): Refusal {
  const found = asApiError(error);
  const fields: Refusal["fields"] = {};
  for (const each of found.errors) {
    const name = each.pointer.split("/").at(-1);
    const field = TICKET_FIELDS.find((known) => known === name);
    if (field !== undefined) fields[field] = each.detail;
  }
  const { checks, order_id } = found.problem;
  const listed = Array.isArray(checks) ? checks.filter(isCheck) : [];
  return {
    fields,
    checks: [...listed].sort((a, b) => Number(a.passed) - Number(b.passed)),
    orderId: typeof order_id === "string" ? order_id : null,
  };
}

/** Whether it is unknown if the server took the order: the same submission may be sent again. */
export function outcomeUnknown(error: unknown): boolean {
  const { status } = asApiError(error);
  return status === 0 || status >= 500;
}

function isCheck(value: unknown): value is Check {
  if (typeof value !== "object" || value === null) return false;
  const { name, passed, inputs } = value as Record<string, unknown>;
  return typeof name === "string" && typeof passed === "boolean" && typeof inputs === "object";
}

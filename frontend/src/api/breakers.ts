import type { Breaker } from "./models.ts";

export const VENUE_SCOPE = "venue";

/** The breakers that stop trading now. */
export function openBreakers(breakers: readonly Breaker[] | undefined): readonly Breaker[] {
  return (breakers ?? []).filter((each) => each.state === "open");
}

/** The breaker that stops a security's trading, the venue's before its own; else null. */
export function breakerFor(
  breakers: readonly Breaker[] | undefined,
  securityId: string | null,
): Breaker | null {
  const open = openBreakers(breakers);
  const venue = open.find((each) => each.scope === VENUE_SCOPE);
  return venue ?? open.find((each) => each.scope === securityId) ?? null;
}

/** Why an action in the breaker's scope cannot be taken; the banner says why it was tripped. */
export function blockedBy(breaker: Breaker | null): string | null {
  return breaker === null ? null : "The circuit breaker is open.";
}

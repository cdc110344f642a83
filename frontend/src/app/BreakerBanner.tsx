import { useEffect, useRef } from "react";
import { openBreakers, VENUE_SCOPE } from "../api/breakers.ts";
import type { Breaker } from "../api/models.ts";
import { useBreakers } from "../api/queries/compliance.ts";
import { useStatus } from "../api/queries/platform.ts";
import { useSecurityNames } from "../api/queries/securities.ts";
import { useSession } from "../api/queries/session.ts";
import { Time } from "../components/Time.tsx";
import { toast } from "../components/Toasts.tsx";

/**
 * One line for every breaker that is open, above the page. That it is open is public; why and by
 * whom is told to those who are signed in, and their line waits for it: it is announced once.
 */
export function BreakerBanner() {
  const open = openBreakers(useStatus().data?.breakers);
  const session = useSession().data;
  const listing = useBreakers(Boolean(session) && open.length > 0);
  const names = useSecurityNames(Boolean(session));
  useClosedToast(open);
  if (session && listing.isPending && listing.failureCount === 0) return null;
  return open.map((breaker) => {
    const listed = listing.data?.find((each) => each.scope === breaker.scope);
    return (
      <BreakerLine
        key={`${breaker.scope} ${breaker.changed_at}`}
        breaker={breaker}
        scope={scopeName(breaker.scope, names.get(breaker.scope)?.ticker)}
        reason={(listed?.state === "open" && listed.reason) || null}
        who={byWhom(listed?.actor, session)}
      />
    );
  });
}

interface LineProps {
  breaker: Breaker;
  scope: string;
  reason: string | null;
  who: string | null;
}

/** Announced once: its key is the transition, and between answers nothing in it changes. */
export function BreakerLine({ breaker, scope, reason, who }: LineProps) {
  return (
    <section
      aria-label={`Trading stop: ${scope}`}
      className="border-b border-bad/30 bg-bad-soft px-4 py-2 lg:px-6"
    >
      <p>
        <span role="alert">
          <strong className="text-bad">Trading is stopped: {scope}.</strong>{" "}
          {reason ? `${reason}. ` : ""}
        </span>
        <span className="text-muted">
          {breaker.changed_at ? (
            <>
              Since <Time value={breaker.changed_at} />
            </>
          ) : null}
          {who ? `, by ${who}` : ""}. Orders are refused and no settlement is submitted until it is
          reset.
        </span>
      </p>
    </section>
  );
}

/** The scope for people: the whole venue, or a security by its ticker. */
export function scopeName(scope: string, ticker: string | undefined): string {
  return scope === VENUE_SCOPE ? "the whole venue" : (ticker ?? `security ${scope.slice(0, 8)}`);
}

function byWhom(
  actor: string | null | undefined,
  session: { participant_id: string } | null | undefined,
): string | null {
  if (!actor) return null;
  const id = actor.replace("participant:", "");
  if (id === session?.participant_id) return "you";
  return actor.startsWith("participant:") ? `venue operator ${id.slice(-4)}` : actor;
}

function useClosedToast(open: readonly Breaker[]): void {
  const before = useRef<readonly Breaker[]>([]);
  useEffect(() => {
    const still = new Set(open.map((each) => each.scope));
    for (const each of before.current) {
      if (!still.has(each.scope)) toast("The circuit breaker was reset. Trading goes on.");
    }
    before.current = open;
  }, [open]);
}

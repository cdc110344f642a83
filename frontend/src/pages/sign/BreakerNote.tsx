import { useStatus } from "../../api/queries/platform.ts";

/** Says that trading is stopped while it is: what was traded before can be signed, and waits. */
export function BreakerNote() {
  const open = useStatus().data?.breakers.filter(({ state }) => state !== "closed") ?? [];
  if (open.length === 0) return null;
  return (
    <p className="mb-4 rounded-md bg-warn-soft px-3 py-2 text-warn">
      Trading is stopped ({open.map(({ scope }) => scope).join(", ")}). A trade made before can
      still be signed; it is submitted once trading goes on.
    </p>
  );
}

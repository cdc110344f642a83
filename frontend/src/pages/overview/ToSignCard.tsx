import type { Instruction } from "../../api/models.ts";
import { useSecurityNames } from "../../api/queries/securities.ts";
import { useInstructions } from "../../api/queries/settlements.ts";
import { ButtonLink } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { Money, Quantity } from "../../components/Numbers.tsx";
import { needsSignature } from "../settlements/words.ts";

/** The trades that wait for this participant's signature. */
export function ToSignCard() {
  const query = useInstructions();
  return (
    <Card title="Waiting for your signature" className="max-lg:order-first">
      <Loaded query={query} what="your settlements" lines={2}>
        {({ pages }) => (
          <ToSign found={pages.flatMap((page) => page.items).filter(needsSignature)} />
        )}
      </Loaded>
    </Card>
  );
}

function ToSign({ found }: { found: readonly Instruction[] }) {
  const names = useSecurityNames();
  if (found.length === 0) return <p className="text-muted">Nothing waits for you.</p>;
  return (
    <ul className="space-y-3">
      {found.map((each) => (
        <li key={each.instruction_id} className="flex items-center justify-between gap-3">
          <div className="min-w-0">
            <p>
              {each.direction === "DELI" ? "Deliver" : "Receive"} <Quantity value={each.quantity} />{" "}
              {names.get(each.security_id)?.ticker ?? "…"}
            </p>
            <p className="text-xs text-muted">
              against <Money value={each.amount} currency={each.currency} />
            </p>
          </div>
          <ButtonLink kind="primary" to={`/sign/${each.instruction_id}`}>
            Sign
          </ButtonLink>
        </li>
      ))}
    </ul>
  );
}

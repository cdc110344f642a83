import { useState } from "react";
import { VENUE_SCOPE } from "../../api/breakers.ts";
import { useBreakers } from "../../api/queries/compliance.ts";
import { useSecurities } from "../../api/queries/securities.ts";
import { scopeName } from "../../app/BreakerBanner.tsx";
import { Button } from "../../components/Button.tsx";
import { Card } from "../../components/Card.tsx";
import { Loaded } from "../../components/Loaded.tsx";
import { StateWord } from "../../components/StateWord.tsx";
import { type Column, Table } from "../../components/Table.tsx";
import { Time } from "../../components/Time.tsx";
import { type BreakerChange, BreakerDialog } from "./BreakerDialog.tsx";

type Breaker = NonNullable<ReturnType<typeof useBreakers>["data"]>[number];

/** Each breaker with its state; an operator trips and resets them, always with a reason. */
export function BreakersCard({ mayChange }: { mayChange: boolean }) {
  const [change, setChange] = useState<BreakerChange | null>(null);
  const securities = useSecurities().data ?? [];
  const ticker = (scope: string) =>
    scopeName(scope, securities.find((each) => each.security_id === scope)?.ticker);
  const ask = (scope: string, act: BreakerChange["act"]) =>
    setChange({ scope, act, name: ticker(scope) });
  return (
    <Card title="Circuit breakers" flush>
      <Loaded query={useBreakers()} what="the circuit breakers">
        {(found) => (
          <>
            <Table
              caption="Circuit breakers"
              columns={columns(ticker, mayChange ? ask : null)}
              rows={withVenue(found)}
              rowKey={(row) => row.scope}
            />
            {mayChange ? (
              <StopSecurity
                options={securities.filter(
                  (each) => !found.some((row) => row.scope === each.security_id),
                )}
                onStop={(scope) => ask(scope, "trip")}
              />
            ) : null}
          </>
        )}
      </Loaded>
      <BreakerDialog change={change} onClose={() => setChange(null)} />
    </Card>
  );
}

/** The venue's breaker exists before anyone has tripped it. */
function withVenue(found: readonly Breaker[]): readonly Breaker[] {
  if (found.some((row) => row.scope === VENUE_SCOPE)) return found;
  const untouched = { scope: VENUE_SCOPE, state: "closed", reason: null } as const;
  return [{ ...untouched, actor: null, changed_at: null }, ...found];
}

function columns(
  name: (scope: string) => string,
  ask: ((scope: string, act: BreakerChange["act"]) => void) | null,
): readonly Column<Breaker>[] {
  return [
    { key: "scope", header: "Scope", cell: (row) => name(row.scope) },
    {
      key: "state",
      header: "State",
      cell: (row) =>
        row.state === "open" ? (
          <StateWord tone="bad">Trading stopped</StateWord>
        ) : (
          <StateWord tone="good">Trading</StateWord>
        ),
    },
    { key: "reason", header: "Last reason", from: "sm", cell: (row) => row.reason ?? "–" },
    {
      key: "since",
      header: "Since",
      from: "md",
      cell: (row) => <Time value={row.changed_at ?? null} />,
    },
    {
      key: "act",
      header: "Change",
      hiddenHeader: true,
      number: true,
      cell: (row) => {
        if (ask === null) return null;
        const open = row.state === "open";
        return (
          <Button
            kind={open ? "plain" : "danger"}
            onClick={() => ask(row.scope, open ? "reset" : "trip")}
          >
            {open ? "Reset" : "Trip"}
            <span className="sr-only"> {name(row.scope)}</span>
          </Button>
        );
      },
    },
  ];
}

interface StopProps {
  options: readonly { security_id: string; ticker: string; name: string }[];
  onStop: (scope: string) => void;
}

function StopSecurity({ options, onStop }: StopProps) {
  const [chosen, setChosen] = useState("");
  return (
    <div className="flex flex-wrap items-center gap-2 border-t border-line px-4 py-3">
      <select
        aria-label="Security"
        className="field w-auto min-w-0 flex-1 basis-48"
        value={chosen}
        onChange={(event) => setChosen(event.target.value)}
      >
        <option value="">One security…</option>
        {options.map((each) => (
          <option key={each.security_id} value={each.security_id}>
            {each.ticker} {each.name}
          </option>
        ))}
      </select>
      <Button
        kind="danger"
        blocked={chosen === "" ? "Choose a security first." : null}
        onClick={() => onStop(chosen)}
      >
        Trip for this security
      </Button>
    </div>
  );
}

import { Facts } from "../../components/Facts.tsx";
import { Hash } from "../../components/Hash.tsx";
import { formatTime } from "../../format/dates.ts";
import type { Facts as ProvenFacts } from "../../proof/report.ts";
import { FACT_NAMES } from "./words.ts";

/** What the bytes say of themselves. */
export function FactList({ facts }: { facts: ProvenFacts }) {
  const items = Object.entries(facts)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => [FACT_NAMES[name] ?? name, show(name, value)] as const);
  return <Facts items={items} />;
}

function show(name: string, value: string) {
  if (/^(?:0x)?[0-9a-f]{40,64}$/.test(value)) {
    return <Hash value={value} label={(FACT_NAMES[name] ?? name).toLowerCase()} full />;
  }
  if (name === "recorded_at") return `${formatTime(value)} UTC`;
  if (name === "anchored_at")
    return `${formatTime(new Date(Number(value) * 1000).toISOString())} UTC`;
  return <span className="break-all">{value}</span>;
}

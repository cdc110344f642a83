import { Button } from "../../components/Button.tsx";
import type { EventFilter } from "./queries.ts";

/** The families of events that the platform writes, by the first part of their type. */
const FAMILIES = [
  ["", "All types"],
  ["order.", "Orders"],
  ["book.", "Order book"],
  ["trade.", "Trades"],
  ["instruction.", "Instructions"],
  ["settlement.", "Settlements"],
  ["account.", "Accounts"],
  ["portfolio.", "Portfolios"],
  ["anchor.", "Anchors"],
  ["breaker.", "Circuit breakers"],
  ["compliance.", "Compliance"],
  ["security.", "Securities"],
  ["participant.", "Participants"],
  ["wallet.", "Wallets"],
] as const;

interface Props {
  filter: EventFilter;
  onChange: (filter: EventFilter) => void;
}

/** Which events to show. The choice stands in the address, so it can be linked to. */
export function EventFilters({ filter, onChange }: Props) {
  const known = FAMILIES.some(([prefix]) => prefix === filter.type);
  return (
    <div className="flex flex-wrap items-end gap-3 px-4 pb-3">
      <label className="block">
        <span className="mb-1 block text-xs text-muted">Type</span>
        <select
          className="field"
          value={filter.type}
          onChange={(event) => onChange({ ...filter, type: event.target.value })}
        >
          {known ? null : <option value={filter.type}>{filter.type}</option>}
          {FAMILIES.map(([prefix, name]) => (
            <option key={prefix} value={prefix}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {filter.stream === "" ? null : (
        <p className="flex min-h-9 min-w-0 items-center gap-2">
          <span className="min-w-0 break-all">
            Stream <code className="text-xs">{filter.stream}</code>
          </span>
          <Button kind="quiet" onClick={() => onChange({ ...filter, stream: "" })}>
            Clear
          </Button>
        </p>
      )}
    </div>
  );
}

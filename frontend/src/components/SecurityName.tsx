import type { Security } from "../api/models.ts";

interface Props {
  security: Security | undefined;
  /** Shown shortened while the register is not loaded. */
  id: string;
  /** The ticker alone. */
  brief?: boolean;
}

/** A security by ticker and name. */
export function SecurityName({ security, id, brief }: Props) {
  if (security === undefined) return <code className="text-xs">{id.slice(0, 8)}…</code>;
  if (brief) return <span title={security.name}>{security.ticker}</span>;
  return (
    <div className="min-w-0">
      <div className="font-medium">{security.ticker}</div>
      <div className="max-w-48 truncate text-xs text-muted max-sm:max-w-28" title={security.name}>
        {security.name}
      </div>
    </div>
  );
}

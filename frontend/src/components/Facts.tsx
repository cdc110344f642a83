import type { ReactNode } from "react";

interface Props {
  items: readonly (readonly [string, ReactNode])[];
  /** For figures: the values stand to the right. */
  right?: boolean;
}

/** Names and values in two columns. */
export function Facts({ items, right }: Props) {
  return (
    <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-4 gap-y-1.5">
      {items.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className={right ? "min-w-0 text-right" : "min-w-0 break-words"}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

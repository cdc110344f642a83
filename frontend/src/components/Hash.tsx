import { shorten } from "../format/shorten.ts";
import { CopyButton } from "./CopyButton.tsx";

interface Props {
  value: string;
  /** What it is, for the copy button: "transaction hash". */
  label: string;
  /** Shows all of it, breaking lines. */
  full?: boolean;
}

/** A hash in monospace, shortened unless `full`, with a copy button. */
export function Hash({ value, label, full }: Props) {
  return (
    <span className="inline-flex max-w-full items-baseline gap-1">
      <code className={full ? "break-all text-xs" : "text-xs whitespace-nowrap"} title={value}>
        {full ? value : shorten(value, 8, 6)}
      </code>
      <CopyButton value={value} label={label} />
    </span>
  );
}

/** An address: as a hash, with more of it, because addresses are compared by eye. */
export function Address({ value, full, label = "address" }: Partial<Props> & { value: string }) {
  return <Hash value={value} label={label} full={full ?? false} />;
}

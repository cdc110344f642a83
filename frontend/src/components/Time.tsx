import { formatDate, formatTime } from "../format/dates.ts";

/** An instant in UTC, or a business date where the value is one. */
export function Time({ value, className }: { value: string | null; className?: string }) {
  if (value === null) return <span className="text-muted">–</span>;
  const day = value.length === 10;
  return (
    <time dateTime={value} className={`num ${className ?? ""}`} title={day ? undefined : "UTC"}>
      {day ? formatDate(value) : formatTime(value)}
    </time>
  );
}

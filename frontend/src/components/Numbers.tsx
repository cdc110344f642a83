import { formatAmount, formatDecimal, formatPercent, signOf } from "../format/decimal.ts";
import { classes } from "./classes.ts";

type Decimal = string | null | undefined;

interface Props {
  value: Decimal;
  /** Shows plus and minus, and tints gain and loss. */
  signed?: boolean;
  className?: string;
}

/** An amount of money by decimal string; a dash where there is none, never 0. */
export function Money({ value, currency, signed, className }: Props & { currency?: string }) {
  if (value == null) return <Absent />;
  return (
    <Figure value={value} signed={signed} className={className}>
      {formatAmount(value, signed ? "exceptZero" : "auto")}
      {currency ? <span className="ml-1 text-xs text-muted">{currency}</span> : null}
    </Figure>
  );
}

/** A number of units. */
export function Quantity({ value, signed, className }: Props) {
  if (value == null) return <Absent />;
  return (
    <Figure value={value} signed={signed} className={className}>
      {formatDecimal(value, 0, signed ? "exceptZero" : "auto")}
    </Figure>
  );
}

/** A rate as a percentage: "0.1" is ten per cent. */
export function Percent({ value, signed, places, className }: Props & { places?: number }) {
  if (value == null) return <Absent />;
  return (
    <Figure value={value} signed={signed} className={className}>
      {formatPercent(value, places ?? 2, signed ? "exceptZero" : "auto")}
    </Figure>
  );
}

interface FigureProps {
  value: string;
  signed: boolean | undefined;
  className: string | undefined;
  children: React.ReactNode;
}

function Figure({ value, signed, className, children }: FigureProps) {
  const tint = signed ? { "-1": "text-bad", "0": "", "1": "text-good" }[`${signOf(value)}`] : "";
  return <span className={classes("num", tint, className)}>{children}</span>;
}

function Absent() {
  return (
    <span className="text-muted">
      <span aria-hidden="true">–</span>
      <span className="sr-only">not available</span>
    </span>
  );
}

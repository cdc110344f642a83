import type { ButtonHTMLAttributes } from "react";
import { Link, type LinkProps } from "react-router";
import { classes } from "./classes.ts";

type Kind = "primary" | "plain" | "danger" | "quiet";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind;
  busy?: boolean;
  /** Why the action cannot be taken now: the button stays reachable and says so. */
  blocked?: string | null;
}

const SHAPE =
  "inline-flex min-h-9 items-center justify-center gap-1.5 rounded-md border px-3 py-1 font-medium " +
  "disabled:opacity-60 aria-disabled:cursor-not-allowed aria-disabled:opacity-60";

const KINDS: Record<Kind, string> = {
  primary: "border-transparent bg-accent text-accent-ink hover:opacity-90",
  plain: "border-line-strong bg-surface text-ink hover:bg-raised",
  danger: "border-bad bg-surface text-bad hover:bg-bad-soft",
  quiet: "border-transparent text-muted hover:bg-raised hover:text-ink",
};

/** A button. `busy` keeps its width and its focus; `blocked` explains instead of acting. */
export function Button({ kind = "plain", busy, blocked, className, onClick, ...rest }: Props) {
  const refused = busy === true || Boolean(blocked);
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy || undefined}
      aria-disabled={refused || undefined}
      title={blocked ?? rest.title}
      onClick={(event) => (refused ? event.preventDefault() : onClick?.(event))}
      className={classes(SHAPE, KINDS[kind], className)}
    />
  );
}

/** A link that looks like a button, for actions that are pages. */
export function ButtonLink({ kind = "plain", className, ...rest }: LinkProps & { kind?: Kind }) {
  return <Link {...rest} className={classes(SHAPE, KINDS[kind], String(className ?? ""))} />;
}

import { type ReactNode, useId } from "react";
import { classes } from "./classes.ts";

interface Props {
  title?: ReactNode;
  /** Beside the title: a link, a switch, a state word. */
  aside?: ReactNode;
  /** Leaves the inner margin to the content, for tables that reach the edge. */
  flush?: boolean;
  className?: string;
  children: ReactNode;
}

/** A panel with an optional title; a landmark where it has one. */
export function Card({ title, aside, flush, className, children }: Props) {
  const id = useId();
  return (
    <section
      aria-labelledby={title ? id : undefined}
      className={classes(
        flush && "flush",
        "min-w-0 rounded-lg border border-line bg-surface",
        className,
      )}
    >
      {title ? (
        <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1 px-4 pt-3 pb-2">
          <h2 id={id} className="font-semibold">
            {title}
          </h2>
          {aside}
        </div>
      ) : null}
      <div className={classes(!flush && "px-4 pb-4", !flush && !title && "pt-4")}>{children}</div>
    </section>
  );
}

import type { ReactNode } from "react";

interface Props {
  title: ReactNode;
  /** One line below the title. */
  lead?: ReactNode;
  /** Actions, to the right. */
  children?: ReactNode;
}

/** The page's only h1, with its actions. */
export function PageHeader({ title, lead, children }: Props) {
  return (
    <div className="mb-4 flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
      <div className="min-w-0">
        <h1 className="text-xl font-semibold tracking-tight text-balance">{title}</h1>
        {lead ? <div className="text-muted">{lead}</div> : null}
      </div>
      {children ? <div className="flex flex-wrap items-center gap-2">{children}</div> : null}
    </div>
  );
}

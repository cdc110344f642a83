import { asApiError } from "../api/errors.ts";
import { Button } from "./Button.tsx";
import { CopyButton } from "./CopyButton.tsx";

interface Props {
  error: unknown;
  /** What could not be shown: "the orders". */
  what?: string;
  retry?: () => unknown;
}

/** A failed part of a page: what failed, why, the code to name, and another try. */
export function ErrorState({ error, what, retry }: Props) {
  const found = asApiError(error);
  return (
    <div
      role="alert"
      className="rounded-md in-[.flush]:m-4 border border-bad/40 bg-bad-soft px-3 py-2"
    >
      <p className="font-medium text-bad">
        {what ? `Could not load ${what}: ` : ""}
        {found.title}
      </p>
      <p className="break-words">{found.detail}</p>
      <p className="mt-1 flex flex-wrap items-center gap-x-3 text-xs text-muted">
        <span>
          Code <code>{found.code}</code>
        </span>
        {found.requestId ? (
          <span className="inline-flex min-w-0 items-center gap-1">
            <span className="min-w-0 break-all">
              Request <code>{found.requestId}</code>
            </span>
            <CopyButton value={found.requestId} label="request id" />
          </span>
        ) : null}
      </p>
      {retry ? (
        <Button className="mt-2" onClick={() => void retry()}>
          Try again
        </Button>
      ) : null}
    </div>
  );
}

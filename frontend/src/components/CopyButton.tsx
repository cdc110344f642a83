import { useEffect, useState } from "react";

/** Copies a value; says so in place, and to a screen reader. */
export function CopyButton({ value, label }: { value: string; label: string }) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), 2000);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = () =>
    navigator.clipboard.writeText(value).then(
      () => setState("copied"),
      () => setState("failed"),
    );
  const shown = { idle: "Copy", copied: "Copied", failed: "Not copied" }[state];
  return (
    <button
      type="button"
      onClick={copy}
      aria-label={state === "idle" ? `Copy ${label}` : `${shown}: ${label}`}
      className="min-h-6 rounded px-1 text-xs text-muted hover:bg-raised hover:text-ink"
    >
      {shown}
      <span role="status" className="sr-only">
        {state === "idle" ? "" : shown}
      </span>
    </button>
  );
}

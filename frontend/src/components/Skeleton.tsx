/** The place of something that is being loaded. */
export function Skeleton({ lines = 3, label = "Loading" }: { lines?: number; label?: string }) {
  const rows = Array.from({ length: lines }, (_, index) => index);
  return (
    <div
      role="status"
      aria-busy="true"
      className="motion-safe:animate-pulse space-y-2 py-1 in-[.flush]:p-4"
    >
      <span className="sr-only">{label}</span>
      {rows.map((row) => (
        <div key={row} className={`h-4 rounded bg-raised ${row % 3 === 2 ? "w-2/3" : "w-full"}`} />
      ))}
    </div>
  );
}

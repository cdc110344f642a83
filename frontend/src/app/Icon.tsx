const PATHS = {
  overview: "M3 16V9m5 7V4m5 12v-5m4 5V7",
  orders: "M4 6h12M4 10h12M4 14h7",
  settlements: "M4 7h11m0 0-3-3m3 3-3 3M16 13H5m0 0 3-3m-3 3 3 3",
  log: "M10 3v4m0 0-5 3v3m5-6 5 3v3M3.500 13h3v3h-3zm10 0h3v3h-3z",
  verify: "M10 2.500 4 5v5c0 3.500 2.500 6 6 7.500 3.500-1.500 6-4 6-7.500V5zM7.500 10l2 2 3.500-4",
  person: "M10 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm-6 7c.500-3 3-4.500 6-4.500s5.500 1.500 6 4.500",
} as const;

export type IconName = keyof typeof PATHS;

/** A line drawing beside a label; it says nothing by itself. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      viewBox="0 0 20 20"
      className="size-4.5 shrink-0"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

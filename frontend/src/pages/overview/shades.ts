/** A part's colour, by its rank; cash is grey. */
export function shadeFill(shade: number | null): string {
  return shade === null ? "var(--line-strong)" : "var(--accent)";
}

/** How strong a part's colour is: the largest the most. */
export function shadeOf(shade: number | null): number {
  return shade === null ? 0.5 : Math.max(0.25, 1 - shade * 0.22);
}

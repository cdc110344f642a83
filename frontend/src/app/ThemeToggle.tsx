import { chooseTheme, useTheme } from "./theme.ts";

/** Switches between light and dark. */
export function ThemeToggle() {
  const theme = useTheme();
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      onClick={() => chooseTheme(other)}
      aria-label={`Use the ${other} theme`}
      title={`Use the ${other} theme`}
      className="grid size-9 place-items-center rounded-md text-muted hover:bg-raised hover:text-ink"
    >
      <svg viewBox="0 0 20 20" className="size-4.5" fill="currentColor" aria-hidden="true">
        <path d="M10 2a8 8 0 1 0 0 16 8 8 0 0 0 0-16Zm0 1.600v12.800a6.400 6.400 0 0 1 0-12.800Z" />
      </svg>
    </button>
  );
}

import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";

const KEY = "tallystick.theme";
const listeners = new Set<() => void>();

/** The theme that is shown; public/theme.js sets it before the first paint. */
export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => (document.documentElement.classList.contains("dark") ? "dark" : "light"),
  );
}

/** Shows a theme and remembers it on this device, where storage is allowed. */
export function chooseTheme(theme: Theme): void {
  document.documentElement.classList.toggle("dark", theme === "dark");
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Without storage the choice holds for this visit.
  }
  for (const listener of listeners) listener();
}

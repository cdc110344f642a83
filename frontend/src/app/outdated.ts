const KEY = "tallystick.reloaded";
const COOLDOWN_MS = 10_000;

/** A tab from before an upgrade asks for code that is gone: load the page anew, but not in a loop. */
export function reloadOnceWhenOutdated(): void {
  window.addEventListener("vite:preloadError", (event) => {
    if (!navigator.onLine) return; // nothing is outdated, and a reload would leave an empty tab
    const last = Number(sessionStorage.getItem(KEY) ?? "0");
    if (Date.now() - last < COOLDOWN_MS) return; // the error reaches the route's error page
    event.preventDefault();
    sessionStorage.setItem(KEY, String(Date.now()));
    location.reload();
  });
}

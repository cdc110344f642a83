import { KEY } from "../api/signedIn.ts";

/**
 * Begins anew when another tab signs in as somebody else or out, and when the browser brings back a
 * page that it kept: what stood there may be somebody else's by now. Returns how to stop.
 */
export function watchSession(page: Pick<Location, "assign" | "reload">): () => void {
  const onStorage = ({ key, newValue, oldValue }: StorageEvent) => {
    if (key === KEY && newValue !== oldValue) page.assign("/");
  };
  const onShow = ({ persisted }: PageTransitionEvent) => {
    if (persisted) page.reload();
  };
  addEventListener("storage", onStorage);
  addEventListener("pageshow", onShow);
  return () => {
    removeEventListener("storage", onStorage);
    removeEventListener("pageshow", onShow);
  };
}

import { type RefObject, useEffect, useRef } from "react";
import { useLocation, useMatches } from "react-router";

/** The title of the page that is shown, from its route. */
export function usePageTitle(): string {
  const handle = useMatches().at(-1)?.handle as { title?: string } | undefined;
  const title = handle?.title ?? "Tallystick";
  useEffect(() => {
    document.title = title === "Tallystick" ? title : `${title} · Tallystick`;
  }, [title]);
  return title;
}

/** Moves the focus to the main part after a navigation, but not when the page first loads. */
export function useNavigationFocus(main: RefObject<HTMLElement | null>): void {
  const { pathname } = useLocation();
  const before = useRef(pathname);
  useEffect(() => {
    if (before.current === pathname) return;
    before.current = pathname;
    main.current?.focus({ preventScroll: true });
  }, [pathname, main]);
}

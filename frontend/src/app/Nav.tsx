import type { ReactNode } from "react";
import { NavLink } from "react-router";
import { hasRole, useSession } from "../api/queries/session.ts";
import { classes } from "../components/classes.ts";
import { Icon, type IconName } from "./Icon.tsx";

interface Item {
  to: string;
  label: string;
  /** For the narrow navigation, where the label does not fit. */
  short?: string;
  icon: IconName;
}

interface Group {
  name: string;
  items: readonly Item[];
}

const OVERVIEW: Item = { to: "/", label: "Overview", icon: "overview" };
const ORDERS: Item = { to: "/orders", label: "Orders", icon: "orders" };
const SETTLEMENTS: Item = {
  to: "/settlements",
  label: "Settlements",
  short: "Settle",
  icon: "settlements",
};
const LOG: Item = { to: "/audit", label: "Log", icon: "log" };
const VERIFY: Item = { to: "/verify", label: "Verify", icon: "verify" };
const SIGN_IN: Item = { to: "/sign-in", label: "Sign in", icon: "person" };

const PARTY: readonly Group[] = [
  { name: "Portfolio", items: [OVERVIEW] },
  { name: "Trade", items: [ORDERS] },
  { name: "Settlement", items: [SETTLEMENTS] },
  { name: "Audit", items: [LOG, VERIFY] },
];
const VENUE: readonly Group[] = [
  { name: "Venue", items: [OVERVIEW] },
  { name: "Settlement", items: [SETTLEMENTS] },
  { name: "Audit", items: [LOG, VERIFY] },
];
const NOBODY: readonly Group[] = [
  { name: "Audit", items: [VERIFY] },
  { name: "You", items: [SIGN_IN] },
];

function useGroups(): readonly Group[] {
  const session = useSession().data;
  if (!session) return NOBODY;
  return hasRole(session, "investor", "trader") ? PARTY : VENUE;
}

/** The navigation at the left, from a width of 1024 pixels on. */
export function SideNav({ children }: { children: ReactNode }) {
  return (
    <nav aria-label="Main" className="sticky top-0 space-y-4 px-3">
      {children}
      {useGroups().map((group) => (
        <div key={group.name}>
          <p className="px-2 pb-1 text-xs text-muted">{group.name}</p>
          <ul>
            {group.items.map((item) => (
              <li key={item.to}>
                <NavLink to={item.to} end={item.to === "/"} className={sideLink}>
                  <Icon name={item.icon} />
                  {item.label}
                </NavLink>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

/** The same at the bottom of small screens. */
export function BottomNav() {
  const items = useGroups().flatMap((group) => group.items);
  return (
    <nav
      aria-label="Main"
      className="fixed inset-x-0 bottom-0 z-30 border-t border-line bg-surface lg:hidden"
    >
      <ul className="flex justify-around">
        {items.map((item) => (
          <li key={item.to} className="min-w-0 flex-1">
            <NavLink to={item.to} end={item.to === "/"} className={bottomLink}>
              <Icon name={item.icon} />
              {item.short ?? item.label}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function sideLink({ isActive }: { isActive: boolean }): string {
  return classes(
    "flex min-h-9 items-center gap-2.5 rounded-md px-2",
    isActive ? "bg-accent-soft font-medium text-accent" : "text-ink hover:bg-raised",
  );
}

function bottomLink({ isActive }: { isActive: boolean }): string {
  return classes(
    "flex min-h-14 flex-col items-center justify-center gap-0.5 px-0.5 text-xs",
    isActive ? "font-medium text-accent" : "text-muted",
  );
}

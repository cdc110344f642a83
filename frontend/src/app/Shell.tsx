import { useRef } from "react";
import { Link, Outlet, ScrollRestoration } from "react-router";
import { useConfig, useStatus } from "../api/queries/platform.ts";
import { useSession } from "../api/queries/session.ts";
import { useLive } from "../live/useLive.ts";
import { BreakerBanner } from "./BreakerBanner.tsx";
import { BottomNav, SideNav } from "./Nav.tsx";
import { SessionMenu } from "./SessionMenu.tsx";
import { StatusBar } from "./StatusBar.tsx";
import { ThemeToggle } from "./ThemeToggle.tsx";
import { useNavigationFocus, usePageTitle } from "./useNavigationFocus.ts";

/** What surrounds every page. */
export function Shell() {
  const main = useRef<HTMLElement>(null);
  const participant = useSession().data?.participant_id ?? null;
  const stream = useLive(participant, useStatus().data?.log.size ?? null);
  usePageTitle();
  useNavigationFocus(main);
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[13rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="fixed top-2 left-2 z-50 -translate-y-20 rounded-md bg-accent px-3 py-2 text-accent-ink focus:translate-y-0"
      >
        Skip to the content
      </a>
      <div className="hidden border-r border-line bg-surface lg:block">
        <SideNav>
          <Brand />
        </SideNav>
      </div>
      <div className="flex min-h-dvh min-w-0 flex-col pb-16 lg:pb-0">
        <header className="sticky top-0 z-20 border-b border-line bg-surface">
          <div className="flex min-h-12 items-center gap-2 px-2 lg:px-4">
            <div className="lg:hidden">
              <Brand compact />
            </div>
            <StatusBar stream={stream} />
            <ThemeToggle />
            <SessionMenu />
          </div>
        </header>
        <BreakerBanner />
        <main
          id="main"
          ref={main}
          tabIndex={-1}
          className="mx-auto w-full max-w-7xl flex-1 px-3 py-5 sm:px-4 lg:px-6"
        >
          <Outlet />
        </main>
        <Footer />
      </div>
      <BottomNav />
      <ScrollRestoration />
    </div>
  );
}

function Brand({ compact = false }: { compact?: boolean }) {
  return (
    <Link to="/" className={compact ? "block p-2" : "flex items-center gap-2.5 px-2 pt-4 pb-1"}>
      <img src="/icon.svg" alt={compact ? "Tallystick" : ""} className="size-6" />
      {compact ? null : <span className="font-semibold tracking-tight">Tallystick</span>}
    </Link>
  );
}

function Footer() {
  const config = useConfig().data;
  return (
    <footer className="mx-auto flex w-full max-w-7xl flex-wrap gap-x-4 gap-y-1 px-4 py-3 text-xs text-muted lg:px-6">
      <span>
        Tallystick {config?.version ?? ""}
        {config ? `, chain ${config.chain_id}` : ""}
      </span>
      <a href="/docs" className="link">
        REST API
      </a>
      <span>
        Charts:{" "}
        <a href="https://www.tradingview.com/" className="link" rel="noreferrer">
          TradingView Lightweight Charts™
        </a>
        , © TradingView, Inc.
      </span>
    </footer>
  );
}

import type { ComponentType } from "react";
import { createBrowserRouter, type RouteObject } from "react-router";
import { Skeleton } from "../components/Skeleton.tsx";
import { NotFoundPage } from "./NotFoundPage.tsx";
import { RequireSession } from "./RequireSession.tsx";
import { RouteError } from "./RouteError.tsx";
import { Shell } from "./Shell.tsx";

type PageModule = { default: ComponentType };

/** A route whose code is fetched when it is first visited. */
function page(path: string, title: string, load: () => Promise<PageModule>): RouteObject {
  return {
    path,
    handle: { title },
    errorElement: <RouteError />,
    lazy: async () => ({ Component: (await load()).default }),
  };
}

const withSession: RouteObject[] = [
  page("/", "Overview", () => import("../pages/overview/HomePage.tsx")),
  page("/orders", "Orders", () => import("../pages/orders/OrdersPage.tsx")),
  page("/orders/:id", "Order", () => import("../pages/orders/OrderPage.tsx")),
  page("/settlements", "Settlements", () => import("../pages/settlements/SettlementsPage.tsx")),
  page("/settlements/:id", "Settlement", () => import("../pages/settlements/SettlementPage.tsx")),
  page("/sign/:instructionId", "Sign", () => import("../pages/sign/SignPage.tsx")),
  page("/audit", "Log", () => import("../pages/audit/AuditPage.tsx")),
  page(
    "/audit/guide",
    "The platform's own audit",
    () => import("../pages/audit/AuditGuidePage.tsx"),
  ),
  page("/audit/events/:eventId", "Event", () => import("../pages/audit/EventPage.tsx")),
  page("/audit/streams/:streamId", "Stream", () => import("../pages/audit/StreamPage.tsx")),
];

const anyone: RouteObject[] = [
  page("/verify", "Verify a proof", () => import("../pages/verify/VerifyPage.tsx")),
  page("/sign-in", "Sign in", () => import("../pages/sign-in/SignInPage.tsx")),
  { path: "*", handle: { title: "Not found" }, element: <NotFoundPage /> },
];

/** Every page of the dashboard; each one's code comes with its first visit. */
export const routes: RouteObject[] = [
  {
    element: <Shell />,
    HydrateFallback: () => <Skeleton lines={6} label="Loading the page" />,
    errorElement: <RouteError />,
    children: [{ element: <RequireSession />, children: withSession }, ...anyone],
  },
];

export const createRouter = () => createBrowserRouter(routes);

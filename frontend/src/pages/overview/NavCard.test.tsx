import { cleanup, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { show } from "../../testing/render.tsx";
import { serve } from "../../testing/server.ts";
import { NavCard } from "./NavCard.tsx";

// As when the network goes before the chart's code has come.
vi.mock("./NavChart.tsx", () => {
  throw new TypeError("Failed to fetch dynamically imported module");
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("the figures stand without the chart when its code cannot be loaded", async () => {
  const day = { on: "2012-09-06", value: "5", stale_days: 0, day_return: null };
  serve({
    "GET /api/v1/portfolios/p/nav": () => ({ currency: "USD", days: [day] }),
    "GET /api/v1/portfolios/p/performance": () => ({
      gain: "7.5",
      time_weighted: "0.1",
      money_weighted: { period: "0.2", status: "ok", roots: [] },
    }),
  });
  show(<NavCard portfolioId="p" />);
  expect(await screen.findByText(/The chart could not be loaded/)).toBeTruthy();
  expect(await screen.findByText("+7.50")).toBeTruthy();
});

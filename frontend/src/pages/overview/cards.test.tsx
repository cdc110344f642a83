import { cleanup, configure, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { show } from "../../testing/render.tsx";
import { problem, serve } from "../../testing/server.ts";
import { AllocationCard } from "./AllocationCard.tsx";
import { NavCard } from "./NavCard.tsx";
import { PositionsCard } from "./PositionsCard.tsx";

// A loaded machine may take seconds; nothing is measured here.
configure({ asyncUtilTimeout: 20_000 });
vi.setConfig({ testTimeout: 60_000 });
// happy-dom has no canvas; the figures beside the chart are what is tested.
vi.mock("./NavChart.tsx", () => ({ default: () => null }));

const account = (id: string, balance: string) => ({ account_id: id, currency: "USD", balance });
const holding = (accountId: string, securityId: string, value: string) => ({
  account_id: accountId,
  security_id: securityId,
  currency: "USD",
  units: "1",
  reserved: "0",
  price: value,
  price_on: "2012-09-06",
  market_value: value,
  unrealised_gain: "0",
  realised_gain: "0",
});

const serving = (items: object[], accounts: object[]) =>
  serve({
    "GET /api/v1/portfolios/p/holdings": () => ({ as_of: "2012-09-06", items }),
    "GET /api/v1/portfolios/p/accounts": () => accounts,
    "GET /api/v1/securities": () => ({ items: [], next_cursor: null }),
  });

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("the positions", () => {
  it("weigh each row on its own: a security in two accounts is not counted twice", async () => {
    const items = [holding("a", "s", "300"), holding("b", "s", "200"), holding("b", "t", "100")];
    serving(items, [account("a", "400"), account("b", "0")]);
    show(<PositionsCard portfolioId="p" />);
    // Of 1,000: 30, 20 and 10 per cent, and the cash 40.
    await screen.findByText(/^30\.0\s%$/);
    const weights = screen.getAllByText(/^\d+\.\d\s%$/).map((cell) => cell.textContent.slice(0, 4));
    expect(weights.toSorted()).toEqual(["10.0", "20.0", "30.0"]);
  });
});

describe("the allocation", () => {
  it("says that more is owed than held, and does not call it nothing", async () => {
    serving([holding("a", "s", "300")], [account("a", "-400")]);
    show(<AllocationCard portfolioId="p" />);
    expect(await screen.findByText("No allocation")).toBeTruthy();
    expect(screen.queryByText("Nothing held yet")).toBeNull();
  });

  it("says that nothing is held while nothing is", async () => {
    serving([], [account("a", "0")]);
    show(<AllocationCard portfolioId="p" />);
    expect(await screen.findByText("Nothing held yet")).toBeTruthy();
  });
});

it("the returns can be asked for again when they could not be loaded", async () => {
  const day = { on: "2012-09-06", value: "5", stale_days: 0, day_return: null };
  let broken = true;
  serve({
    "GET /api/v1/portfolios/p/nav": () => ({ currency: "USD", days: [day] }),
    "GET /api/v1/portfolios/p/performance": () =>
      broken
        ? problem(503, { code: "unavailable", title: "Unavailable" })
        : {
            gain: "7.5",
            time_weighted: "0.1",
            money_weighted: { period: "0.2", status: "ok", roots: [] },
          },
  });
  show(<NavCard portfolioId="p" />);
  const again = await screen.findByRole("button", { name: "Try again" });
  broken = false;
  await userEvent.click(again);
  expect(await screen.findByText("+7.50")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
});

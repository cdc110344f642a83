import { act, cleanup, screen, waitFor } from "@testing-library/react";
import { Route, Routes } from "react-router";
import { afterEach, describe, expect, it, vi } from "vitest";
import { keys } from "../../api/keys.ts";
import { show } from "../../testing/render.tsx";
import { problem, serve, status } from "../../testing/server.ts";
import { timelineAt } from "../../testing/timelines.ts";
import SettlementPage from "./SettlementPage.tsx";

const STATES = [
  "INSTRUCTED",
  "INSTRUCTED",
  "INSTRUCTED",
  "INSTRUCTED",
  "SIGNED",
  "SUBMITTED",
  "INCLUDED",
  "INCLUDED",
  "FINAL",
];

const settlement = (done: number) => ({
  trade_id: "trade-1",
  state: STATES[done],
  security_id: "aapl",
  quantity: "100",
  price: "665.24",
  amount: "66524.00",
  currency: "USD",
  trade_date: "2012-08-31",
  settlement_date: "2012-09-06",
  reasons: [],
  cause: null,
  transaction_hash: null,
  block_number: null,
  gas_used: null,
  contract: null,
  entered_at: "2012-08-31T20:05:01Z",
  timeline: timelineAt(done),
});

const open = (answer: () => unknown) => {
  serve({
    "GET /api/v1/status": () => status(),
    "GET /api/v1/settlements/trade-1": answer,
  });
  return show(
    <Routes>
      <Route path="/settlements/:id" element={<SettlementPage />} />
    </Routes>,
    "/settlements/trade-1",
  );
};

const text = () => document.body.textContent ?? "";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("a settlement's page", () => {
  it("never jumps back when an older answer comes after a newer one", async () => {
    let answered = 0;
    const answers = [settlement(4), settlement(6), settlement(4), settlement(8)];
    const { client } = open(() => answers[Math.min(answered++, 3)]);
    const again = () =>
      act(async () => {
        await client.invalidateQueries({ queryKey: keys.timeline("venue", "trade-1") });
        // Query tells its observers in a task of its own.
        await new Promise((done) => setTimeout(done));
      });
    await waitFor(() => expect(text()).toContain("Matched, done"));
    await again();
    await waitFor(() => expect(text()).toContain("Included in a block, done"));
    await again();
    expect(text()).toContain("Included in a block, done");
    expect(answered).toBe(3);
    await again();
    await waitFor(() => expect(text()).toContain("Final, done"));
  });

  it("links each step that has an event to it", async () => {
    open(() => settlement(4));
    await waitFor(() => expect(text()).toContain("Matched, done"));
    const links = screen.getAllByRole("link", { name: /^Event/ });
    expect(links.map((link) => link.getAttribute("href"))).toEqual(
      [0, 1, 2, 3].map((number) => `/audit/events/event-${number}`),
    );
  });

  it("shows an error with its code and another try", async () => {
    open(() => problem(404, { code: "not-found", title: "Not found", instance: "urn:uuid:r-1" }));
    expect((await screen.findByRole("alert")).textContent).toContain("not-found");
    expect(screen.getByText("r-1")).toBeTruthy();
    expect(screen.getByRole("button", { name: "Try again" })).toBeTruthy();
  });
});

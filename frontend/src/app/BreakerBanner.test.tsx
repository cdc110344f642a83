import { cleanup, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { keys } from "../api/keys.ts";
import { show } from "../testing/render.tsx";
import { serve, status } from "../testing/server.ts";
import { BreakerBanner } from "./BreakerBanner.tsx";

const open = { scope: "venue", state: "open", changed_at: "2012-08-31T20:05:01Z" };

afterEach(() => {
  cleanup();
  localStorage.clear();
  vi.unstubAllGlobals();
});

describe("the breaker banner", () => {
  it("says scope, reason, since when and by whom", async () => {
    localStorage.setItem("tallystick.signed-in", "1");
    serve({
      "GET /api/v1/status": () => status([open]),
      "GET /api/v1/session": () => ({ participant_id: "p-1", roles: ["operator"], wallets: [] }),
      "GET /api/v1/circuit-breakers": () => [
        { ...open, reason: "Drill", actor: "participant:p-1" },
      ],
      "GET /api/v1/securities": () => ({ items: [], next_cursor: null, has_more: false }),
    });
    show(<BreakerBanner />);
    await screen.findByText(/by you/);
    const text = document.body.textContent;
    expect(text).toContain("Trading is stopped: the whole venue.");
    expect(text).toContain("Drill");
    expect(text).toContain("31 Aug 2012, 20:05:01");
  });

  it("asks nobody why while nobody is signed in", async () => {
    const seen: string[] = [];
    serve({
      "GET /api/v1/status": () => status([open]),
      "GET /api/v1/circuit-breakers": () => {
        seen.push("asked");
        return [{ ...open, reason: "Drill", actor: "participant:p-1" }];
      },
    });
    show(<BreakerBanner />);
    const alert = await screen.findByRole("alert");
    expect(alert.textContent?.trim()).toBe("Trading is stopped: the whole venue.");
    expect(seen).toEqual([]);
  });

  it("announces a transition once, not with every answer", async () => {
    let breakers: object[] = [];
    serve({ "GET /api/v1/status": () => status(breakers) });
    const { client } = show(<BreakerBanner />);
    const again = () => client.invalidateQueries({ queryKey: keys.status });
    await waitFor(() => expect(client.getQueryData(keys.status)).toBeDefined());
    expect(screen.queryByRole("alert")).toBeNull();
    breakers = [open];
    await again();
    const announced = await screen.findByRole("alert");
    await again();
    await again();
    // The same element: a screen reader speaks when one is added, or its text changes.
    expect(screen.getByRole("alert")).toBe(announced);
    breakers = [{ ...open, changed_at: "2012-08-31T21:00:00Z" }];
    await again();
    await waitFor(() => expect(screen.getByRole("alert")).not.toBe(announced));
    breakers = [{ ...open, state: "closed" }];
    await again();
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  });
});

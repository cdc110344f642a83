import { cleanup, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Route, Routes } from "react-router";
import { afterEach, describe, expect, it, vi } from "vitest";
import { RequireSession } from "../../app/RequireSession.tsx";
import { show } from "../../testing/render.tsx";
import { problem, serve } from "../../testing/server.ts";
import SignInPage from "./SignInPage.tsx";

const alder = { participant_id: "p-1", name: "Alder Capital", roles: ["investor", "trader"] };
const session = { ...alder, tenant_id: "p-1", kind: "participant", wallets: [], expires_at: "" };
const config = (development: object | null) => ({ version: "0.1.0", chain_id: 31337, development });

const open = (address: string) =>
  show(
    <Routes>
      <Route path="/sign-in" element={<SignInPage />} />
      <Route element={<RequireSession />}>
        <Route path="/" element={<h1>Overview</h1>} />
        <Route path="/orders" element={<h1>Orders</h1>} />
      </Route>
    </Routes>,
    address,
  );

afterEach(() => {
  cleanup();
  localStorage.clear();
  vi.unstubAllGlobals();
});

describe("signing in", () => {
  it("is where a first visit lands, and leads back to what was wanted", async () => {
    const seen = serve({
      "GET /api/v1/config": () => config(null),
      "POST /api/v1/sessions": () => Response.json(session, { status: 201 }),
    });
    open("/orders");
    await screen.findByRole("heading", { name: "Sign in" });
    // Nobody is asked who is signed in before somebody was: the answer would be an error.
    expect(seen.some((request) => request.url.endsWith("/session"))).toBe(false);
    await userEvent.type(screen.getByLabelText("API token"), " tally_abc ");
    await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
    await screen.findByRole("heading", { name: "Orders" });
    const sent = seen.find((request) => request.method === "POST");
    expect(await sent?.json()).toEqual({ token: "tally_abc" });
  });

  it("offers the demonstration's participants in development only, and marks them", async () => {
    serve({ "GET /api/v1/config": () => config({ participants: [alder] }) });
    open("/sign-in");
    expect(await screen.findByRole("heading", { name: "Development sign-in" })).toBeTruthy();
    expect(screen.getByText("Test keys, no value")).toBeTruthy();
    cleanup();
    const seen = serve({ "GET /api/v1/config": () => config(null) });
    open("/sign-in");
    await waitFor(() => expect(seen).toHaveLength(1));
    await screen.findByRole("heading", { name: "With an API token" });
    expect(screen.queryByText("Alder Capital")).toBeNull();
  });

  it("says what is wrong with a token", async () => {
    serve({
      "GET /api/v1/config": () => config(null),
      "POST /api/v1/sessions": () =>
        problem(401, { code: "unauthenticated", title: "Unauthenticated" }),
    });
    open("/sign-in");
    await userEvent.type(screen.getByLabelText("API token"), "wrong");
    await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
    expect((await screen.findByRole("alert")).textContent).toContain("unauthenticated");
  });

  it("is asked for again when the session has ended meanwhile", async () => {
    localStorage.setItem("tallystick.signed-in", "1");
    serve({
      "GET /api/v1/config": () => config(null),
      "GET /api/v1/session": () => problem(401, { code: "unauthenticated" }),
    });
    open("/");
    await screen.findByRole("heading", { name: "Sign in" });
    expect(localStorage.getItem("tallystick.signed-in")).toBeNull();
  });
});

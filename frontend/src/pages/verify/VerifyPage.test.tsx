import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, configure, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createMemoryRouter, RouterProvider } from "react-router";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PARTS, type Part } from "../../proof/files.ts";
import { baseOf } from "../../proof/vectors.testing.ts";
import VerifyPage from "./VerifyPage.tsx";

// A loaded machine may take seconds; nothing is measured here.
configure({ asyncUtilTimeout: 20_000 });
vi.setConfig({ testTimeout: 60_000 });

const base = baseOf("platform");
const NAMES: Record<Part, string> = {
  event: "x.event",
  proof: "x.tlog-proof",
  anchor: "x.anchor",
  policy: "policy.txt",
  keys: "keys",
  trust: "trust",
};

function show(): void {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const router = createMemoryRouter([{ path: "/", element: <VerifyPage /> }]);
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
}

async function give(...parts: Part[]): Promise<void> {
  const files = parts.map((part) => new File([base[part] as BlobPart], NAMES[part]));
  await userEvent.setup().upload(await screen.findByLabelText("Choose files"), files);
}

const verdicts = () =>
  [...document.querySelectorAll("[data-check]")].map((row) => row.getAttribute("data-status"));

beforeEach(() => {
  localStorage.clear();
  // No server at all: the page must do its work without one.
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("offline");
  });
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("the verify page without a server", () => {
  it("verifies a whole bundle", async () => {
    show();
    await give(...PARTS);
    expect(await screen.findByText("Verified: signed, included and anchored")).toBeTruthy();
    expect(verdicts()).toEqual(["ok", "ok", "ok", "ok", "ok", "ok"]);
  });

  it("does not claim an anchor that nobody vouches for", async () => {
    show();
    await give("event", "proof", "anchor", "policy", "keys");
    expect(await screen.findByText("Included; anchor not checked yet")).toBeTruthy();
    expect(verdicts().at(-1)).toBe("not-anchored");
    expect(screen.queryByText(/^Verified/)).toBeNull();
  });

  it("says what is missing, and which key file it needs", async () => {
    show();
    await give("event");
    expect(await screen.findByText(/The proof \(.tlog-proof\) is missing/)).toBeTruthy();
    await give("proof");
    expect(await screen.findByText(/Cannot be checked: no policy file/)).toBeTruthy();
  });

  it("takes the files one after another and lets go of them", async () => {
    show();
    await give(...PARTS);
    await screen.findByText("Verified: signed, included and anchored");
    await userEvent.setup().click(screen.getByRole("button", { name: "Remove trust" }));
    expect(await screen.findByText("Included; anchor not checked yet")).toBeTruthy();
    await give("trust");
    expect(await screen.findByText("Verified: signed, included and anchored")).toBeTruthy();
  });

  it("refuses other files by name", async () => {
    show();
    const input = await screen.findByLabelText("Choose files");
    await userEvent.setup().upload(input, new File(["x"], "photo.png"));
    expect((await screen.findByRole("alert")).textContent).toContain(
      "photo.png is no part of a proof",
    );
  });

  it("finds one changed byte", async () => {
    show();
    const event = base.event.slice();
    const at = new TextDecoder().decode(event).indexOf('"payload"') + 14;
    event[at] = (event[at] as number) ^ 1;
    await give("proof", "anchor", "policy", "keys", "trust");
    const input = screen.getByLabelText("Choose files");
    await userEvent.setup().upload(input, new File([event], "x.event"));
    expect(await screen.findByText(/^Failed: signature, inclusion/)).toBeTruthy();
  });
});

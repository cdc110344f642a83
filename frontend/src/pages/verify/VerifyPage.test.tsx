import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, configure, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createMemoryRouter, RouterProvider } from "react-router";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseAnchor } from "../../proof/anchor.ts";
import { toHex } from "../../proof/bytes.ts";
import { BASE_PARTS, type Base, baseOf } from "../../proof/vectors.testing.ts";
import VerifyPage from "./VerifyPage.tsx";

// A loaded machine may take seconds; nothing is measured here.
configure({ asyncUtilTimeout: 20_000 });
vi.setConfig({ testTimeout: 60_000 });

const base = baseOf("platform");
const NAMES: Record<keyof Base, string> = {
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

async function give(...parts: (keyof Base)[]): Promise<void> {
  const files = parts.map((part) => new File([base[part] as BlobPart], NAMES[part]));
  await userEvent.setup().upload(await screen.findByLabelText("Choose files"), files);
}

const VERIFIED = "Verified: signed, included and anchored";
const GIVEN = "Everything fits together, on the word of whoever gave policy, keys and trust";
const MINE = "These policy, keys and trust files are mine, not the sender's";
const vouch = async () => userEvent.setup().click(await screen.findByLabelText(MINE));

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
    await give(...BASE_PARTS);
    expect(await screen.findByText(GIVEN)).toBeTruthy();
    expect(verdicts()).toEqual(["ok", "ok", "ok", "ok", "ok", "ok"]);
    await vouch();
    expect(await screen.findByText(VERIFIED)).toBeTruthy();
    await vouch();
    expect(await screen.findByText(GIVEN)).toBeTruthy();
  });

  it("names the log of the proof", async () => {
    show();
    await give(...BASE_PARTS);
    await screen.findByText(GIVEN);
    const origin = document.querySelector("[data-origin]")?.textContent ?? "";
    expect(new TextDecoder().decode(base.proof)).toContain(`\n${origin}\n`);
    expect(origin).not.toBe("");
  });

  it("keeps the form when somebody has another block, and takes another answer", async () => {
    show();
    await give("event", "proof", "anchor", "policy", "keys", "trust");
    await screen.findByText(GIVEN);
    const lines = new TextDecoder().decode(base.trust).split("\n");
    const trust = lines.filter((line) => !line.startsWith("block ")).join("\n");
    await give("event", "proof", "anchor");
    const user = userEvent.setup();
    await user.upload(screen.getByLabelText("Choose files"), new File([trust], "trust"));
    const field = await screen.findByLabelText(/^Hash of block/);
    await user.type(field, `0x${"00".repeat(32)}`);
    await user.click(screen.getByRole("button", { name: "Check the block" }));
    expect(await screen.findByText("The block hash you gave has another block")).toBeTruthy();
    await user.clear(field);
    await user.type(field, `0x${toHex(parseAnchor(base.anchor).blockHash)}`);
    await user.click(screen.getByRole("button", { name: "Check the block" }));
    expect(await screen.findByText(GIVEN)).toBeTruthy();
    // Other inputs beside the same evidence: what was said of its block stays.
    await give("policy", "keys");
    expect(verdicts().at(-1)).toBe("ok");
    await vouch();
    expect(await screen.findByText(VERIFIED)).toBeTruthy();
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
    await give(...BASE_PARTS);
    await screen.findByText(GIVEN);
    await vouch();
    await screen.findByText(VERIFIED);
    await userEvent.setup().click(screen.getByRole("button", { name: "Remove trust" }));
    expect(await screen.findByText("Included; anchor not checked yet")).toBeTruthy();
    // Other files than those that were vouched for.
    await give("trust");
    expect(await screen.findByText(GIVEN)).toBeTruthy();
    await vouch();
    expect(await screen.findByText(VERIFIED)).toBeTruthy();
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

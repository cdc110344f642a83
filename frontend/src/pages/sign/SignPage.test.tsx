import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, configure, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createMemoryRouter, RouterProvider } from "react-router";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { keys } from "../../api/keys.ts";
import { keyOf, makeFakeWallet } from "../../wallet/fakeWallet.testing.ts";
import { hashTrade } from "../../wallet/hashes.ts";
import { plainSentence, readLabels } from "../../wallet/sentence.ts";
import { parseTypedData } from "../../wallet/trade.ts";
import sentences from "../../wallet/vectors/sentences.json?raw";
import SignPage from "./SignPage.tsx";

// A loaded machine may take seconds; nothing is measured here.
configure({ asyncUtilTimeout: 20_000 });
vi.setConfig({ testTimeout: 60_000 });

const vector = JSON.parse(sentences)["whole, seller"];
const party = keyOf("seller").address;

const typedData = {
  ...vector.typed_data,
  message: { ...vector.typed_data.message, seller: party },
};
const { trade, domain } = parseTypedData(typedData);
const hashes = hashTrade(trade, domain);
const consent = {
  sentence: plainSentence(trade, domain, party, readLabels(vector.tokens)),
  domain_separator: hashes.domainSeparator,
  struct_hash: hashes.structHash,
  digest: hashes.digest,
  typed_data: typedData,
  tokens: vector.tokens,
};
const instruction = {
  instruction_id: "i-1",
  status: "RECEIVED",
  direction: "DELI",
  quantity: "100",
  amount: "66524.00",
  narrative: "",
};

interface Server {
  consent?: unknown;
  status?: string;
}

let posted: unknown[] = [];

/** The HTTP edge, answering as the API does; everything behind it is the page's own code. */
function serve({ consent: shown = consent, status = "RECEIVED" }: Server): void {
  const answers: Record<string, () => unknown> = {
    "/api/v1/instructions/i-1": () => ({ instruction: { ...instruction, status }, consent: shown }),
    "/api/v1/config": () => ({
      chain_id: 31337,
      settlement_contract: domain.contract,
      development: null,
    }),
    "/api/v1/status": () => ({ now: "2012-09-03T12:00:00Z", breakers: [] }),
    "/api/v1/instructions/i-1/signature": () => ({ instruction_id: "i-1", status: "SIGNED" }),
  };
  vi.stubGlobal("fetch", async (input: Request) => {
    const { pathname } = new URL(input.url);
    if (input.method === "POST") posted.push(await input.json());
    return new Response(JSON.stringify(answers[pathname]?.()), {
      headers: { "Content-Type": "application/json" },
    });
  });
}

function show(server: Server, wallet: ReturnType<typeof makeFakeWallet> | null): void {
  serve(server);
  const announce = () => {
    if (wallet === null) return;
    const info = { uuid: "fake", name: "Fake wallet", icon: "", rdns: "example.fake" };
    const detail = { info, provider: wallet };
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  };
  window.addEventListener("eip6963:requestProvider", announce, { once: true });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wallets = [{ address: party, chain_id: 31337 }];
  client.setQueryData(keys.session, { roles: ["trader"], wallets });
  const routes = [{ path: "/sign/:instructionId", element: <SignPage /> }];
  const router = createMemoryRouter(routes, { initialEntries: ["/sign/i-1"] });
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
}

async function connectAndSign(): Promise<void> {
  const user = userEvent.setup();
  await user.click(await screen.findByLabelText("Fake wallet"));
  await user.click(await screen.findByRole("button", { name: "Connect the wallet" }));
  await user.click(await screen.findByRole("button", { name: "Sign the trade" }));
}

beforeEach(() => {
  posted = [];
  localStorage.clear();
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("the sign page", () => {
  it("shows its own sentence, has it signed, and sends the recovered signature", async () => {
    show({}, makeFakeWallet("seller"));
    expect(await screen.findByText(consent.sentence)).toBeTruthy();
    await connectAndSign();
    await vi.waitFor(() => expect(posted).toHaveLength(1), 20_000);
    const expected = await keyOf("seller").sign({ hash: hashes.digest as `0x${string}` });
    expect(posted).toEqual([{ signature: expected }]);
  });

  it("sends nothing when the wallet signs with another key", async () => {
    show({}, makeFakeWallet("seller", { signsWith: "stranger" }));
    await connectAndSign();
    expect(await screen.findByText(/It was not sent/)).toBeTruthy();
    expect(posted).toEqual([]);
  });

  it("sends nothing when the person rejects", async () => {
    show({}, makeFakeWallet("seller", { fails: { eth_signTypedData_v4: 4001 } }));
    await connectAndSign();
    expect(await screen.findByText(/You rejected the request/)).toBeTruthy();
    expect(posted).toEqual([]);
  });

  it("does not ask a wallet on another chain", async () => {
    const wallet = makeFakeWallet("seller", { chainId: "0x1" });
    show({}, wallet);
    await connectAndSign();
    expect((await screen.findAllByText(/the wallet is on chain 1/)).length).toBeGreaterThan(0);
    expect(wallet.requests.map(({ method }) => method)).not.toContain("eth_signTypedData_v4");
    expect(posted).toEqual([]);
  });

  it("does not offer to sign with an account that is not the party's", async () => {
    show({}, makeFakeWallet("seller", { account: keyOf("stranger").address }));
    const user = userEvent.setup();
    await user.click(await screen.findByLabelText("Fake wallet"));
    await user.click(await screen.findByRole("button", { name: "Connect the wallet" }));
    expect((await screen.findAllByText(/the trade is signed by/)).length).toBeGreaterThan(0);
    expect(screen.queryByRole("button", { name: "Sign the trade" })).toBeNull();
  });

  it("refuses when the server's sentence is another", async () => {
    const wallet = makeFakeWallet("seller");
    show({ consent: { ...consent, sentence: "You receive everything." } }, wallet);
    expect(await screen.findByText(consent.sentence)).toBeTruthy();
    expect(screen.queryByText("You receive everything.")).toBeNull();
    await connectAndSign();
    expect((await screen.findAllByText(/not the same as the server's: sentence/)).length).toBe(2);
    expect(wallet.requests.map(({ method }) => method)).not.toContain("eth_signTypedData_v4");
    expect(posted).toEqual([]);
  });

  it("refuses typed data of something else", async () => {
    show({ consent: { ...consent, typed_data: { primaryType: "Permit" } } }, null);
    expect(await screen.findByText("This cannot be signed here")).toBeTruthy();
  });

  it.each([
    ["SIGNED", "You have signed this trade"],
    ["SETTLED", "This trade is settled"],
    ["FAILED", "This trade failed and cannot be signed any more"],
  ])("says that it is %s", async (status, title) => {
    show({ status }, null);
    expect(await screen.findByText(title)).toBeTruthy();
    const link = screen.getByRole("link", { name: "See the settlement" });
    expect(link.getAttribute("href")).toBe("/settlements/i-1");
  });

  it("says that there is nothing to sign", async () => {
    show({ consent: null }, null);
    expect(await screen.findByText("There is nothing to sign")).toBeTruthy();
  });
});

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, configure, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createMemoryRouter, RouterProvider } from "react-router";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { keys } from "../../api/keys.ts";
import { KEY } from "../../api/signedIn.ts";
import { problem, status as statusWith } from "../../testing/server.ts";
import { askApproval, readApproval } from "../../wallet/approvals.ts";
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
  development?: object | null;
  /** The paths that answer with a fault while they are in here. */
  broken?: Set<string>;
}

const session = {
  participant_id: "p",
  roles: ["trader"],
  wallets: [{ address: party, chain_id: 31337 }],
};

let posted: unknown[] = [];
let rpc: string[] = [];
let breakers: object[] = [];
/** Each test's wallet is another one: the page keeps the first of a name and id while it lives. */
let fake = "";
let shows = 0;

/** The HTTP edge, answering as the API does; everything behind it is the page's own code. */
function serve(server: Server): void {
  const { consent: shown = consent, status = "RECEIVED", development = null, broken } = server;
  const detail = (id: string) => ({
    instruction: { ...instruction, instruction_id: id, status },
    consent: shown,
  });
  const answers: Record<string, (body: unknown) => unknown> = {
    "/api/v1/session": () => session,
    "/api/v1/instructions/i-1": () => detail("i-1"),
    "/api/v1/instructions/i-2": () => detail("i-2"),
    "/api/v1/config": () => ({
      chain_id: 31337,
      settlement_contract: domain.contract,
      development,
    }),
    "/api/v1/development/rpc": async (body) => {
      const { method, params } = body as { method: string; params: unknown[] };
      rpc.push(method);
      return { result: await makeFakeWallet("seller").request({ method, params }) };
    },
    "/api/v1/status": () => ({ ...statusWith(breakers), now: "2012-09-03T12:00:00Z" }),
    "/api/v1/instructions/i-1/signature": () => ({ instruction_id: "i-1", status: "SIGNED" }),
  };
  vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    const request =
      typeof input === "string" ? new Request(new URL(input, location.origin), init) : input;
    const { pathname } = new URL(request.url);
    if (broken?.has(pathname)) return problem(503, { code: "unavailable", title: "Unavailable" });
    const body: unknown = request.method === "POST" ? await request.json() : null;
    if (pathname.endsWith("/signature")) posted.push(body);
    return Response.json(await answers[pathname]?.(body));
  });
}

function show(server: Server, wallet: ReturnType<typeof makeFakeWallet> | null) {
  serve(server);
  const announce = () => {
    if (wallet === null) return;
    const info = { uuid: fake, name: fake, icon: "", rdns: "example.fake" };
    const detail = { info, provider: wallet };
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  };
  window.addEventListener("eip6963:requestProvider", announce, { once: true });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData(keys.session, session);
  const routes = [{ path: "/sign/:instructionId", element: <SignPage /> }];
  const router = createMemoryRouter(routes, { initialEntries: ["/sign/i-1"] });
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  return router;
}

async function connectAndSign(name = fake): Promise<void> {
  const user = userEvent.setup();
  await user.click(await screen.findByRole("radio", { name: new RegExp(`^${name}\\b`) }));
  await user.click(await screen.findByRole("button", { name: "Connect the wallet" }));
  await user.click(await screen.findByRole("button", { name: "Sign the trade" }));
}

beforeEach(() => {
  posted = [];
  rpc = [];
  breakers = [];
  shows += 1;
  fake = `Fake wallet ${shows}`;
  localStorage.setItem(KEY, "p");
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

  it("always says whose word the tokens' names are", async () => {
    show({}, null);
    await screen.findByText(consent.sentence);
    const word =
      "Names and decimals of the tokens are this platform's word; compare the addresses.";
    for (const view of ["Summary", "Raw typed data", "Hashes"]) {
      await userEvent.click(screen.getByLabelText(view));
      expect(screen.getByText(word)).toBeTruthy();
    }
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
    await user.click(await screen.findByLabelText(fake));
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

  it("drops a signature that comes after the person went to another trade", async () => {
    const wallet = makeFakeWallet("seller");
    let approve: () => void = () => {};
    const slow: typeof wallet = {
      ...wallet,
      request: async (request) => {
        const answer = await wallet.request(request);
        if (request.method.startsWith("eth_sign")) {
          await new Promise<void>((resolve) => {
            approve = resolve;
          });
        }
        return answer;
      },
    };
    const router = show({}, slow);
    await connectAndSign();
    await vi.waitFor(() =>
      expect(wallet.requests.map(({ method }) => method)).toContain("eth_signTypedData_v4"),
    );
    await act(() => router.navigate("/sign/i-2"));
    await screen.findByRole("button", { name: "Connect the wallet" });
    await act(async () => approve());
    // Recovering the signer loads its own code first; what is dropped was given the same time.
    await import("../../wallet/recover.ts");
    await act(() => new Promise((resolve) => setTimeout(resolve, 50)));
    expect(posted).toEqual([]);
  });

  it("answers the development wallet's open request with no when its trade is left", async () => {
    const router = show({ development: { participants: [] } }, null);
    await connectAndSign("Development wallet");
    expect(await screen.findByRole("button", { name: "Approve" })).toBeTruthy();
    await act(() => router.navigate("/sign/i-2"));
    await screen.findByRole("button", { name: "Connect the wallet" });
    expect(readApproval()).toBeNull();
    expect(screen.queryByRole("button", { name: "Approve" })).toBeNull();
    expect(rpc).not.toContain("eth_signTypedData_v4");
    expect(posted).toEqual([]);
  });

  it("asks nobody where no dialog is shown", async () => {
    expect(await askApproval(party, {})).toBe(false);
    expect(readApproval()).toBeNull();
  });

  it.each(["config", "status"])("says that the %s failed, and asks again", async (name) => {
    const broken = new Set([`/api/v1/${name}`]);
    show({ broken }, null);
    const again = await screen.findByRole("button", { name: "Try again" });
    broken.clear();
    await userEvent.click(again);
    expect(await screen.findByText(consent.sentence)).toBeTruthy();
  });

  it("says what a stopped venue means for the trade", async () => {
    breakers = [{ scope: "venue", state: "open", changed_at: null }];
    show({}, null);
    expect(await screen.findByText(/it is submitted once trading goes on/)).toBeTruthy();
  });

  it("says that there is nothing to sign", async () => {
    show({ consent: null }, null);
    expect(await screen.findByText("There is nothing to sign")).toBeTruthy();
  });
});

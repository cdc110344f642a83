import { afterEach, describe, expect, it, vi } from "vitest";
import {
  announceDevelopmentWallet,
  isDevelopmentWallet,
  makeDevelopmentProvider,
} from "./development.ts";
import { makeFakeWallet } from "./fakeWallet.testing.ts";
import { readWallets, subscribe } from "./store.ts";

function announce(uuid: string, name: string, icon = "data:image/svg+xml,<svg/>") {
  const provider = makeFakeWallet(name);
  const detail = { info: { uuid, name, icon, rdns: "example" }, provider };
  window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  return provider;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the wallets of the browser", () => {
  it("are those that announce themselves, each once", () => {
    const stop = subscribe(() => {});
    const first = announce("a", "First");
    announce("b", "Second", "https://tracker.example/icon.png");
    announce("a", "Not the first");
    const found = readWallets();
    expect(found.map(({ info }) => info.name)).toEqual(["First", "Second"]);
    expect(found[0]?.provider).toBe(first);
    expect(found[1]?.info.icon).toBe("");
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info: {} } }));
    expect(readWallets()).toHaveLength(2);
    stop();
    announce("c", "Too late");
    expect(readWallets()).toHaveLength(2);
  });

  it("have the development wallet among them, told by its provider and not by its name", () => {
    const stop = subscribe(() => {});
    const end = announceDevelopmentWallet();
    announce("d", "Development wallet (test keys)");
    const marked = readWallets().filter((wallet) => isDevelopmentWallet(wallet));
    expect(marked).toHaveLength(1);
    end();
    stop();
  });
});

describe("the development wallet", () => {
  const answer = (body: object, status = 200) =>
    vi.fn(async () => new Response(JSON.stringify(body), { status }));

  it("asks before it signs, and says no as wallets do", async () => {
    const call = answer({ result: "0x" });
    vi.stubGlobal("fetch", call);
    const asked: unknown[] = [];
    const provider = makeDevelopmentProvider(async (account, document) => {
      asked.push(account, document);
      return false;
    });
    const request = { method: "eth_signTypedData_v4", params: ["0xab", '{"a":1}'] };
    await expect(provider.request(request)).rejects.toMatchObject({ code: 4001 });
    expect(asked).toEqual(["0xab", { a: 1 }]);
    expect(call).not.toHaveBeenCalled();
  });

  it("forwards what was approved", async () => {
    const call = answer({ jsonrpc: "2.0", id: 1, result: "0x1234" });
    vi.stubGlobal("fetch", call);
    const provider = makeDevelopmentProvider(async () => true);
    const params = ["0xab", "{}"];
    expect(await provider.request({ method: "eth_signTypedData_v4", params })).toBe("0x1234");
    const [path, init] = call.mock.calls[0] as unknown as [string, RequestInit];
    expect(path).toBe("/api/v1/development/rpc");
    expect(JSON.parse(String(init.body))).toMatchObject({ jsonrpc: "2.0", params });
  });

  it.each([
    [answer({ error: { code: 4100, message: "not yours" } }), 4100],
    [answer({}, 422), 4200],
    [answer({}, 401), 4100],
    [answer({}, 503), 4900],
  ])("hands the refusals on (%#)", async (call, code) => {
    vi.stubGlobal("fetch", call);
    const provider = makeDevelopmentProvider(async () => true);
    await expect(provider.request({ method: "eth_accounts" })).rejects.toMatchObject({ code });
  });
});

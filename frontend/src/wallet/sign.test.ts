// @vitest-environment node
import { describe, expect, it } from "vitest";
import { explainWalletError, WalletError } from "./errors.ts";
import { keyOf, makeFakeWallet } from "./fakeWallet.testing.ts";
import { connectAccounts, readChainId, signTrade } from "./sign.ts";
import { type Domain, parseTypedData, type Trade } from "./trade.ts";
import sentences from "./vectors/sentences.json?raw";

const { typed_data } = JSON.parse(sentences)["whole, seller"];
const party = keyOf("seller");
const { trade: terms, domain }: { trade: Trade; domain: Domain } = parseTypedData(typed_data);
const trade = { ...terms, seller: party.address };

const said = (error: unknown) => explainWalletError(error);

describe("a wallet that does as it is asked", () => {
  it("signs, and the signer is the account", async () => {
    const wallet = makeFakeWallet("seller");
    expect(await connectAccounts(wallet)).toEqual([party.address]);
    const { signer, signature } = await signTrade(wallet, party.address, trade, domain);
    expect(signer).toBe(party.address.toLowerCase());
    expect(signature).toMatch(/^0x[0-9a-f]{128}1[bc]$/);
  });

  it("gets the chain id as a number and the amounts as strings", async () => {
    const wallet = makeFakeWallet("seller");
    await signTrade(wallet, party.address, trade, domain);
    const asked = wallet.requests.find(({ method }) => method === "eth_signTypedData_v4");
    const document = JSON.parse(String(asked?.params?.[1]));
    expect(document.domain.chainId).toBe(31337);
    expect(document.message.cashAmount).toBe("66524000000");
    expect(document.types.Trade).toEqual(typed_data.types.Trade);
    expect(document.types.EIP712Domain).toEqual(typed_data.types.EIP712Domain);
  });
});

describe("a wallet that does not", () => {
  it("is not asked when it is on another chain", async () => {
    const wallet = makeFakeWallet("seller", { chainId: "0x1" });
    const refused = signTrade(wallet, party.address, trade, domain);
    await expect(refused).rejects.toThrow("on chain 1; the trade settles on chain 31337");
    expect(wallet.requests.map(({ method }) => method)).toEqual(["eth_chainId"]);
  });

  it("is found out when it signs with another key", async () => {
    const wallet = makeFakeWallet("seller", { signsWith: "stranger" });
    const refused = signTrade(wallet, party.address, trade, domain);
    await expect(refused).rejects.toThrow(WalletError);
    await expect(refused).rejects.toThrow("It was not sent.");
  });

  it.each([
    [4001, "You rejected the request in your wallet. Nothing was sent."],
    [4100, "The wallet does not let this page use the account. Connect it again."],
    [4900, "The wallet has lost its connection to every chain. Connect it again."],
    [-32002, "A request is already open in your wallet. Answer it there."],
  ])("code %i is said in a sentence", async (code, sentence) => {
    const wallet = makeFakeWallet("seller", { fails: { eth_signTypedData_v4: code } });
    const error = await signTrade(wallet, party.address, trade, domain).catch((found) => found);
    expect(said(error)).toBe(sentence);
  });

  it("does not know the chain", () => {
    expect(said({ code: 4902 })).toContain("does not know this chain");
    expect(said(new Error("strange\nlong story"))).toBe(
      "The wallet answered with an error: strange",
    );
  });

  it("must say which chain it is on", async () => {
    const wallet = makeFakeWallet("seller", { chainId: "31337" });
    await expect(readChainId(wallet)).rejects.toThrow("does not say which chain");
  });

  it("names accounts that are none", async () => {
    expect(await connectAccounts(makeFakeWallet("seller", { account: "me" }))).toEqual([]);
  });
});

/** The wallets of this browser: those that announce themselves (EIP-6963), else `window.ethereum`. */

import { useSyncExternalStore } from "react";
import type { Provider, Wallet, WalletInfo } from "./eip1193.ts";

const ANNOUNCE = "eip6963:announceProvider";
const REQUEST = "eip6963:requestProvider";
const LEGACY: WalletInfo = { uuid: "window.ethereum", name: "Browser wallet", icon: "", rdns: "" };

type Announcement = CustomEvent<Partial<Wallet> | undefined>;

let wallets: readonly Wallet[] = [];
const listeners = new Set<() => void>();

/** Every wallet found so far; re-renders when another one announces itself. */
export function useWallets(): readonly Wallet[] {
  return useSyncExternalStore(subscribe, readWallets);
}

export function readWallets(): readonly Wallet[] {
  return wallets;
}

/** Look for wallets while somebody listens; returns how to stop. */
export function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) start();
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener(ANNOUNCE, onAnnounce);
  };
}

function start(): void {
  window.addEventListener(ANNOUNCE, onAnnounce);
  window.dispatchEvent(new Event(REQUEST));
  const legacy = (window as { ethereum?: Provider }).ethereum;
  // Only where nothing announces itself: the same wallet would stand there twice.
  if (wallets.length === 0 && isProvider(legacy)) add({ info: LEGACY, provider: legacy });
}

function onAnnounce(event: Event): void {
  const { info, provider } = (event as Announcement).detail ?? {};
  if (!isInfo(info) || !isProvider(provider)) return;
  // Icons are shown from data addresses only: a wallet must not make the page fetch anything.
  const icon =
    typeof info.icon === "string" && info.icon.startsWith("data:image/") ? info.icon : "";
  add({ info: { ...info, icon }, provider });
}

/** The first of an id stays: a later one must not take the place of a wallet that was chosen. */
function add(wallet: Wallet): void {
  if (wallets.some(({ info }) => info.uuid === wallet.info.uuid)) return;
  wallets = [...wallets.filter(({ info }) => info.uuid !== LEGACY.uuid), wallet];
  for (const listener of listeners) listener();
}

function isInfo(info: WalletInfo | undefined): info is WalletInfo {
  return typeof info?.uuid === "string" && typeof info.name === "string";
}

function isProvider(provider: Provider | undefined): provider is Provider {
  return typeof provider?.request === "function";
}

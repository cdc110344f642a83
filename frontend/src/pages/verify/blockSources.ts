/** Whom to ask for the hash of the anchor's block: the user's wallet, the user, or this server. */

import { parseAnchor } from "../../proof/anchor.ts";
import type { BlockWitness } from "../../proof/confirm.ts";
import { parsePrefixedHex } from "../../proof/encoding.ts";
import { MalformedInput } from "../../proof/errors.ts";
import type { Provider } from "../../wallet/eip1193.ts";

const QUANTITY = /^0x(?:0|[1-9a-fA-F][0-9a-fA-F]*)$/;

export const SERVER_SOURCE = "this server (not independent)";

/** The asked party did not give a usable answer. */
export class BlockSourceError extends Error {
  override name = "BlockSourceError";
}

/** The block that the evidence names, or null where there is no readable evidence. */
export function anchoredBlock(anchor: Uint8Array | null | undefined): bigint | null {
  if (!anchor) return null;
  try {
    return parseAnchor(anchor).blockNumber;
  } catch (error) {
    if (error instanceof MalformedInput) return null;
    throw error;
  }
}

/** The block, chain and finality as the wallet's own node gives them. */
export async function askWallet(
  provider: Provider,
  name: string,
  number: bigint,
): Promise<BlockWitness> {
  const source = `the node of ${name}`;
  const chainId = readQuantity(await provider.request({ method: "eth_chainId" }), source);
  const block = await readBlock(provider, `0x${number.toString(16)}`, source);
  const final = await readBlock(provider, "finalized", source);
  return { source, chainId, number, hash: block.hash, finalized: final.number };
}

async function readBlock(provider: Provider, tag: string, source: string) {
  const answer = await provider.request({ method: "eth_getBlockByNumber", params: [tag, false] });
  if (typeof answer !== "object" || answer === null) {
    throw new BlockSourceError(`To ${source} there is no block ${tag}. Is it on the right chain?`);
  }
  const { hash, number } = answer as { hash?: unknown; number?: unknown };
  return { hash: readHash(String(hash), source), number: readQuantity(number, source) };
}

function readQuantity(value: unknown, source: string): bigint {
  if (typeof value !== "string" || !QUANTITY.test(value)) {
    throw new BlockSourceError(`The answer of ${source} is not a number.`);
  }
  return BigInt(value);
}

/** A hash that the user read elsewhere. */
export function readPastedHash(text: string, number: bigint): BlockWitness {
  const trimmed = text.trim().toLowerCase();
  const hash = readHash(trimmed, "what you pasted");
  return { source: "the block hash you gave", chainId: null, number, hash, finalized: null };
}

/** What the server says. It is the party that is being checked. */
export async function askServer(number: bigint): Promise<BlockWitness> {
  const response = await fetch(`/api/v1/chain/blocks/${number}`).catch(() => null);
  if (response === null) throw new BlockSourceError("The server does not answer.");
  if (!response.ok) throw new BlockSourceError(`The server answered ${response.status}.`);
  const { hash } = (await response.json()) as { hash: string };
  const read = readHash(hash.toLowerCase(), SERVER_SOURCE);
  return { source: SERVER_SOURCE, chainId: null, number, hash: read, finalized: null };
}

function readHash(text: string, source: string) {
  try {
    return parsePrefixedHex(text.toLowerCase(), "the hash", 32);
  } catch {
    throw new BlockSourceError(`Not a block hash (0x and 64 digits): ${source}.`);
  }
}
